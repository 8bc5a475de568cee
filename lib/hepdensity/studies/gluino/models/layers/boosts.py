"""Boosts and directions of momenta (E, px, py, pz), batched."""

import math

import torch
from torch import Tensor


def to_rest_frame(momenta: Tensor, frame: Tensor, mass: Tensor) -> Tensor:
    """Boost to the rest frame of another momentum.

    Args:
        momenta: shape ``(n, k, 4)``.
        frame: momenta that define the rest frame, shape ``(n, 4)``.
        mass: their masses, shape ``(n,)``.
    """
    return _boost(momenta, -frame[:, None, 1:], frame[:, :1], mass[:, None])


def from_rest_frame(momenta: Tensor, frame: Tensor, mass: Tensor) -> Tensor:
    """Inverse of ``to_rest_frame``."""
    return _boost(momenta, frame[:, None, 1:], frame[:, :1], mass[:, None])


def _boost(momenta: Tensor, vector: Tensor, energy: Tensor, mass: Tensor) -> Tensor:
    old = momenta[..., 0]
    new = (energy * old + (vector * momenta[..., 1:]).sum(-1)) / mass
    shift = (old + new) / (energy + mass)
    return torch.cat((new[..., None], momenta[..., 1:] + vector * shift[..., None]), dim=-1)


def lightlike(x_theta: Tensor, x_phi: Tensor) -> Tensor:
    """Massless momenta ``(n, 4)`` of unit energy in directions given by angle variables."""
    sin_theta = 2 * (x_theta * (1 - x_theta)).clamp(min=0).sqrt()
    phi = 2 * math.pi * x_phi
    vector = (sin_theta * phi.cos(), sin_theta * phi.sin(), 2 * x_theta - 1)
    return torch.stack((torch.ones_like(phi), *vector), dim=-1)


def direction(momentum: Tensor) -> Tensor:
    """Angle variables (x_theta, x_phi), shape ``(n, 2)``, of momenta ``(n, 4)``."""
    x_theta = (1 + momentum[:, 3] / momentum[:, 1:].norm(dim=-1)) / 2
    x_phi = torch.atan2(momentum[:, 2], momentum[:, 1]).remainder(2 * math.pi) / (2 * math.pi)
    return torch.stack((x_theta, x_phi), dim=1)


def reversed_momenta(momenta: Tensor) -> Tensor:
    """The same energies with opposite directions."""
    return momenta * momenta.new_tensor([1, -1, -1, -1])
