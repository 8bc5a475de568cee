"""Variational dequantisation of ordinal codes (Verheyen 2022, arXiv:2205.01697, eqs 17 and 18)."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.coding import combined
from hepdensity.models.layers.noise import Noise


class Dequantisation(Layer):
    """Turns codes y in the last columns into z = (y + u) / K with noise u.

    The other columns do not change. An absent code and its latent column are NaN.
    """

    kind = LayerKind.SURJECTION_BOUND

    def __init__(
        self,
        counts: Sequence[int],
        noise: Noise,
        together: int | None = None,
        may_drop: bool = False,
    ) -> None:
        """Create the layer.

        Args:
            counts: number K of values of each code.
            noise: distribution of u, with one dimension per code.
            together: number of leading codes that are numbered together to condition the noise, the
                first varying fastest; all if None. Any other code is a separate number.
            may_drop: whether codes may be absent; for the noise, these have the number K.
        """
        super().__init__()
        self.counts, self.noise = tuple(counts), noise
        self.together = len(self.counts) if together is None else together
        self.may_drop = may_drop

    @property
    def extra(self) -> int:
        """Number of latent columns for the codes."""
        return len(self.counts)

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Round to the codes; the contribution is 0 because this is deterministic."""
        rest, given = z[:, : -self.extra], z[:, -self.extra :]
        counts = given.new_tensor(self.counts)
        codes = torch.minimum((given * counts).floor().clamp(min=0), counts - 1)
        return torch.cat([rest, codes], dim=1), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Add noise to the codes; the contribution is -log q(u | y) - sum log K."""
        rest, codes = x[:, : -self.extra], x[:, -self.extra :]
        counts = codes.new_tensor(self.counts)
        absent = codes.isnan() if self.may_drop else None
        known = codes if absent is None else torch.where(absent, counts, codes)
        u, log_density = self.noise.draw(self._category(known.long()), x, generator, absent)
        # Closer to the edge of a cell, rounding could move z into the next cell.
        margin = 4 * counts * torch.finfo(x.dtype).eps
        z = (codes + torch.maximum(torch.minimum(u, 1 - margin), margin)) / counts
        return torch.cat([rest, z], dim=1), -log_density - self._log_volume(absent, x)

    def _category(self, codes: Tensor) -> Tensor:
        if not self.together:
            return codes
        shared = combined(codes[:, : self.together], self.counts[: self.together])
        return torch.cat([shared[:, None], codes[:, self.together :]], dim=1)

    def _log_volume(self, absent: Tensor | None, like: Tensor) -> Tensor | float:
        logs = [math.log(count) for count in self.counts]
        if absent is None:
            return sum(logs)
        return torch.where(absent, 0, like.new_tensor(logs)).sum(dim=1)
