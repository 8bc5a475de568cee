"""Four-body phase space as a unit cube through two pairs: P -> Q_12 Q_34 -> p_1 p_2 p_3 p_4.

The coordinates of the cube are the direction of Q_12, the directions of p_1 and p_3 in the rest
frames of their pairs, and two variables for the pair masses. In terms of
p = (M_12 + M_34) / sqrt(s) = sin A and q = (M_12 - M_34) / sqrt(s) = sin B, flat massless phase
space has the density

    (sin^2 A - sin^2 B) cos^2 A cos^2 B    in 0 < A < pi / 2, -A < B < A.

The distribution functions of B at fixed A and of A are elementary. Unlike in RAMBO on diet
(``phase_space``), the exchanges 1 <-> 2, 3 <-> 4 and 12 <-> 34 are reflections of the cube, so only
3 of the 24 orders of the particles remain.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from hepdensity.studies.gluino.models.layers.boosts import (
    direction,
    from_rest_frame,
    lightlike,
    reversed_momenta,
    to_rest_frame,
)
from hepdensity.studies.gluino.models.layers.phase_space import (
    PHI,
    SMALLEST_RATIO,
    THETA,
    PhaseSpace,
)

_BISECTIONS = 55


class PairedPhaseSpace(PhaseSpace):
    """Bijection between the angles of four massless particles and the cube of two pairs.

    The columns of the cube are the directions of Q_12, p_1 and p_3 (``THETA``, ``PHI``), followed
    by the distribution functions of A and B; B is odd under the exchange of the pairs.
    """

    def momenta_to_cube(self, momenta: Tensor) -> Tensor:
        """Points ``(n, 8)`` of the cube for massless momenta ``(n, 4, 4)`` of total energy one."""
        pairs = momenta[:, 0::2] + momenta[:, 1::2]
        masses = 2 * _products(momenta[:, 0::2], momenta[:, 1::2])
        masses = masses.clamp(min=SMALLEST_RATIO).sqrt()
        total = masses.sum(1).clamp(max=1)
        a = torch.asin(total)
        b = torch.asin(masses[:, 0] - masses[:, 1])
        b = torch.maximum(torch.minimum(b, a), -a)
        inner = [
            to_rest_frame(momenta[:, None, 2 * k], pairs[:, k], masses[:, k])[:, 0]
            for k in range(2)
        ]
        angles = [direction(p) for p in (pairs[:, 0], *inner)]
        r = torch.stack((_total_cdf(a), (1 + _difference_area(b, a) / _area(a)) / 2), dim=1)
        return torch.cat((*angles, r), dim=1).clamp(0, 1)

    def cube_to_momenta(self, cube: Tensor) -> Tensor:
        """Massless momenta ``(n, 4, 4)`` with sum (1, 0, 0, 0) for points ``(n, 8)``."""
        r_total, r_difference = cube[:, 6:].clamp(0, 1).unbind(1)
        a = _solve(_total_cdf, r_total, torch.zeros_like(r_total), math.pi / 2)
        area = (2 * r_difference - 1) * _area(a)
        b = _solve(lambda b: _difference_area(b, a), area, -a, a)
        p, q = a.sin(), b.sin()
        masses = torch.stack((p + q, p - q), dim=1).clamp(min=SMALLEST_RATIO) / 2
        axis, *inner = (lightlike(cube[:, t], cube[:, f]) for t, f in zip(THETA, PHI, strict=True))
        vector = (a.cos() * b.cos() / 2)[:, None] * axis[:, 1:]
        first = torch.cat(((1 + p * q)[:, None] / 2, vector), dim=1)
        second = torch.cat(((1 - p * q)[:, None] / 2, -vector), dim=1)
        return torch.cat(
            [
                from_rest_frame(_decay(n, masses[:, k]), pair, masses[:, k])
                for k, (n, pair) in enumerate(zip(inner, (first, second), strict=True))
            ],
            dim=1,
        )


def _decay(unit: Tensor, mass: Tensor) -> Tensor:
    """Two massless momenta ``(n, 2, 4)`` from a mass ``(n,)`` at rest, the first along ``unit``."""
    return mass[:, None, None] / 2 * torch.stack((unit, reversed_momenta(unit)), dim=1)


def _products(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 0] - (first[..., 1:] * second[..., 1:]).sum(-1)


def _difference_area(b: Tensor, a: Tensor) -> Tensor:
    """Integral of (sin^2 A - sin^2 B) cos^2 B over B from 0 to ``b``."""
    squares = a.sin().square() * (2 * b + torch.sin(2 * b)) / 4
    return squares - b / 8 + torch.sin(4 * b) / 32


def _area(a: Tensor) -> Tensor:
    return _difference_area(a, a).clamp(min=SMALLEST_RATIO)


def _total_cdf(a: Tensor) -> Tensor:
    """Distribution function of A: the integral of cos^2 A times the area, relative to 1/12."""
    # Use 1 - cos(2 k a) = 2 sin^2(k a), which avoids cancellation.
    s1, s2, s3 = ((k * a).sin().square() for k in (1, 2, 3))
    linear = a * (2 * torch.sin(2 * a) + torch.sin(4 * a)) / 32
    return 6 * (11 * s1 / 64 + s2 / 32 - s3 / 192 - linear)


def _solve(
    function: Callable[[Tensor], Tensor], value: Tensor, low: Tensor, high: Tensor | float
) -> Tensor:
    """Solve function(x) = value for an increasing function, by bisection."""
    high = torch.as_tensor(high, dtype=value.dtype, device=value.device).expand_as(value)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = function(middle) < value
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2
