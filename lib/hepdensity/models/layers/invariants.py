"""Invariants of pairs of legs of a four-gluino event, the input of networks on legs.

At tree level the squared amplitude of a helicity configuration, colour-ordered or summed, is a
function of the products p_i.p_j alone: it does not change under rotations and reflections, nor
when all helicities are flipped.
"""

import torch
from torch import Tensor

from hepdensity.models.networks.legs import PAIRS
from hepdensity.physics.phase_space import angles_to_momenta

PAIR_FEATURES = 5
"""Features of each pair: 2 p_i.p_j / s and its root, both centred, and the kind of the pair."""

_INCOMING = 2


def pair_features(angles: Tensor) -> Tensor:
    """Features of all pairs of legs (gluon, gluon, gluinos) from the massless momenta.

    Args:
        angles: shape ``(n, 8)``, see ``physics.phase_space.momenta_to_angles``.

    Returns:
        Shape ``(n, 15, PAIR_FEATURES)``, pairs as in ``networks.legs.PAIRS``, of the dtype of
        ``angles``; finite also for angles that no event can have.
    """
    momenta, physical = angles_to_momenta(angles.double(), 1.0, 0.0)
    momenta = torch.where(physical[:, None, None], momenta, 0.25)
    beams = momenta.new_tensor([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]]).expand(len(angles), -1, -1)
    legs = torch.cat((beams, momenta), dim=1)
    first, second = (legs[:, list(side)] for side in zip(*PAIRS, strict=True))
    products = first[..., 0] * second[..., 0] - (first[..., 1:] * second[..., 1:]).sum(-1)
    invariant = (2 * products).clamp(min=0)
    kinds = torch.eye(3, dtype=angles.dtype, device=angles.device)[_kinds()]
    values = torch.stack((4 * invariant - 1, 4 * invariant.sqrt() - 2), dim=-1).to(angles.dtype)
    return torch.cat((values, kinds.expand(len(angles), -1, -1)), dim=-1)


def _kinds() -> list[int]:
    """Number of gluinos of each pair."""
    return [sum(leg >= _INCOMING for leg in pair) for pair in PAIRS]
