"""Density of events with points, as a product of factors that share no weights.

    p(event) = p(N) p(categories | N) p(event columns | categories) p(particles | all of these)

The number N of particles is categorical. So is, if particles have categorical columns, how many
there are of each category. The event columns and the particles have a velocity field each (see
`fields`). The density does not depend on the order of the particles. It is that of N labelled
particles; that of sets would be N! times as large.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import one_hot

from hepdensity.models.diffusion.columns import PointColumns
from hepdensity.models.diffusion.fields import Field, Points
from hepdensity.models.diffusion.likelihood import (
    Factor,
    Integration,
    from_base,
    log_parts,
    total,
)
from hepdensity.models.diffusion.losses import OBJECTIVES
from hepdensity.models.diffusion.networks.category_counts import CategoryCounts
from hepdensity.models.diffusion.networks.hollow import HollowNetwork
from hepdensity.models.diffusion.networks.residual import ResidualNetwork
from hepdensity.models.diffusion.networks.sets import SetNetwork
from hepdensity.models.factorised import FactorisedDensity
from hepdensity.models.layers.standardisation import Standardisation
from hepdensity.models.layout import Layout
from hepdensity.models.networks.initial import seeded

NUMBER, CATEGORIES, EVENT, PARTICLES = "N", "categories", "event", "particles"
NETWORKS = {"full": SetNetwork, "hollow": HollowNetwork}
_VALIDATED = 1000
"""Events of a pass without gradients, whose attention would else take gigabytes."""


class SetDensity(FactorisedDensity):
    """A density of real event columns and of a varying number of exchangeable particles."""

    log_numbers: Tensor
    numbers: Tensor
    number_scale: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(
        self,
        layout: Layout,
        objective: str,
        event: Field | None,
        particle: Field | None,
        counts: CategoryCounts | None,
        integration: Integration,
        smoothing: float,
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events.
            objective: name of the objective (see `losses`).
            event: field of the event columns, if there are any.
            particle: field of the particles, if there are any.
            counts: probability of the categories of the particles, if they have any.
            integration: how ``log_prob`` and ``sample`` solve the ODEs.
            smoothing: events that are added to the count of each number of particles.

        Raises:
            ValueError: for columns that `PointColumns` refuses, or an unknown objective.
        """
        super().__init__()
        self.columns = PointColumns(layout)
        if objective not in OBJECTIVES:
            raise ValueError(f"unknown objective '{objective}'; choose from {list(OBJECTIVES)}")
        self.layout, self.objective = layout, OBJECTIVES[objective]
        self.event, self.particle, self.counts = event, particle, counts
        self.integration, self._smoothing = integration, smoothing
        self.standardisation = Standardisation(layout, linear=True)
        self.register_buffer("numbers", self.columns.numbers, persistent=False)
        for name, size in (
            ("log_numbers", len(self.numbers)),
            ("number_scale", 2),
            ("lowest", self.columns.conditions),
            ("highest", self.columns.conditions),
        ):
            self.register_buffer(name, torch.full((size,), torch.nan, dtype=torch.float64))

    # --- what is counted ------------------------------------------------------------------------

    def prepare(self, training: Tensor) -> None:
        """Count numbers of particles, and means, spreads and ranges of the columns.

        Raises:
            ValueError: if the events do not fit the layout, or a column is infinite or constant.
        """
        chosen = self.columns.sets_of(training)
        self.standardisation.count(training)
        given = [one.probability for one in self.layout.sets]
        known = torch.tensor([p for p in given if p is not None], dtype=torch.float64)
        counts = torch.bincount(chosen, minlength=len(self.numbers)).double() + self._smoothing
        weights = known if len(known) else counts / counts.sum()
        self.log_numbers.copy_(weights.log())
        number = self.numbers[chosen].double()
        spread = number.std() if len(number) > 1 and number.std() > 0 else torch.ones(())
        self.number_scale.copy_(torch.stack([number.mean(), spread.to(number)]))
        counted = self._counted(self.columns.categories_of(training))
        conditions = self._unclamped(training.double(), number, counted)
        self.lowest.copy_(conditions.amin(dim=0))
        self.highest.copy_(conditions.amax(dim=0))

    @property
    def log_probabilities(self) -> Tensor:
        """Log-probability of each presence set [nats], shape ``(sets,)``."""
        if self.log_numbers.isnan().any():
            raise ValueError("nothing has been counted; call prepare(training) first")
        return self.log_numbers

    # --- density --------------------------------------------------------------------------------

    @property
    def bound(self) -> bool:
        """The density is that of the samples."""
        return False

    @property
    def exact(self) -> bool:
        """Whether no probes are drawn; else log-densities are unbiased estimates."""
        return self.integration.divergence != "hutchinson"

    def factors(self) -> list[list[nn.Module]]:
        """The categories, the field of the event columns, and that of the particles."""
        parts = (self.counts, self.event, self.particle)
        return [[part] for part in parts if part is not None]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Objectives of the factors, shape ``(factors,)``; see `losses` for their units."""
        if torch.is_grad_enabled():
            return self._losses(batch, generator)
        parts = batch.split(_VALIDATED)
        losses = [self._losses(part, generator) * len(part) for part in parts]
        return torch.stack(losses).sum(dim=0) / len(batch)

    def _losses(self, batch: Tensor, generator: Generator | None) -> Tensor:
        probabilities, factors = self.ode_factors(batch)
        losses = [-probabilities[CATEGORIES].mean()] if CATEGORIES in probabilities else []
        losses += [
            self.objective.loss(factor.field, factor.points, generator)
            for factor in factors.values()
        ]
        return torch.stack(losses)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Sum of the objectives of the factors."""
        return self.factor_losses(batch, generator).sum()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats], shape ``(n,)``; NaN where a solve did not converge."""
        return total(self.log_parts(batch, generator))

    def log_parts(self, batch: Tensor, generator: Generator | None = None) -> dict[str, Tensor]:
        """Log-density of each factor [nats], float64, shape ``(n,)`` each.

        The factors are `N` and `categories` (probabilities), `event` and `particles`, as far as the
        layout has them.

        Args:
            batch: events, shape ``(n, d)``.
            generator: source of the probes, if the divergence is "hutchinson".

        Raises:
            ValueError: if the events do not fit the layout.
        """
        return log_parts(self, batch, self.integration, generator)

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Log-density without probes [nats], shape ``(n,)``: that of "hutchinson" is exact here."""
        return total(log_parts(self, batch, self.integration.without_probes(), generator))

    def ode_factors(self, batch: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Factor]]:
        """Log-probabilities of the discrete parts [nats], and the ODEs of all others."""
        chosen = self.columns.sets_of(batch)
        number, categories = self.numbers[chosen], self.columns.categories_of(batch)
        counted = self._counted(categories)
        conditions = self._conditions(batch, number, counted)
        log_jacobian = -self.standardisation.std.log()
        parts = {NUMBER: self.log_probabilities[chosen]}
        if self.counts is not None and counted is not None:
            parts[CATEGORIES] = self.counts.log_prob(counted)
        factors = {}
        columns, particles, _, _ = self.layout.slices
        unit = self._unit(batch)
        if self.event is not None:
            whole = torch.ones(len(batch), 1, dtype=torch.bool, device=batch.device)
            points = Points(unit[:, None, columns], whole, conditions[:, columns.stop :])
            own = log_jacobian[columns].sum().expand(len(batch))
            factors[EVENT] = Factor(self.event, points, own)
        if self.particle is not None:
            points = self._points(unit, categories, conditions, number)
            width = self.columns.coordinates
            own = log_jacobian[particles][:width].sum() * number
            factors[PARTICLES] = Factor(self.particle, points, own)
        return parts, factors

    def _points(
        self, unit: Tensor, categories: Tensor | None, conditions: Tensor, number: Tensor
    ) -> Points:
        """The particles, with as many places as the largest event needs."""
        x = unit[:, self.layout.slices[1]].unflatten(1, (self.layout.particles, -1))
        most = int(number.max()) if len(number) else 0
        places = torch.arange(most, device=unit.device)
        known = None
        if categories is not None:
            chosen = categories[:, :most].clamp(min=0)
            known = one_hot(chosen, self.columns.categories).to(unit)
        present = places < number[:, None]
        return Points(x.nan_to_num(nan=0.0)[:, :most], present, conditions, known)

    # --- coordinates ----------------------------------------------------------------------------

    def _unit(self, batch: Tensor) -> Tensor:
        """Real columns with mean 0 and variance 1 in training."""
        mean, std = self.standardisation.mean, self.standardisation.std
        return ((batch[:, : self.layout.continuous].double() - mean) / std).to(batch)

    def _counted(self, categories: Tensor | None) -> Tensor | None:
        """Number of particles of each category, int64, shape ``(n, K)``."""
        if categories is None:
            return None
        return one_hot(categories + 1, self.columns.categories + 1).sum(dim=1)[:, 1:]

    def _unclamped(self, batch: Tensor, number: Tensor, counted: Tensor | None) -> Tensor:
        """Event columns and N with mean 0 and variance 1 in training, and shares of categories."""
        parts = [self._unit(batch)[:, : self.layout.slices[0].stop]]
        if len(self.numbers) > 1:
            mean, std = self.number_scale
            parts.append(((number - mean) / std).to(batch)[:, None])
        if counted is not None:
            parts.append(counted.to(batch) / self.layout.particles)
        return torch.cat(parts, dim=1)

    def _conditions(self, batch: Tensor, number: Tensor, counted: Tensor | None) -> Tensor:
        """Conditions of the particles, within the range of the training events."""
        values = self._unclamped(batch, number, counted)
        return torch.clamp(values, self.lowest.to(values), self.highest.to(values))

    # --- samples --------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, d)``."""
        weights = self.log_probabilities.exp()
        return self._sample(weights.multinomial(n, True, generator=generator), generator)

    @torch.no_grad()
    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events of one presence set, shape ``(n, d)``.

        Raises:
            ValueError: if there is no such set.
        """
        if not 0 <= chosen < len(self.numbers):
            raise ValueError(
                f"there is no presence set {chosen}; the layout has {self.layout.sets}"
            )
        return self._sample(torch.full((n,), chosen, device=self.numbers.device), generator)

    def _sample(self, chosen: Tensor, generator: Generator | None) -> Tensor:
        like = next(self.parameters())
        number = self.numbers[chosen]
        events = torch.zeros(len(chosen), self.layout.features, dtype=like.dtype).to(like)
        columns, particles, _, _ = self.layout.slices
        absent = torch.arange(self.layout.particles, device=like.device) >= number[:, None]
        width = self.columns.coordinates
        events[:, particles] = events[:, particles].masked_fill(
            absent.repeat_interleave(width, dim=1), torch.nan
        )
        if self.counts is not None:
            categories = self.counts.draw(number, generator)
            events = self.columns.with_categories(events, categories)
        for name, part in ((EVENT, columns), (PARTICLES, particles)):
            # The particles are drawn given the columns of the event, which are drawn before.
            factor = self.ode_factors(events)[1].get(name)
            if factor is None:
                continue
            drawn = from_base(factor.field, factor.points, self.integration.steps, generator)
            mean, std = (
                values[part].to(like)
                for values in (self.standardisation.mean, self.standardisation.std)
            )
            found = drawn.x.flatten(1)
            places = slice(part.start, part.start + found.shape[1])
            size = found.shape[1]
            events[:, places] += found * std[:size] + mean[:size]
        return events


def set_density(
    *,
    layout: Layout,
    seed: int,
    objective: str,
    network: str = "full",
    width: int = 48,
    blocks: int = 2,
    attention_heads: int = 4,
    event_width: int = 64,
    event_blocks: int = 2,
    solver: str = "multistep",
    steps: int = 32,
    divergence: str | None = None,
    probes: int = 1,
    smoothing: float = 0.5,
) -> SetDensity:
    """Build a density of events with points.

    Args:
        layout: columns of the events: real numbers, and categories of particles.
        seed: seed of the initial weights.
        objective: "standard", "maximum-likelihood" or "flow-matching".
        network: "full" (DeepSets and transformer) or "hollow" (its divergence is cheap).
        width: width of the states of the particles.
        blocks: attention blocks.
        attention_heads: attention heads of each block; they divide the width.
        event_width: width of the states of the event columns.
        event_blocks: residual blocks of the event columns.
        solver: "multistep" or "adaptive".
        steps: steps of the multistep solver.
        divergence: "exact", "hollow" or "hutchinson"; by default "hollow" for such a network and
            "exact" for another one.
        probes: probes for each evaluation, with "hutchinson".
        smoothing: events that are added to the count of each number of particles.

    Raises:
        ValueError: for unknown choices, or columns that are neither real nor of particles.
    """
    if network not in NETWORKS:
        raise ValueError(f"unknown network '{network}'; choose from {list(NETWORKS)}")
    if divergence is None:
        divergence = "hollow" if network == "hollow" else "exact"
    if divergence == "hollow" and network != "hollow":
        raise ValueError("divergence 'hollow' needs network 'hollow', not 'full'")
    integration = Integration(solver, divergence, steps, probes=probes)
    columns = PointColumns(layout)
    event = particle = counts = None
    with seeded(seed):
        if layout.event:
            given = columns.conditions - len(layout.event)
            event = ResidualNetwork(len(layout.event), given, event_width, event_blocks)
        if columns.coordinates:
            sizes = (width, blocks, attention_heads, columns.categories)
            particle = NETWORKS[network](columns.coordinates, columns.conditions, *sizes)
        if columns.categories:
            counts = CategoryCounts(layout.particles, columns.categories, event_width)
    return SetDensity(layout, objective, event, particle, counts, integration, smoothing)
