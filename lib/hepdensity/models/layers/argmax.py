"""Argmax surjection on the binary decomposition of a category.

See Verheyen 2022, arXiv:2205.01697, eq. 19 and below; Hoogeboom et al. 2021, arXiv:2102.05379.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.noise import Noise


class BinaryArgmax(Layer):
    """Turns categories in the last columns into two latent columns for each of their bits.

    If the bit is 1, the first of the two is larger. Bits are ordered from the most significant one.
    The other columns do not change. If the number of categories is not a power of two, ``forward``
    can give invalid categories. An absent category and its latent columns are NaN.
    """

    kind = LayerKind.SURJECTION_BOUND

    def __init__(self, counts: Sequence[int], noise: Noise, may_drop: bool = False) -> None:
        """Create the layer.

        Args:
            counts: number K of categories of each column.
            noise: distribution on the cube of ``2 * sum(bits(K))`` dimensions.
            may_drop: whether categories may be absent; for the noise, these have the number K.
        """
        super().__init__()
        self.counts, self.noise, self.may_drop = tuple(counts), noise, may_drop
        self.bits = [bits(count) for count in self.counts]

    @property
    def extra(self) -> int:
        """Number of latent columns for the categories."""
        return 2 * sum(self.bits)

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute the categories; the contribution is 0 because this is deterministic."""
        rest, pairs = z[:, : -self.extra], z[:, -self.extra :].unflatten(1, (-1, 2))
        set_bits = (pairs[:, :, 0] > pairs[:, :, 1]).to(z)
        valued = (set_bits * self._values(z).to(z)).split(self.bits, dim=1)
        codes = torch.stack([part.sum(dim=1) for part in valued], dim=1)
        if self.may_drop:
            first = torch.stack([p[:, 0] for p in pairs[:, :, 0].split(self.bits, dim=1)], dim=1)
            codes = codes.masked_fill(first.isnan(), torch.nan)
        return torch.cat([rest, codes], dim=1), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw latent pairs whose larger elements give the bits.

        Noise v fills the cube. The element that must be smaller is multiplied by the other one, w.
        Hence q(z) = q(v) / w for each bit, and the contribution is -log q(v | y) + sum log w.
        """
        rest, given = x[:, : -len(self.counts)], x[:, -len(self.counts) :]
        absent = given.isnan() if self.may_drop else None
        if absent is not None:
            given = torch.where(absent, given.new_tensor(self.counts), given)
            absent = self._for_each_bit(absent)
        category = given.long()
        dropped = None if absent is None else absent.repeat_interleave(2, dim=1)
        v, log_density = self.noise.draw(category, x, generator, dropped)
        if dropped is not None:
            v = v.masked_fill(dropped, 0.5)  # NaN would spread to gradients
        # The margin avoids ties at zero and one.
        margin = 4 * torch.finfo(x.dtype).eps
        pairs = v.clamp(margin, 1 - margin).unflatten(1, (-1, 2))
        first_wins = ((self._for_each_bit(category) & self._values(x)) > 0)[:, :, None]
        winner = torch.where(first_wins, pairs[:, :, :1], pairs[:, :, 1:])
        loser = winner * torch.where(first_wins, pairs[:, :, 1:], pairs[:, :, :1])
        z = torch.where(first_wins, torch.cat([winner, loser], 2), torch.cat([loser, winner], 2))
        log_winner, z = winner.log(), z.flatten(1)
        if absent is not None and dropped is not None:
            log_winner = log_winner.masked_fill(absent[:, :, None], 0)
            z = z.masked_fill(dropped, torch.nan)
        contribution = log_winner.sum(dim=(1, 2)) - log_density
        return torch.cat([rest, z], dim=1), contribution

    def _for_each_bit(self, columns: Tensor) -> Tensor:
        """Each column repeated for each of its bits, shape ``(n, bits)``."""
        pairs = zip(columns.split(1, dim=1), self.bits, strict=True)
        return torch.cat([column.expand(-1, count) for column, count in pairs], dim=1)

    def _values(self, like: Tensor) -> Tensor:
        powers = [torch.arange(count - 1, -1, -1, device=like.device) for count in self.bits]
        return 2 ** torch.cat(powers)


def bits(categories: int) -> int:
    """Number of bits needed to number ``categories`` categories."""
    return max(1, (categories - 1).bit_length())
