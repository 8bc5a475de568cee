"""The two contracts of every model: ``Layer`` and ``DensityModel``.

Directions: ``forward`` generates (z -> x) and ``inverse`` infers (x -> z). Both return the
*likelihood contribution* V(x, z) of the pair [nats], so that log p(x) = log p(z) + V(x, z) -
exactly for bijections and exact surjections, as a one-draw lower bound otherwise (Nielsen et al.
2020, arXiv:2007.02731; Verheyen 2022, arXiv:2205.01697, eq. 7).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from itertools import permutations

import torch
from torch import Generator, Tensor, nn


class LayerKind(Enum):
    """What a layer is, and with it whether its likelihood contribution is exact."""

    BIJECTION = "bijection"
    SURJECTION_EXACT = "surjection (exact)"
    SURJECTION_BOUND = "surjection (bound)"
    STOCHASTIC = "stochastic (bound)"

    @property
    def bound(self) -> bool:
        """True if the contribution makes log p(x) a lower bound only."""
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


class DensityModel(nn.Module, ABC):
    """A trainable density of unlabelled event data. Training and evaluation see only this."""

    @property
    @abstractmethod
    def bound(self) -> bool:
        """True if ``log_prob`` is a lower bound of the density of ``sample``."""

    @abstractmethod
    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Training objective, a scalar [nats]: for a flow the mean of -log p.

        Args:
            batch: events, shape ``(n, d)``.
            generator: source of random numbers of stochastic layers.
        """

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
            draws: number of importance draws for models without an exact value; None where the
            value
                is exact.
            generator: source of random numbers.
        """

    @abstractmethod
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, d)``."""


def symmetrised(log_prob: Callable[[Tensor], Tensor], batch: Tensor, particles: int) -> Tensor:
    """Log of the mean over all particle orders of a density [nats], shape ``(n,)``.

    Args:
        log_prob: log-density of ordered events.
        batch: events, shape ``(n, d)``, the coordinates of a particle adjacent.
        particles: number of exchangeable particles; the cost grows with its factorial.
    """
    blocks = batch.reshape(len(batch), particles, -1)
    orders = permutations(range(particles))
    values = [log_prob(blocks[:, list(order)].flatten(1)) for order in orders]
    return torch.stack(values).logsumexp(dim=0) - math.log(len(values))
