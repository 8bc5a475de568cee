"""Exact symmetries of a density on the unit cube: removed rotations and folded reflections.

Both are surjections with an exact likelihood contribution: every latent point represents a whole
orbit of data points of equal density. A symmetry costs nothing and increases the effective number
of events by the size of the orbit.
"""

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind


class CommonRotation(Layer):
    """Removes the rotation by a common angle from periodic coordinates.

    Coordinates in ``columns`` are azimuths in units of 2 pi. ``inverse`` subtracts the first one
    from the others and removes it, so there is one column less; ``forward`` draws it uniformly.
    """

    kind = LayerKind.SURJECTION_EXACT

    def __init__(self, columns: tuple[int, ...]) -> None:
        """Create the layer for the coordinates in ``columns``; it removes the first of them."""
        super().__init__()
        self.dropped, self.rotated = columns[0], [c - (c > columns[0]) for c in columns[1:]]

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw the common angle and add it."""
        angle = torch.rand(len(z), 1, generator=generator, dtype=z.dtype, device=z.device)
        z = z.clone()
        z[:, self.rotated] = (z[:, self.rotated] + angle).remainder(1)
        x = torch.cat((z[:, : self.dropped], angle, z[:, self.dropped :]), dim=1)
        return x, z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Subtract the common angle and remove it."""
        angle = x[:, self.dropped, None]
        z = torch.cat((x[:, : self.dropped], x[:, self.dropped + 1 :]), dim=1)
        z[:, self.rotated] = (z[:, self.rotated] - angle).remainder(1)
        return z, x.new_zeros(len(x))


class Fold(Layer):
    """Identifies points that are connected by a reflection of the cube.

    The reflection exchanges the columns of each pair in ``exchanged``, then replaces coordinates c
    by 1 - c in ``reflected`` and by c + 1/2 (mod 1) in ``shifted``. Applied twice, it must be the
    identity. ``inverse`` reflects events with ``reflected[0]`` above 1/2 and stretches this
    coordinate to [0, 1]; ``forward`` reflects at random.
    """

    kind = LayerKind.SURJECTION_EXACT

    def __init__(
        self,
        reflected: tuple[int, ...],
        shifted: tuple[int, ...] = (),
        exchanged: tuple[tuple[int, int], ...] = (),
    ) -> None:
        """Fold along the first of the ``reflected`` columns.

        Raises:
            ValueError: if that column is also shifted or exchanged.
        """
        super().__init__()
        if reflected[0] in (*shifted, *(column for pair in exchanged for column in pair)):
            raise ValueError("the first reflected column must not be shifted or exchanged")
        self.folded, self.reflected, self.shifted = reflected[0], list(reflected), list(shifted)
        self.targets = [column for pair in exchanged for column in pair]
        self.origins = [column for pair in exchanged for column in reversed(pair)]

    def reflection(self, x: Tensor) -> Tensor:
        """The mirror images of points ``(n, d)``."""
        image = x.clone()
        image[:, self.targets] = x[:, self.origins]
        image[:, self.reflected] = 1 - image[:, self.reflected]
        image[:, self.shifted] = (image[:, self.shifted] + 0.5).remainder(1)
        return image

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Unfold to one of the two images, drawn at random."""
        x = z.clone()
        x[:, self.folded] = z[:, self.folded] / 2
        coin = torch.rand(len(z), 1, generator=generator, device=z.device) < 0.5
        # The factor 2 of half the volume cancels the factor 1/2 of one of two images.
        return torch.where(coin, self.reflection(x), x), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Fold the cube."""
        upper = x[:, self.folded, None] > 0.5
        z = torch.where(upper, self.reflection(x), x)
        z[:, self.folded] = 2 * z[:, self.folded]
        return z, x.new_zeros(len(x))
