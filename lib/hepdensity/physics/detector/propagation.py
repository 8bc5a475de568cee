"""Flight of particles from the origin through the magnetic field to the calorimeters."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from hepdensity.physics.detector.card import Card
from hepdensity.physics.detector.species import INVISIBLE, Species
from hepdensity.physics.particles import Particles

_step: Any = numba.njit(cache=True)

_SMALLEST_PT = 1e-6
"""Particles with less transverse momentum [GeV] fly along the beam and are not seen."""


def arrivals(particles: Particles, species: Species, card: Card) -> tuple[np.ndarray, np.ndarray]:
    """Where particles cross the surface of the calorimeters, seen from the origin.

    Neutral particles fly straight. Charged ones move on helices; those that curl inside the barrel
    leave through an end cap.

    Args:
        particles: The events.
        species: Their kinds.
        card: The detector.

    Returns:
        Pseudorapidity and azimuth in [-pi, pi), float64, shape (N,); NaN for a particle that is
        invisible or never arrives.
    """
    places: tuple[np.ndarray, np.ndarray] = _arrivals(
        particles.px,
        particles.py,
        particles.pz,
        species.charge,
        species.kind != INVISIBLE,
        card.bending_pt,
        card.half_length / card.radius,
    )
    return places


@_step
def _arrivals(
    px: np.ndarray,
    py: np.ndarray,
    pz: np.ndarray,
    charge: np.ndarray,
    visible: np.ndarray,
    bending_pt: float,
    half_length: float,
) -> tuple[np.ndarray, np.ndarray]:
    """See `arrivals`; lengths are in units of the radius of the barrel."""
    eta, phi = np.full(len(px), np.nan), np.full(len(px), np.nan)
    for i in range(len(px)):
        pt = math.hypot(px[i], py[i])
        if not visible[i] or pt < _SMALLEST_PT:
            continue
        slope, azimuth = pz[i] / pt, math.atan2(py[i], px[i])
        if charge[i] == 0:
            eta[i], phi[i] = math.asinh(slope), azimuth
            continue
        diameter = pt / (bending_pt * abs(charge[i]))
        to_barrel = diameter * math.asin(1 / diameter) if diameter >= 1 else np.inf
        to_end = half_length / abs(slope) if slope != 0 else np.inf
        length = min(to_barrel, to_end)
        if length == np.inf:
            continue
        turned = length / diameter
        distance = diameter * math.sin(turned)
        if distance < 0:
            azimuth += math.pi
        # After whole turns the distance from the beam may be 0.
        eta[i] = math.asinh(length * slope / max(abs(distance), 1e-12))
        azimuth -= turned if charge[i] > 0 else -turned
        phi[i] = azimuth - 2 * math.pi * math.floor(azimuth / (2 * math.pi) + 0.5)
    return eta, phi
