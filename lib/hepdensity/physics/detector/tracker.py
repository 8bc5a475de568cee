"""Tracks of charged particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepdensity.physics.detector.card import Card
from hepdensity.physics.detector.random import Randoms, Stream
from hepdensity.physics.detector.species import ELECTRON, HADRON, MUON, Species
from hepdensity.physics.jagged import subset
from hepdensity.physics.particles import Particles


@dataclass(frozen=True)
class Tracks:
    """Tracks of n events; those of event i are `offsets[i]:offsets[i + 1]`. They are massless.

    Attributes:
        offsets: First track of each event and the total number N, int64, shape (n + 1,).
        particle: Index in the batch of the particle that left it, int64, shape (N,).
        pt: Transverse momentum [GeV], float64, shape (N,).
        eta: Pseudorapidity at the origin, likewise.
        phi: Azimuth at the origin [rad], likewise.
        resolution: Relative resolution of pT, likewise.
    """

    offsets: np.ndarray
    particle: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    resolution: np.ndarray

    @property
    def energy(self) -> np.ndarray:
        """Energy [GeV], float64, shape (N,)."""
        energy: np.ndarray = self.pt * np.cosh(self.eta)
        return energy


def find_tracks(
    particles: Particles, species: Species, eta: np.ndarray, randoms: Randoms, card: Card
) -> Tracks:
    """Tracks that are found, with smeared transverse momenta.

    Args:
        particles: The events.
        species: Their kinds.
        eta: Pseudorapidity where it meets the calorimeters, NaN if it does not, shape (N,).
        randoms: Random numbers.
        card: The detector.
    """
    arrived = np.flatnonzero((species.charge != 0) & np.isfinite(eta))
    offsets = subset(particles.offsets, arrived)
    pt = np.hypot(particles.px[arrived], particles.py[arrived])
    efficiency, resolution = _expected(species.kind[arrived], pt, eta[arrived], card)
    kept = np.flatnonzero(randoms.uniform(Stream.TRACK_FOUND, offsets) < efficiency)
    offsets = subset(offsets, kept)
    particle, pt, resolution = arrived[kept], pt[kept], resolution[kept]
    x, y, z = (of[particle] for of in (particles.px, particles.py, particles.pz))
    smeared = randoms.log_normal(Stream.TRACK_PT, offsets, pt, resolution * pt)
    return Tracks(offsets, particle, smeared, np.arcsinh(z / pt), np.arctan2(y, x), resolution)


def _expected(
    kind: np.ndarray, pt: np.ndarray, eta: np.ndarray, card: Card
) -> tuple[np.ndarray, np.ndarray]:
    """Efficiency and relative resolution of the tracks of charged particles."""
    efficiency, resolution = np.zeros(len(pt)), np.zeros(len(pt))
    rules = {HADRON: card.hadron_track, ELECTRON: card.electron_track, MUON: card.muon_track}
    for one, rule in rules.items():
        chosen = np.flatnonzero(kind == one)
        efficiency[chosen] = rule.efficiency(pt[chosen], eta[chosen])
        resolution[chosen] = rule.resolution(pt[chosen], eta[chosen])
    return efficiency, resolution
