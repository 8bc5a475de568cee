"""Variational dequantisation of ordinal codes (Verheyen 2022, arXiv:2205.01697, eqs 17 and 18)."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.noise import Noise


class Dequantisation(Layer):
    """Codes y in the last columns become z = (y + u) / K with noise u; the other columns pass.

    Several codes are numbered together, the first counting fastest, to condition the noise.
    """

    kind = LayerKind.SURJECTION_BOUND

    def __init__(self, counts: Sequence[int], noise: Noise) -> None:
        """Create the layer.

        Args:
            counts: number K of values of each code.
            noise: distribution of u, of as many dimensions as there are codes.
        """
        super().__init__()
        self.counts, self.noise = tuple(counts), noise
        self._strides = tuple(math.prod(self.counts[:i]) for i in range(len(self.counts)))

    @property
    def extra(self) -> int:
        """Number of latent columns that the codes take."""
        return len(self.counts)

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Round to the codes; contribution 0, as this direction is deterministic."""
        rest, given = z[:, : -self.extra], z[:, -self.extra :]
        counts = given.new_tensor(self.counts)
        codes = torch.minimum((given * counts).floor().clamp(min=0), counts - 1)
        return torch.cat([rest, codes], dim=1), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Add noise to the codes; contribution -log q(u | y) - sum log K."""
        rest, codes = x[:, : -self.extra], x[:, -self.extra :]
        category = (codes.long() * codes.new_tensor(self._strides).long()).sum(dim=1)
        u, log_density = self.noise.draw(category, x, generator)
        counts = codes.new_tensor(self.counts)
        # As near to the edges of a cell rounding would put z into the next one.
        margin = 4 * counts * torch.finfo(x.dtype).eps
        z = (codes + torch.maximum(torch.minimum(u, 1 - margin), margin)) / counts
        volume = sum(math.log(count) for count in self.counts)
        return torch.cat([rest, z], dim=1), -log_density - volume
