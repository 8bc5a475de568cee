"""Permutations of coordinates (fixed) and of particles (stochastic, sorted).

The particle layers follow Verheyen 2022 (arXiv:2205.01697), eq. 11, but the contribution of the
sort surjection has the opposite sign: log p(x) contains -log D!, because D! orders x share one
sorted z.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind, permute_particles
from hepdensity.models.layout import Layout, log_orders

TREATMENTS = ("none", "sort", "stochastic")


class FixedPermutation(Layer):
    """A permutation of coordinates, drawn once, so that layers use different orders."""

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


def particle_layer(name: str, layout: Layout) -> Layer | None:
    """The layer of a permutation treatment.

    Args:
        name: "none", "stochastic" or "sort".
        layout: columns of the events.

    Raises:
        ValueError: for an unknown treatment, or particles that cannot be sorted.
    """
    if name not in TREATMENTS:
        raise ValueError(f"unknown permutation treatment '{name}'; choose from {list(TREATMENTS)}")
    if name == "none":
        return None
    return StochasticPermutation(layout) if name == "stochastic" else SortSurjection(layout)


def reorder_particles(layout: Layout) -> Callable[[Tensor, Tensor], Tensor]:
    """Function that reorders the particles of events, with all their columns.

    Its arguments are events, shape ``(n, d)``, and for each event the particle to put at each
    place, shape ``(n, particles)``.
    """
    if not layout.event and not layout.categorical:
        return permute_particles
    widths = (0, len(layout.particle_continuous), 0, len(layout.particle_categorical))
    parts = [p for p in zip(layout.slices, widths, strict=True) if p[0].stop > p[0].start]

    def reorder(batch: Tensor, order: Tensor) -> Tensor:
        index = []
        for part, width in parts:
            columns = torch.arange(part.start, part.stop, device=order.device)
            if width:
                moved = width * order[:, :, None] + columns[:width]
                index.append(moved.flatten(1))
            else:
                index.append(columns.expand(len(order), -1))
        return batch.gather(1, torch.cat(index, dim=1))

    return reorder


def absent_particles(x: Tensor, layout: Layout) -> Tensor:
    """Whether each particle is absent (NaN), bool, shape ``(n, particles)``."""
    return x[:, [layout.block(place)[0] for place in range(layout.particles)]].isnan()


class _ParticleLayer(Layer):
    """Reorders the present particles, with all their columns."""

    def __init__(self, layout: Layout) -> None:
        """Create the layer for events of this layout."""
        super().__init__()
        self.particles = layout.particles
        self.layout, self._reorder = layout, reorder_particles(layout)
        self._all_present = layout.least_particles == layout.particles

    def _arrange(self, x: Tensor, keys: Tensor, last: float) -> Tensor:
        """Put the particles in increasing order of their keys, followed by absent particles."""
        if self._all_present:
            return self._reorder(x, keys.argsort(dim=1))
        keys = keys.masked_fill(absent_particles(x, self.layout), last)
        return self._reorder(x, keys.argsort(dim=1, stable=True))

    def _shuffle(self, x: Tensor, generator: Generator | None) -> Tensor:
        keys = torch.rand(len(x), self.particles, generator=generator, device=x.device)
        return self._arrange(x, keys, 2.0)


class StochasticPermutation(_ParticleLayer):
    """Shuffles the particles in both directions; the contribution is 0, a lower bound."""

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
    """Sorts particles by their first continuous column, descending; ``forward`` shuffles them.

    The contribution -log D! of D present particles is exact only if the following layers have all
    their density in the sorted region. This is not the case for a flow on the whole cube, so log p
    is a lower bound in practice.
    """

    kind = LayerKind.SURJECTION_BOUND

    def __init__(self, layout: Layout) -> None:
        """Create the layer for events of this layout.

        Raises:
            ValueError: if particles have no continuous column to sort by.
        """
        super().__init__(layout)
        if layout.particles and not layout.particle_continuous:
            raise ValueError(
                "permutation 'sort' needs a continuous column of the particles to sort by; choose"
                " 'stochastic' or 'none'"
            )

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shuffle the particles of each event."""
        return self._shuffle(z, generator), self._contributions(z)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sort the particles of each event."""
        return self._arrange(x, -self._keys(x), torch.inf), self._contributions(x)

    def _keys(self, x: Tensor) -> Tensor:
        """First continuous column of each particle."""
        return x[:, self.layout.slices[1]].unflatten(1, (self.particles, -1))[:, :, 0]

    def _contributions(self, x: Tensor) -> Tensor:
        if self._all_present:
            return x.new_full((len(x),), -log_orders(self.particles))
        present = self.particles - absent_particles(x, self.layout).sum(dim=1)
        by_number = [-log_orders(count) for count in range(self.particles + 1)]
        return x.new_tensor(by_number)[present]
