"""Argmax surjection on the binary decomposition of a category (Verheyen 2022, eq. 19 and below).

arXiv:2205.01697; Hoogeboom et al. 2021, arXiv:2102.05379.
"""

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.noise import Noise


class BinaryArgmax(Layer):
    """A category in the last column becomes two latent columns for each of its bits.

    The first of a pair is the larger one where the bit is 1; most significant bit first. The other
    columns pass. If the number of categories is no power of two, ``forward`` can give codes that
    are none.
    """

    kind = LayerKind.SURJECTION_BOUND

    def __init__(self, categories: int, noise: Noise) -> None:
        """Create the layer.

        Args:
            categories: number of categories.
            noise: distribution on the cube of ``2 * bits(categories)`` dimensions.
        """
        super().__init__()
        self.bits, self.noise = bits(categories), noise

    @property
    def extra(self) -> int:
        """Number of latent columns that the code takes."""
        return 2 * self.bits

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read the code off; contribution 0, as this direction is deterministic."""
        rest, pairs = z[:, : -self.extra], z[:, -self.extra :].unflatten(1, (-1, 2))
        set_bits = (pairs[:, :, 0] > pairs[:, :, 1]).to(z)
        code = (set_bits * self._values(z).to(z)).sum(dim=1, keepdim=True)
        return torch.cat([rest, code], dim=1), z.new_zeros(len(z))

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw latent pairs whose larger elements say the bits.

        Noise v fills the cube; the element that must be smaller is multiplied by the other one, w,
        so q(z) = q(v) / w for each bit and the contribution is -log q(v | y) + sum log w.
        """
        rest, category = x[:, :-1], x[:, -1].long()
        v, log_density = self.noise.draw(category, x, generator)
        # Zeros and ones could tie.
        margin = 4 * torch.finfo(x.dtype).eps
        pairs = v.clamp(margin, 1 - margin).unflatten(1, (-1, 2))
        first_wins = ((category[:, None] & self._values(x)) > 0)[:, :, None]
        winner = torch.where(first_wins, pairs[:, :, :1], pairs[:, :, 1:])
        loser = winner * torch.where(first_wins, pairs[:, :, 1:], pairs[:, :, :1])
        z = torch.where(first_wins, torch.cat([winner, loser], 2), torch.cat([loser, winner], 2))
        contribution = winner.log().sum(dim=(1, 2)) - log_density
        return torch.cat([rest, z.flatten(1)], dim=1), contribution

    def _values(self, like: Tensor) -> Tensor:
        return 2 ** torch.arange(self.bits - 1, -1, -1, device=like.device)


def bits(categories: int) -> int:
    """Number of bits that number ``categories`` categories."""
    return max(1, (categories - 1).bit_length())
