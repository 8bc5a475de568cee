"""Four-body phase space as a unit cube: "RAMBO on diet" (Platzer 2013, arXiv:1308.2922).

Massless momenta are emitted one by one: P -> p_1 Q_2, Q_2 -> p_2 Q_3, Q_3 -> p_3 p_4. The
coordinates of the cube are the directions of p_1, p_2 and p_3, each in the rest frame of its
parent, and the distribution functions

    r_2 = 3 u_2^2 - 2 u_2^3,    r_3 = 2 u_3 - u_3^2

of the mass ratios u_2 = M_2^2 / s and u_3 = M_3^2 / M_2^2. Massless flat phase space is then
uniform in the cube, and the Jacobian is ``log_flat_density`` of ``physics.phase_space``.
"""

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.physics.phase_space import (
    angles_to_momenta,
    log_flat_density,
    momenta_to_angles,
)
from hepdensity.studies.gluino.models.layers.boosts import (
    direction,
    from_rest_frame,
    lightlike,
    reversed_momenta,
    to_rest_frame,
)

THETA = (0, 2, 4)
"""Columns of the cube with the variables (1 + cos theta) / 2 of the three directions."""
PHI = (1, 3, 5)
"""Columns of the cube with the azimuths about the beam, in units of 2 pi."""

SMALLEST_RATIO = 1e-24
_CENTRE = 0.5


class PhaseSpace(Layer):
    """Bijection between the angles of four massless particles and the unit cube.

    ``inverse`` maps the angles of ``physics.phase_space.momenta_to_angles``, shape ``(n, 8)``, to
    the cube: three directions (``THETA``, ``PHI``), then r_2 and r_3. The computation is always in
    float64. Unphysical angles are mapped to the centre of the cube, with the contribution -inf.
    """

    kind = LayerKind.BIJECTION

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map points of the cube to angles."""
        angles = momenta_to_angles(self.cube_to_momenta(z.double()))
        return angles.to(z.dtype), log_flat_density(angles).to(z.dtype)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map angles to points of the cube."""
        angles = x.double()
        density = log_flat_density(angles)
        momenta, _ = angles_to_momenta(angles, 1.0, 0.0)
        # NaN would spread through the following layers and hide that the density is zero.
        physical = density.isfinite()[:, None]
        cube = torch.where(physical, self.momenta_to_cube(momenta), _CENTRE)
        return cube.to(x.dtype), density.to(x.dtype)

    def momenta_to_cube(self, momenta: Tensor) -> Tensor:
        """Points of the cube for massless momenta.

        Args:
            momenta: shape ``(n, 4, 4)``, (E, px, py, pz), with sum (1, 0, 0, 0).

        Returns:
            Shape ``(n, 8)``.
        """
        first, rest = momenta[:, 0], momenta[:, 1:]
        u2 = (1 - 2 * first[:, 0]).clamp(SMALLEST_RATIO, 1)
        mass = u2.sqrt()[:, None]
        frame = _recoil(first, torch.ones_like(mass))
        second, third = to_rest_frame(rest, frame, mass[:, 0]).unbind(1)[:2]
        u3 = (1 - 2 * second[:, :1] / mass)[:, 0].clamp(SMALLEST_RATIO, 1)
        frame = _recoil(second, mass)
        third = to_rest_frame(third[:, None], frame, mass[:, 0] * u3.sqrt())[:, 0]
        ratios = torch.stack((u2.square() * (3 - 2 * u2), u3 * (2 - u3)), dim=1)
        angles = [direction(p) for p in (first, second, third)]
        return torch.cat((*angles, ratios), dim=1).clamp(0, 1)

    def cube_to_momenta(self, cube: Tensor) -> Tensor:
        """Massless momenta ``(n, 4, 4)`` with sum (1, 0, 0, 0) for points ``(n, 8)``."""
        r2, r3 = cube[:, 6:].clamp(0, 1).unbind(1)
        u2 = (0.5 - torch.sin(torch.asin(1 - 2 * r2) / 3)).clamp(SMALLEST_RATIO, 1)[:, None]
        u3 = (1 - (1 - r3).sqrt()).clamp(SMALLEST_RATIO, 1)[:, None]
        m2 = u2.sqrt()
        m3 = m2 * u3.sqrt()
        units = [lightlike(cube[:, t], cube[:, p]) for t, p in zip(THETA, PHI, strict=True)]
        energies = ((1 - u2) / 2, m2 * (1 - u3) / 2, m3 / 2)
        first, second, third = (e * n for e, n in zip(energies, units, strict=True))
        pair = torch.stack((third, reversed_momenta(third)), dim=1)
        pair = from_rest_frame(pair, _recoil(second, m2), m3[:, 0])
        rest = torch.cat((second[:, None], pair), dim=1)
        rest = from_rest_frame(rest, _recoil(first, torch.ones_like(m2)), m2[:, 0])
        return torch.cat((first[:, None], rest), dim=1)


def _recoil(momentum: Tensor, energy: Tensor) -> Tensor:
    """(energy, 0, 0, 0) minus a momentum, with energy of shape ``(n, 1)``."""
    return torch.cat((energy - momentum[:, :1], -momentum[:, 1:]), dim=1)
