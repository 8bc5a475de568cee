"""Common parts of the paper's treatments: permutation, absent particles and real columns.

See Verheyen 2022, arXiv:2205.01697. Everything follows from the layout of the events.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import MultiplicityModel, symmetrised
from hepdensity.models.flows.core import Flow
from hepdensity.models.flows.importance import Mean, SortedMean, curve, other_orders
from hepdensity.models.flows.places import absent_places, row_places
from hepdensity.models.layers.coding import Coding
from hepdensity.models.layers.dropout import DropoutSurjection, dropped_set, refuse_dropped
from hepdensity.models.layers.permutation import (
    SortSurjection,
    particle_layer,
    reorder_particles,
)
from hepdensity.models.layers.standardisation import Standardisation
from hepdensity.models.layout import Layout

MOST_EXACT = 6
"""Largest number of particles for which the average is over all orders, 6! = 720."""
_OTHER_ORDER_EVERY = 4
_LEAST_DRAWS = 100


class TreatedModel(MultiplicityModel):
    """A density of events of a layout, made from a density of ordered events in the unit cube.

    First, real columns are mapped to the cube; then the particles are permuted with all their
    columns. If the layout has presence sets, the flow is conditioned on the presence set and drops
    the coordinates of absent particles. Subclasses implement the density and the sampling of
    ordered events in the cube.
    """

    coding: Coding | None
    standardisation: Standardisation | None
    dropout: DropoutSurjection | None
    absent: Tensor
    present: Tensor
    noisy = False
    """Whether ``log_conditional`` draws noise."""

    def __init__(
        self,
        layout: Layout,
        permutation: str,
        flow: Flow,
        places: Sequence[int | None],
        embedding: nn.Embedding | None = None,
    ) -> None:
        """Combine the shared parts.

        Args:
            layout: columns of the events.
            permutation: "none", "stochastic" or "sort".
            flow: flow on the cube.
            places: particle of each coordinate of the flow, or None.
            embedding: context of each presence set.

        Raises:
            ValueError: for an unknown treatment, or particles that cannot be sorted.
        """
        super().__init__()
        self.layout, self.flow, self.embedding = layout, flow, embedding
        self.permutation = particle_layer(permutation, layout)
        self.reorder = reorder_particles(layout)
        self.coding = Coding(layout) if layout.categorical else None
        real = any(c.support == "real" for c in (*layout.event, *layout.particle))
        self.standardisation = Standardisation(layout, flow.gaussian) if real else None
        self.dropout = None
        if layout.sets:
            probabilities = [chosen.probability for chosen in layout.sets]
            known = [p for p in probabilities if p is not None]
            dropped = flow.to_base(absent_places(layout, places))
            self.dropout = DropoutSurjection(dropped, known or None)
            self.register_buffer(
                "absent", absent_places(layout, row_places(layout)), persistent=False
            )
            counts = torch.tensor([chosen.particles for chosen in layout.sets])
            self.register_buffer("present", counts, persistent=False)

    @abstractmethod
    def log_conditional(
        self, batch: Tensor, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Log-density of ordered events in the cube given their presence set [nats], ``(n,)``.

        Args:
            batch: events, shape ``(n, d)``.
            chosen: presence set of each event, int64, shape ``(n,)``; None without sets.
            generator: source of random numbers.
        """

    @abstractmethod
    def sample_ordered(
        self, n: int, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Draw ``n`` ordered events in the cube and keep the valid ones, shape ``(m, d)``.

        Args:
            n: number of draws.
            chosen: presence set of each event, int64, shape ``(n,)``; None without sets.
            generator: source of random numbers.
        """

    @property
    def bound(self) -> bool:
        """True if a layer makes the one-draw log-density a lower bound."""
        return self.noisy or (self.permutation is not None and self.permutation.kind.bound)

    @property
    def exact(self) -> bool:
        """Whether ``log_prob_tight`` is exact: it averages over all orders of up to six particles.

        For more particles, or with noise, it is an importance-weighted bound.
        """
        too_many = self.permutation is not None and self.layout.most_particles > MOST_EXACT
        return not (self.noisy or too_many)

    @property
    def log_probabilities(self) -> Tensor:
        """Log-probability of each presence set [nats], shape ``(sets,)``."""
        if self.dropout is None:
            return torch.zeros(1, dtype=torch.float64)
        return self.dropout.known_log_probabilities()

    def prepare(self, training: Tensor) -> None:
        """Check the training events, and count what the layout does not specify.

        Raises:
            ValueError: for a wrong number of columns, absent particles that no presence set allows,
                or values that the layout does not allow.
        """
        self.check(training)
        if self.standardisation is not None:
            self.standardisation.count(training)
        if self.dropout is not None and self.dropout.counted:
            self.dropout.count(dropped_set(training, self.absent))

    def check(self, batch: Tensor) -> None:
        """Check that the model can take these events; ``ValueError`` as in ``prepare``."""
        self._check_columns(batch)
        if self.dropout is None:
            refuse_dropped(batch)
        else:
            dropped_set(batch, self.absent)
        if self.coding is not None:
            self.coding.check(batch)

    def _check_columns(self, batch: Tensor) -> None:
        if batch.shape[1] != self.layout.features:
            raise ValueError(
                f"this model takes events of {self.layout.features} columns, not"
                f" {batch.shape[1]}; check the layout of the inputs"
            )

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] with one draw of every stochastic layer."""
        return -self.log_prob_arranged(*self.enter(batch, generator), generator).mean()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] with one draw of every stochastic layer, shape ``(n,)``."""
        self._check_categories(batch)
        return self.log_prob_arranged(*self.enter(batch, generator), generator)

    def _check_categories(self, batch: Tensor) -> None:
        """Check the categories, because an invalid one could be taken for another one."""
        self._check_columns(batch)
        if self.coding is not None:
            self.check(batch)

    def enter(self, batch: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
        """Events in the cube after the permutation, and the contribution of both steps."""
        batch, jacobian = self._to_cube(batch)
        batch, contribution = self.arrange(batch, generator)
        return batch, contribution if jacobian is None else contribution + jacobian

    def _to_cube(self, batch: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.standardisation is None:
            return batch, None
        return self.standardisation.inverse(batch)

    def arrange(self, batch: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
        """Events after the permutation, and its contribution."""
        if self.permutation is None:
            return batch, batch.new_zeros(len(batch))
        return self.permutation.inverse(batch, None, generator)

    def log_prob_arranged(
        self, batch: Tensor, contribution: Tensor, generator: Generator | None = None
    ) -> Tensor:
        """Log-density [nats] from the results of ``enter``, shape ``(n,)``."""
        chosen = self.sets_of(batch)
        value = self.log_conditional(batch, chosen, generator) + contribution
        return value if chosen is None else value + self.log_probabilities.to(value)[chosen]

    def log_prob_ordered(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] of ordered events in the cube, shape ``(n,)``."""
        chosen = self.sets_of(batch)
        value = self.log_conditional(batch, chosen, generator)
        return value if chosen is None else value + self.log_probabilities.to(value)[chosen]

    def sets_of(self, batch: Tensor) -> Tensor | None:
        """Presence set of each event, int64, shape ``(n,)``; None without sets.

        Raises:
            ValueError: if no set matches the absent particles; names the first such event.
        """
        return None if self.dropout is None else dropped_set(batch, self.absent)

    def context(self, chosen: Tensor | None) -> Tensor | None:
        """Condition of the flow, shape ``(n, width)``."""
        if chosen is None or self.embedding is None:
            return None
        context: Tensor = self.embedding(chosen)
        return context

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Tightest value of the log-density of ``sample`` [nats], shape ``(n,)``.

        If the model is ``exact``, it is the mean over all orders of the present particles.
        Otherwise, it is the importance-weighted bound of ``log_prob_curve``.

        Raises:
            ValueError: if the model is not exact and the number of draws is missing.
        """
        if not self.exact:
            if draws is None:
                raise ValueError(
                    "this model has no exact log-density; give the number of importance draws"
                )
            return self.log_prob_curve(batch, [draws], generator)[0]
        self._check_categories(batch)
        batch, jacobian = self._to_cube(batch)
        value = self.log_prob_ordered(batch) if self.permutation is None else self._mean(batch)
        return value if jacobian is None else value + jacobian

    def _mean(self, batch: Tensor) -> Tensor:
        """Log of the mean density over all orders of the present particles."""
        if self.dropout is None:
            return symmetrised(self.log_prob_ordered, batch, self.layout.particles, self.reorder)
        present = self._present(batch)
        value = self.log_prob_ordered(batch)
        for count in present.unique().tolist():
            if count > 1:
                rows = present == count
                value[rows] = symmetrised(
                    self.log_prob_ordered, batch[rows], count, self._reorder_first
                )
        return value

    def _reorder_first(self, batch: Tensor, order: Tensor) -> Tensor:
        """Reorder only the particles in the first k places; ``order`` has shape ``(n, k)``."""
        rest = torch.arange(order.shape[1], self.layout.particles, device=order.device)
        return self.reorder(batch, torch.cat([order, rest.expand(len(order), -1)], dim=1))

    def _present(self, batch: Tensor) -> Tensor:
        """Number of particles of each event, int64, shape ``(n,)``."""
        chosen = self.sets_of(batch)
        if chosen is None:
            return torch.full((len(batch),), self.layout.particles, device=batch.device)
        return self.present[chosen]

    @torch.no_grad()
    def log_prob_curve(
        self, batch: Tensor, draws: Sequence[int], generator: Generator | None = None
    ) -> Tensor:
        """Importance-weighted bounds with nested draws [nats], shape ``(len(draws), n)``.

        One draw consists of noise and an order of the particles. Each bound is the log of an
        unbiased estimate of the density of ``sample`` (for sort, of a part of it until the first
        other order is drawn), and increases with K on average. For argmax, it is the density of
        ``attempt``, which is not renormalised for invalid draws; ``sample`` repeats these.
        ``stochastic`` draws all orders with equal probability. With ``sort``, nearly all the
        density is at the sorted order. It therefore gets three of four draws with noise, and the
        first draw without noise; the remaining draws are for the other orders.

        An exact value does not depend on the draws.

        Args:
            batch: events, shape ``(n, d)``.
            draws: increasing numbers of draws K.
            generator: source of random numbers.

        Raises:
            ValueError: if the numbers are not positive and increasing.
        """
        if self.exact:
            return super().log_prob_curve(batch, draws, generator)
        self._check_categories(batch)
        batch, jacobian = self._to_cube(batch)
        present = self._present(batch)
        sorts = isinstance(self.permutation, SortSurjection) and self.layout.most_particles > 1
        mean = SortedMean(present) if sorts else Mean()

        def draw(k: int) -> None:
            ordered, _ = self.arrange(batch, generator)
            if isinstance(mean, SortedMean) and self._is_other(k):
                orders = other_orders(present, self.layout.particles, generator)
                mean.add_other(self.log_prob_ordered(self.reorder(ordered, orders), generator))
            else:
                mean.add(self.log_prob_ordered(ordered, generator))

        values = curve(draws, draw, mean.log_value)
        return values if jacobian is None else values + jacobian

    def _is_other(self, k: int) -> bool:
        """Whether draw number k is for an order other than the sorted one."""
        return k % _OTHER_ORDER_EVERY == 0 if self.noisy else k > 1

    def attempt(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` times and keep the valid events, shape ``(m, d)`` with m <= n."""
        chosen = None if self.dropout is None else self.dropout.draw(n, generator)
        return self._attempt(n, chosen, generator)

    @torch.no_grad()
    def _attempt(self, n: int, chosen: Tensor | None, generator: Generator | None) -> Tensor:
        events = self.sample_ordered(n, chosen, generator)
        if self.permutation is not None:
            events, _ = self.permutation(events, None, generator)
        if self.standardisation is not None:
            events, _ = self.standardisation(events)
        return events

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` valid events, shape ``(n, d)``.

        Raises:
            RuntimeError: if none of a hundred draws is valid.
        """
        return _repeat(lambda count: self.attempt(count, generator), n)

    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` valid events of one presence set, shape ``(n, d)``.

        Raises:
            RuntimeError: if none of a hundred draws is valid.
            ValueError: if there is no such set.
        """
        if not 0 <= chosen < len(self.log_probabilities):
            raise ValueError(
                f"there is no presence set {chosen}; the layout has {self.layout.sets}"
            )
        if self.dropout is None:
            return self.sample(n, generator)
        device = self.present.device

        def attempt(count: int) -> Tensor:
            return self._attempt(count, torch.full((count,), chosen, device=device), generator)

        return _repeat(attempt, n)

    def draw_flow(
        self,
        n: int,
        chosen: Tensor | None,
        context: Tensor | None,
        generator: Generator | None,
    ) -> Tensor:
        """Draw points of the cube, NaN if the presence set drops them, ``(n, features)``."""
        z = self.flow.base_points(n, generator)
        if self.dropout is not None:
            z, _ = self.dropout(z, chosen)
        return self.flow.push(z, context)


def _repeat(attempt: Callable[[int], Tensor], n: int) -> Tensor:
    """Draw until ``n`` events are valid."""
    parts = [attempt(n)]
    while (missing := n - sum(len(part) for part in parts)) > 0:
        parts.append(attempt(max(missing, _LEAST_DRAWS)))
        if not len(parts[-1]):
            raise RuntimeError("no sample of this model has a valid category; train it longer")
    return torch.cat(parts)[:n]
