"""The interfaces of all models: ``Layer``, ``Trainable`` and ``DensityModel``.

Directions: ``forward`` generates (z -> x) and ``inverse`` infers (x -> z). Both return the
*likelihood contribution* V(x, z) of the pair [nats], so that log p(x) = log p(z) + V(x, z). This is
exact for bijections and exact surjections, and a one-draw lower bound otherwise (Nielsen et al.
2020, arXiv:2007.02731; Verheyen 2022, arXiv:2205.01697, eq. 7).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import permutations
from typing import TypeGuard

import torch
from torch import Generator, Tensor, nn


class LayerKind(Enum):
    """Kinds of layer, which determine whether the likelihood contribution is exact."""

    BIJECTION = "bijection"
    SURJECTION_EXACT = "surjection (exact)"
    SURJECTION_BOUND = "surjection (bound)"
    STOCHASTIC = "stochastic (bound)"

    @property
    def bound(self) -> bool:
        """True if the contribution makes log p(x) only a lower bound."""
        return self in (LayerKind.SURJECTION_BOUND, LayerKind.STOCHASTIC)


class Layer(nn.Module, ABC):
    """One step of a flow between latent z and data x, both of shape ``(n, d)``."""

    kind: LayerKind

    @abstractmethod
    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Generate: z -> x.

        Args:
            z: latent points, shape ``(n, d_z)``.
            context: condition of each event, shape ``(n, ...)``, or None.
            generator: source of the random numbers of surjective and stochastic layers.

        Returns:
            x of shape ``(n, d_x)`` and the likelihood contribution V(x, z) [nats], shape ``(n,)``.
        """

    @abstractmethod
    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Infer: x -> z.

        Args:
            x: data points, shape ``(n, d_x)``.
            context: condition of each event, shape ``(n, ...)``, or None.
            generator: source of the random numbers of surjective and stochastic layers.

        Returns:
            z of shape ``(n, d_z)`` and the likelihood contribution V(x, z) [nats], shape ``(n,)``.
        """


class Trainable(nn.Module, ABC):
    """Anything that can be trained: it has a loss, and may count training events before training.

    A ``hepdensity.models.layout.Layout`` describes the columns of the events.
    """

    def prepare(self, training: Tensor) -> None:
        """Count what is not trained in the training events; called once before training.

        The results are kept in buffers, which are saved with the weights.

        Args:
            training: training events, shape ``(n, d)``.

        Raises:
            ValueError: if the model cannot take such events.
        """

    @abstractmethod
    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Training objective, a scalar [nats]; for a flow, the mean of -log p.

        Args:
            batch: events, shape ``(n, d)``.
            generator: source of random numbers of stochastic layers.
        """

    def factors(self) -> list[list[nn.Module]]:
        """Modules of each factor of the model; factors share no weights.

        Each factor is trained and selected separately, because the first one to overtrain would
        otherwise end the training of all.
        """
        return [[self]]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Objectives of the factors [nats], shape ``(factors,)``; their sum is ``loss``."""
        return self.loss(batch, generator)[None]


class DensityModel(Trainable):
    """A trainable density of events; evaluation uses only this interface."""

    @property
    @abstractmethod
    def bound(self) -> bool:
        """True if ``log_prob`` is a lower bound of the density of ``sample``."""

    @property
    def exact(self) -> bool:
        """True if ``log_prob_tight`` is the density of ``sample`` and needs no draws."""
        return True

    @abstractmethod
    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] with one draw of every stochastic layer, shape ``(n,)``."""

    @abstractmethod
    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """The tightest known value of the log-density of ``sample`` [nats], shape ``(n,)``.

        Args:
            batch: events, shape ``(n, d)``.
            draws: number of importance draws, for models without an exact value; None if the value
                is exact.
            generator: source of random numbers.
        """

    def log_prob_curve(
        self, batch: Tensor, draws: Sequence[int], generator: Generator | None = None
    ) -> Tensor:
        """Tight values for increasing numbers of nested draws [nats], shape ``(len(draws), n)``.

        Args:
            batch: events, shape ``(n, d)``.
            draws: increasing numbers of importance draws; an exact value does not depend on them.
            generator: source of random numbers.
        """
        return self.log_prob_tight(batch, None, generator).expand(len(draws), -1)

    @abstractmethod
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, d)``."""

    def attempt(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` times and keep the valid events, shape ``(m, d)`` with m <= n.

        The likelihood is not renormalised for the fraction 1 - m / n of invalid draws.
        """
        return self.sample(n, generator)


class MultiplicityModel(DensityModel):
    """A density of events with one of several numbers of particles; absent particles are NaN.

    The presence sets are those of the layout, in the same order. For a layout without presence
    sets, the model has one set of probability one (see ``has_sets``).
    """

    @property
    @abstractmethod
    def log_probabilities(self) -> Tensor:
        """Log-probability of each presence set in ``log_prob``, shape ``(sets,)`` [nats].

        ``log_prob`` minus this value is the log-density given the presence set.
        """

    @abstractmethod
    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events of one presence set, shape ``(n, d)``."""


def has_sets(model: Trainable) -> TypeGuard[MultiplicityModel]:
    """Whether a model describes several numbers of particles."""
    return isinstance(model, MultiplicityModel) and len(model.log_probabilities) > 1


def permute_particles(batch: Tensor, order: Tensor) -> Tensor:
    """Reorder the particles of events that consist of particle columns only, particle by particle.

    Args:
        batch: events, shape ``(n, d)``; the columns of a particle are adjacent.
        order: for each event, the particle to put at each place, shape ``(n, particles)``.
    """
    n, particles = order.shape
    blocks = batch.reshape(n, particles, -1)
    return blocks.gather(1, order[:, :, None].expand_as(blocks)).flatten(1)


def symmetrised(
    log_prob: Callable[[Tensor], Tensor],
    batch: Tensor,
    particles: int,
    reorder: Callable[[Tensor, Tensor], Tensor] = permute_particles,
) -> Tensor:
    """Log of the mean over all particle orders of a density [nats], shape ``(n,)``.

    Args:
        log_prob: log-density of ordered events.
        batch: events, shape ``(n, d)``.
        particles: number of exchangeable particles; the cost grows with its factorial.
        reorder: function that reorders particles (see ``permute_particles``).
    """
    orders = torch.tensor(list(permutations(range(particles))), device=batch.device)
    values = [log_prob(reorder(batch, order.expand(len(batch), -1))) for order in orders]
    return torch.stack(values).logsumexp(dim=0) - math.log(len(values))
