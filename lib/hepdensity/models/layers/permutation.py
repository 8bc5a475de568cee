"""Permutations of coordinates (fixed) and of particles (stochastic, sorted).

The particle layers follow Verheyen 2022 (arXiv:2205.01697), eq. 11, with the sign of the sort
surjection's contribution mended: log p(x) contains -log D!, since D! orderings x share one sorted
z.
"""

import math

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind


class FixedPermutation(Layer):
    """A permutation of coordinates drawn once, so that every layer conditions in another order."""

    kind = LayerKind.BIJECTION
    order: Tensor
    inverse_order: Tensor

    def __init__(self, features: int, generator: Generator | None = None) -> None:
        """Draw the permutation with ``generator``; it is part of the saved weights."""
        super().__init__()
        order = torch.randperm(features, generator=generator)
        self.register_buffer("order", order)
        self.register_buffer("inverse_order", order.argsort())

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Undo the permutation."""
        return z[:, self.inverse_order], z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Permute the coordinates."""
        return x[:, self.order], x.new_zeros(len(x))


def permute_particles(x: Tensor, order: Tensor) -> Tensor:
    """Reorder the particles of each event.

    Args:
        x: events, shape ``(n, particles * coordinates)``, the coordinates of a particle adjacent.
        order: for each event the particle that goes to each place, shape ``(n, particles)``.
    """
    n, particles = order.shape
    blocks = x.view(n, particles, -1)
    index = order[:, :, None].expand_as(blocks)
    return blocks.gather(1, index).view(n, -1)


def _shuffle(x: Tensor, particles: int, generator: Generator | None) -> Tensor:
    keys = torch.rand(len(x), particles, generator=generator, device=x.device)
    return permute_particles(x.contiguous(), keys.argsort(dim=1))


class StochasticPermutation(Layer):
    """Shuffles the particles in both directions; contribution 0, a lower bound."""

    kind = LayerKind.STOCHASTIC

    def __init__(self, particles: int) -> None:
        """Act on events of ``particles`` particles with equally many coordinates each."""
        super().__init__()
        self.particles = particles

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return _shuffle(z, self.particles, generator), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return _shuffle(x, self.particles, generator), x.new_zeros(len(x))


class SortSurjection(Layer):
    """Sorts the particles by their first coordinate, descending; shuffles in the forward direction.

    The contribution -log D! is exact only if the layers behind it have all their density in the
    sorted region. A flow on the whole cube has not, so log p is a lower bound in practice.
    """

    kind = LayerKind.SURJECTION_BOUND

    def __init__(self, particles: int) -> None:
        """Act on events of ``particles`` particles with equally many coordinates each."""
        super().__init__()
        self.particles = particles
        self.contribution = -math.log(math.factorial(particles))

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return _shuffle(z, self.particles, generator), self._contributions(z)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sort the particles of each event."""
        x = x.contiguous()
        keys = x.view(len(x), self.particles, -1)[:, :, 0]
        return permute_particles(x, keys.argsort(dim=1, descending=True)), self._contributions(x)

    def _contributions(self, x: Tensor) -> Tensor:
        return x.new_full((len(x),), self.contribution)
