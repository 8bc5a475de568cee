"""Energy-flow candidates, and which of them are photons, electrons and muons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np

from hepdensity.physics.detector.calorimeter import Towers
from hepdensity.physics.detector.card import Card, Efficiency, Isolation
from hepdensity.physics.detector.random import Randoms, Stream
from hepdensity.physics.detector.reconstruction import EnergyFlow
from hepdensity.physics.detector.species import ELECTRON, INVISIBLE, MUON, Species
from hepdensity.physics.detector.tracker import Tracks
from hepdensity.physics.jagged import offsets_of, owners, subset

_step: Any = numba.njit(cache=True)


@dataclass(frozen=True)
class Flow:
    """Energy-flow candidates of n events; those of event i are `offsets[i]:offsets[i + 1]`.

    Attributes:
        offsets: First candidate of each event and the total number N, int64, shape (n + 1,).
        pt: Transverse momentum [GeV], float64, shape (N,).
        eta: Pseudorapidity, likewise.
        phi: Azimuth [rad], likewise.
        kind: Kind of the particle of a track (see `species`), or `INVISIBLE` for energy of towers;
            int8, shape (N,).
        code: Particle Data Group code of a track, 22 for energy in the electromagnetic and 0 in the
            hadronic calorimeter; int32, shape (N,).
        charge: +1 or -1 for tracks, else 0; int8, shape (N,).
        source: Index of the particle of a track, or of the tower in its calorimeter; int64, shape
            (N,).
    """

    offsets: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    kind: np.ndarray
    code: np.ndarray
    charge: np.ndarray
    source: np.ndarray

    def eflow(self) -> EnergyFlow:
        """The candidates with their momenta."""
        x, y, z = (
            self.pt * np.cos(self.phi),
            self.pt * np.sin(self.phi),
            self.pt * np.sinh(self.eta),
        )
        energy = self.pt * np.cosh(self.eta)
        return EnergyFlow(self.offsets, x, y, z, energy, self.charge, self.code)


def energy_flow(
    pdg_id: np.ndarray,
    species: Species,
    tracks: Tracks,
    track_energy: np.ndarray,
    ecal: Towers,
    ecal_excess: np.ndarray,
    hcal: Towers,
    hcal_excess: np.ndarray,
) -> Flow:
    """Tracks, and energy of the towers that tracks do not explain, of each event together.

    Args:
        pdg_id: Code of each particle of the batch.
        species: Their kinds.
        tracks: The tracks.
        track_energy: Their energies, corrected by the calorimeters [GeV].
        ecal: Towers of the electromagnetic calorimeter.
        ecal_excess: Energy in each of them that tracks do not explain [GeV].
        hcal: Towers of the hadronic calorimeter.
        hcal_excess: Likewise.
    """
    n_events = len(tracks.offsets) - 1
    parts = [
        _Part(
            owners(tracks.offsets),
            track_energy / np.cosh(tracks.eta),
            tracks.eta,
            tracks.phi,
            species.kind[tracks.particle],
            pdg_id[tracks.particle],
            species.charge[tracks.particle],
            tracks.particle,
        ),
        _of_towers(ecal, ecal_excess, 22),
        _of_towers(hcal, hcal_excess, 0),
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    events, *rest = (column[order] for column in columns)
    return Flow(offsets_of(events, n_events), *rest)


class _Part(NamedTuple):
    """Columns of some of the candidates."""

    event: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    kind: np.ndarray
    code: np.ndarray
    charge: np.ndarray
    source: np.ndarray


def _of_towers(towers: Towers, excess: np.ndarray, code: int) -> _Part:
    kept = np.flatnonzero(excess)
    eta = towers.eta[kept]
    none = np.zeros(len(kept), np.int8)
    return _Part(
        owners(towers.offsets)[kept],
        excess[kept] / np.cosh(eta),
        eta,
        towers.phi[kept],
        none,
        np.full(len(kept), code, np.int32),
        none,
        kept,
    )


def photons(flow: Flow, randoms: Randoms, card: Card) -> np.ndarray:
    """Indices of the energy-flow candidates that are isolated photons, rising.

    Args:
        flow: The candidates.
        randoms: Random numbers.
        card: The detector.
    """
    chosen = np.flatnonzero((flow.kind == INVISIBLE) & (flow.code == 22))
    chosen = _identified(flow, chosen, flow.eta[chosen], card.photon, randoms, Stream.PHOTON)
    return _isolated(flow, chosen, card.isolation, card.isolation.photon)


def electrons(flow: Flow, arrival_eta: np.ndarray, randoms: Randoms, card: Card) -> np.ndarray:
    """Indices of the energy-flow candidates that are isolated electrons, rising.

    Args:
        flow: The candidates.
        arrival_eta: Pseudorapidity where each particle of the batch meets the calorimeters.
        randoms: Random numbers.
        card: The detector.
    """
    chosen = np.flatnonzero(flow.kind == ELECTRON)
    eta = arrival_eta[flow.source[chosen]]
    chosen = _identified(flow, chosen, eta, card.electron, randoms, Stream.ELECTRON)
    return _isolated(flow, chosen, card.isolation, card.isolation.electron)


def muons(flow: Flow, arrival_eta: np.ndarray, randoms: Randoms, card: Card) -> np.ndarray:
    """Indices of the energy-flow candidates that are isolated muons, rising.

    Args:
        flow: The candidates.
        arrival_eta: Pseudorapidity where each particle of the batch meets the calorimeters.
        randoms: Random numbers.
        card: The detector.
    """
    chosen = np.flatnonzero(flow.kind == MUON)
    eta = arrival_eta[flow.source[chosen]]
    chosen = _identified(flow, chosen, eta, card.muon, randoms, Stream.MUON)
    return _isolated(flow, chosen, card.isolation, card.isolation.muon)


def _identified(
    flow: Flow,
    chosen: np.ndarray,
    eta: np.ndarray,
    efficiency: Efficiency,
    randoms: Randoms,
    stream: Stream,
) -> np.ndarray:
    probability = efficiency(flow.pt[chosen], eta)
    kept: np.ndarray = chosen[randoms.uniform(stream, subset(flow.offsets, chosen)) < probability]
    return kept


def _isolated(flow: Flow, chosen: np.ndarray, isolation: Isolation, largest: float) -> np.ndarray:
    around = surrounding_pt(flow, chosen, isolation)
    kept: np.ndarray = chosen[around <= largest * flow.pt[chosen]]
    return kept


def surrounding_pt(flow: Flow, chosen: np.ndarray, isolation: Isolation) -> np.ndarray:
    """Sum of the pT of hadrons and photons around some candidates, these excluded [GeV].

    Args:
        flow: Energy-flow candidates.
        chosen: Indices of the candidates to look around.
        isolation: Radius, and the smallest pT that counts.

    Returns:
        Float64, one value per chosen candidate.
    """
    counts = (flow.kind != ELECTRON) & (flow.kind != MUON) & (flow.pt > isolation.min_pt)
    event = owners(flow.offsets)[chosen]
    first, last = flow.offsets[event], flow.offsets[event + 1]
    args = (flow.pt, flow.eta, flow.phi, counts, chosen, first, last, isolation.radius)
    around: np.ndarray = _surrounding_pt(*args)
    return around


@_step
def _surrounding_pt(
    pt: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    counts: np.ndarray,
    chosen: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    radius: float,
) -> np.ndarray:
    total = np.zeros(len(chosen))
    for i in range(len(chosen)):
        this = chosen[i]
        for other in range(first[i], last[i]):
            if counts[other] and other != this:
                d_phi = abs(phi[other] - phi[this])
                d_phi = min(d_phi, 2 * np.pi - d_phi)
                if (eta[other] - eta[this]) ** 2 + d_phi**2 <= radius**2:
                    total[i] += pt[other]
    return total
