"""Permutations of coordinates (fixed) and of particles (stochastic, sorted).

The particle layers follow Verheyen 2022 (arXiv:2205.01697), eq. 11, with the sign of the sort
surjection's contribution mended: log p(x) contains -log D!, since D! orderings x share one sorted
z.
"""

import math

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind, permute_particles
from hepdensity.models.layers.labels import relabel


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


def particle_layer(name: str, particles: int, labelled: bool = False) -> Layer | None:
    """The layer of a treatment of the particles' permutation symmetry.

    Args:
        name: "none", "stochastic" or "sort".
        particles: number of exchangeable particles.
        labelled: whether events have labels, see ``layers.labels``.

    Raises:
        ValueError: for an unknown treatment.
    """
    if name not in ("none", "stochastic", "sort"):
        raise ValueError(
            f"unknown permutation treatment '{name}': choose from ['none', 'sort', 'stochastic']"
        )
    if name == "none":
        return None
    treatment = StochasticPermutation if name == "stochastic" else SortSurjection
    return treatment(particles, labelled)


class _ParticleLayer(Layer):
    """Reorders the particles of an event, with their labels if there are any.

    Events with dropped particles (NaN) stay as they are, with contribution 0.
    """

    def __init__(self, particles: int, labelled: bool = False) -> None:
        """Act on events of ``particles`` particles with equally many coordinates each.

        Args:
            particles: number of exchangeable particles.
            labelled: whether events have labels, see ``layers.labels``.
        """
        super().__init__()
        self.particles = particles
        self._reorder = relabel if labelled else permute_particles
        self._coordinates = 2 * particles if labelled else None

    def _keys(self, x: Tensor) -> Tensor:
        """First coordinate of each particle."""
        return x[:, : self._coordinates].unflatten(1, (self.particles, -1))[:, :, 0]

    def _arrange(self, x: Tensor, order: Tensor) -> Tensor:
        as_is = torch.arange(self.particles, device=x.device)
        return self._reorder(x, torch.where(_complete(x)[:, None], order, as_is))

    def _shuffle(self, x: Tensor, generator: Generator | None) -> Tensor:
        keys = torch.rand(len(x), self.particles, generator=generator, device=x.device)
        return self._arrange(x, keys.argsort(dim=1))


def _complete(x: Tensor) -> Tensor:
    return ~x.isnan().any(dim=1)


class StochasticPermutation(_ParticleLayer):
    """Shuffles the particles in both directions; contribution 0, a lower bound."""

    kind = LayerKind.STOCHASTIC

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return self._shuffle(z, generator), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return self._shuffle(x, generator), x.new_zeros(len(x))


class SortSurjection(_ParticleLayer):
    """Sorts the particles by their first coordinate, descending; shuffles in the forward direction.

    The contribution -log D! is exact only if the layers behind it have all their density in the
    sorted region. A flow on the whole cube has not, so log p is a lower bound in practice.
    """

    kind = LayerKind.SURJECTION_BOUND

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return self._shuffle(z, generator), self._contributions(z)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sort the particles of each event."""
        order = self._keys(x).argsort(dim=1, descending=True)
        return self._arrange(x, order), self._contributions(x)

    def _contributions(self, x: Tensor) -> Tensor:
        contribution = -math.log(math.factorial(self.particles))
        return contribution * _complete(x).to(x)
