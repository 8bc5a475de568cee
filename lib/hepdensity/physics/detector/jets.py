"""Jets of calorimeter towers: energy scale, flavour and b-tag."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from hepdensity.physics.detector.card import Card, JetSettings
from hepdensity.physics.detector.random import Randoms, Stream
from hepdensity.physics.detector.reconstruction import Jets
from hepdensity.physics.jagged import subset
from hepdensity.physics.jets import ClusteredJets
from hepdensity.physics.particles import Particles

_step: Any = numba.njit(cache=True)

GLUON = 21


def calibrated(found: ClusteredJets, particles: Particles, randoms: Randoms, card: Card) -> Jets:
    """Scale the energies of jets, find their flavours, and tag them; their order is unchanged.

    Args:
        found: The jets.
        particles: The events, whose partons give jets their flavour.
        randoms: Random numbers.
        card: The detector.
    """
    x, y, z, energy = found.momentum.T
    raw_pt = np.hypot(x, y)
    eta, phi = np.arcsinh(z / raw_pt), np.arctan2(y, x)
    scale = card.jets.energy_scale(raw_pt, eta)
    mass = np.sqrt(np.maximum(energy**2 - raw_pt**2 - z**2, 0.0))
    flavour = jet_flavours(eta, phi, found.offsets, particles, card.jets)
    pt = scale * raw_pt
    tagged = randoms.uniform(Stream.B_TAG, found.offsets) < card.b_tag(pt, flavour)
    return Jets(found.offsets, pt, eta, phi, scale * mass, tagged, flavour, raw_pt)


def jet_flavours(
    eta: np.ndarray,
    phi: np.ndarray,
    offsets: np.ndarray,
    particles: Particles,
    settings: JetSettings,
) -> np.ndarray:
    """Flavour of the heaviest parton near each jet; gluons count as the lightest.

    Args:
        eta: Pseudorapidity of each jet, shape (N,).
        phi: Azimuth of each jet [rad], shape (N,).
        offsets: First jet of each event and N, shape (n + 1,).
        particles: The events.
        settings: Which partons count.

    Returns:
        1 ... 5 or 21, 0 without a parton; int32, shape (N,).
    """
    code = np.abs(particles.pdg_id)
    parton = ~particles.final & ((code == GLUON) | ((code >= 1) & (code <= 5)))
    chosen = np.flatnonzero(parton)
    pt = np.hypot(particles.px[chosen], particles.py[chosen])
    chosen, pt = chosen[pt > settings.parton_pt], pt[pt > settings.parton_pt]
    parton_eta = np.arcsinh(particles.pz[chosen] / pt)
    inside = np.abs(parton_eta) < settings.parton_eta
    chosen, parton_eta = chosen[inside], parton_eta[inside]
    found: np.ndarray = _heaviest(
        eta,
        phi,
        offsets,
        parton_eta,
        np.arctan2(particles.py[chosen], particles.px[chosen]),
        code[chosen],
        subset(particles.offsets, chosen),
        settings.flavour_radius,
    )
    return found


@_step
def _heaviest(
    eta: np.ndarray,
    phi: np.ndarray,
    offsets: np.ndarray,
    parton_eta: np.ndarray,
    parton_phi: np.ndarray,
    code: np.ndarray,
    parton_offsets: np.ndarray,
    radius: float,
) -> np.ndarray:
    flavour = np.zeros(len(eta), np.int32)
    for event in range(len(offsets) - 1):
        for jet in range(offsets[event], offsets[event + 1]):
            highest = -1
            for i in range(parton_offsets[event], parton_offsets[event + 1]):
                d_phi = abs(parton_phi[i] - phi[jet])
                d_phi = min(d_phi, 2 * np.pi - d_phi)
                if (parton_eta[i] - eta[jet]) ** 2 + d_phi**2 <= radius**2:
                    highest = max(highest, 0 if code[i] == GLUON else code[i])
            flavour[jet] = 0 if highest < 0 else GLUON if highest == 0 else highest
    return flavour
