"""External states of gg -> n gluinos in two-component form, batch last.

Vectors V are stored as the four entries of the matrix V.sigma_bar =
((V0 + V3, V1 - i V2), (V1 + i V2, V0 - V3)), spinors as their four components in the chiral
representation (two left-handed, two right-handed). A slashed vector is then a signed permutation of
the stored numbers. All momenta are outgoing.

Gluinos are Majorana fermions with v(p, s) = C ubar(p, s)^T for helicity spinors u, and
C gamma^mu C^-1 = -(gamma^mu)^T.
"""

import math

import torch
from torch import Tensor

HELICITIES = (-1, 1)


def vector_matrix(vectors: Tensor) -> Tensor:
    """Entries (4, ...) complex of V.sigma_bar for vectors (..., 4), real or complex."""
    v0, v1, v2, v3 = vectors.to(torch.complex128).unbind(-1)
    return torch.stack((v0 + v3, v1 - 1j * v2, v1 + 1j * v2, v0 - v3))


def gluon_momenta(sqrt_s: Tensor) -> Tensor:
    """Momenta (n, 2, 4) of the incoming gluons along +z and -z at energies sqrt_s (n,)."""
    zero = torch.zeros_like(sqrt_s)
    forward = torch.stack((sqrt_s / 2, zero, zero, sqrt_s / 2), dim=-1)
    backward = torch.stack((sqrt_s / 2, zero, zero, -sqrt_s / 2), dim=-1)
    return torch.stack((forward, backward), dim=1)


def gluon_polarisations(device: torch.device) -> Tensor:
    """Polarisations (2 legs, 2 helicities -1 and +1, 4) of gluons incoming along +z and -z."""
    return torch.tensor(
        [[(0, -h * sign, -1j, 0) for h in HELICITIES] for sign in (1, -1)],
        dtype=torch.complex128,
        device=device,
    ) / math.sqrt(2)


def gluino_spinors(momenta: Tensor, mass: float) -> Tensor:
    """Spinors v(p, s) of outgoing gluinos.

    Args:
        momenta: (n, n_out, 4) in GeV, on the mass shell.
        mass: Gluino mass [GeV].

    Returns:
        (4, n_out, 2 helicities -1 and +1, n) complex.
    """
    energy, px, py, pz = momenta.permute(2, 1, 0)
    transverse_squared = px.square() + py.square()
    length = (transverse_squared + pz.square()).sqrt()
    transverse = transverse_squared.sqrt()
    # Compute |p| + pz and |p| - pz without cancellation.
    larger = length + pz.abs()
    smaller = transverse_squared / larger
    forward = pz >= 0
    cosine = (torch.where(forward, larger, smaller) / (2 * length)).sqrt()
    sine = (torch.where(forward, smaller, larger) / (2 * length)).sqrt()
    along_x = transverse == 0
    phase = torch.complex(
        torch.where(along_x, 1.0, px / transverse), torch.where(along_x, 0.0, py / transverse)
    )
    plus = (energy + length).sqrt()
    minus = mass / plus
    return torch.stack(
        (
            _charge_conjugate(plus, minus, -phase.conj() * sine, cosine + 0j),
            _charge_conjugate(minus, plus, cosine + 0j, phase * sine),
        ),
        dim=2,
    )


def _charge_conjugate(left: Tensor, right: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """C ubar^T of the spinor u = (left xi, right xi) with xi = (upper, lower); shape (4, ...)."""
    upper, lower = upper.conj(), lower.conj()
    return torch.stack((right * lower, -right * upper, -left * lower, left * upper))
