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
        spread: float | None = None,
    ) -> None:
        """Create the layer.

        Args:
            counts: number K of values of each code.
            noise: distribution of u, with one dimension per code.
            together: number of leading codes that are numbered together to condition the noise, the
                first varying fastest; all if None. Any other code is a separate number.
            may_drop: whether codes may be absent; for the noise, these have the number K.
            spread: width of one value in the latent columns, which are then centred in the unit
                interval; None for 1 / K, so that they fill it.
        """
        super().__init__()
        self.counts, self.noise = tuple(counts), noise
        self.together = len(self.counts) if together is None else together
        self.may_drop = may_drop
        self._shares = tuple(1.0 if spread is None else min(k * spread, 1.0) for k in self.counts)

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
        given = self._rescaled(given, [1 / share for share in self._shares])
        codes = torch.minimum((given * counts).floor().clamp(min=0), counts - 1)
        return torch.cat([rest, codes], dim=1), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Add noise to the codes; the contribution is -log q(u | y) + log |dz/du|."""
        rest, codes = x[:, : -self.extra], x[:, -self.extra :]
        counts = codes.new_tensor(self.counts)
        absent = codes.isnan() if self.may_drop else None
        known = codes if absent is None else torch.where(absent, counts, codes)
        u, log_density = self.noise.draw(self._category(known.long()), x, generator, absent)
        # Closer to the edge of a cell, rounding could move z into the next cell.
        margin = 4 * counts * torch.finfo(x.dtype).eps
        z = (codes + torch.maximum(torch.minimum(u, 1 - margin), margin)) / counts
        z = self._rescaled(z, self._shares)
        return torch.cat([rest, z], dim=1), -log_density - self._log_volume(absent, x)

    def _rescaled(self, z: Tensor, factors: Sequence[float]) -> Tensor:
        """Latent columns scaled about the centre of the unit interval."""
        if all(factor == 1 for factor in factors):
            return z  # Scaling would change the last bits.
        return 0.5 + (z - 0.5) * z.new_tensor(factors)

    def _category(self, codes: Tensor) -> Tensor:
        if not self.together:
            return codes
        shared = combined(codes[:, : self.together], self.counts[: self.together])
        return torch.cat([shared[:, None], codes[:, self.together :]], dim=1)

    def _log_volume(self, absent: Tensor | None, like: Tensor) -> Tensor | float:
        logs = [
            math.log(count / share) for count, share in zip(self.counts, self._shares, strict=True)
        ]
        if absent is None:
            return sum(logs)
        return torch.where(absent, 0, like.new_tensor(logs)).sum(dim=1)
