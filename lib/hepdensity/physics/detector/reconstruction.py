"""What a detector makes of a batch of events, in flat arrays with offsets per collection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Collection:
    """Objects of one kind of n events; those of event i are `offsets[i]:offsets[i + 1]`.

    The objects of an event are sorted by falling pT, except energy-flow candidates.

    Attributes:
        offsets: First object of each event and the total number N, int64, shape (n + 1,).
    """

    offsets: np.ndarray

    @property
    def event(self) -> np.ndarray:
        """Place in the batch of the event of each object, int64, shape (N,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


@dataclass(frozen=True)
class Jets(Collection):
    """Jets.

    Attributes:
        pt: Transverse momentum [GeV], float64, shape (N,).
        eta: Pseudorapidity, likewise.
        phi: Azimuth in [-pi, pi] [rad], likewise.
        mass: Mass [GeV], likewise.
        b_tag: Whether it is b-tagged, bool, shape (N,).
        flavour: Code of the parton that it is ascribed to: 1 ... 5 or 21, 0 without a parton;
            int32, shape (N,).
        raw_pt: Transverse momentum before the jet energy scale [GeV], float64, shape (N,).
    """

    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    mass: np.ndarray
    b_tag: np.ndarray
    flavour: np.ndarray
    raw_pt: np.ndarray


@dataclass(frozen=True)
class Leptons(Collection):
    """Electrons or muons; they count as massless.

    Attributes:
        pt: Transverse momentum [GeV], float64, shape (N,).
        eta: Pseudorapidity, likewise.
        phi: Azimuth in [-pi, pi] [rad], likewise.
        charge: +1 or -1, int8, shape (N,).
        particle: Index in the batch of the particle that made it, int64, shape (N,).
    """

    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    charge: np.ndarray
    particle: np.ndarray


@dataclass(frozen=True)
class Photons(Collection):
    """Photons.

    Attributes:
        pt: Transverse momentum [GeV], float64, shape (N,).
        eta: Pseudorapidity, likewise.
        phi: Azimuth in [-pi, pi] [rad], likewise.
        energy: Energy [GeV], likewise.
    """

    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    energy: np.ndarray


@dataclass(frozen=True)
class EnergyFlow(Collection):
    """Energy-flow candidates: tracks, and energy in the calorimeters that tracks do not explain.

    Attributes:
        px: Momentum along x [GeV], float64, shape (N,).
        py: Momentum along y [GeV], likewise.
        pz: Momentum along z [GeV], likewise.
        energy: Energy [GeV], likewise.
        charge: +1 or -1 for tracks, else 0; int8, shape (N,).
        code: Particle Data Group code of a track, 22 for energy in the electromagnetic and 0 for
            energy in the hadronic calorimeter; int32, shape (N,).
    """

    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray
    charge: np.ndarray
    code: np.ndarray


@dataclass(frozen=True)
class Reconstruction:
    """Reconstructed objects of n events, without cuts beyond those of the detector card.

    Attributes:
        jets: Jets that overlap with no photon or electron.
        electrons: Isolated electrons.
        muons: Isolated muons.
        photons: Isolated photons.
        eflow: Energy-flow candidates.
        met: Missing transverse momentum [GeV], float64, shape (n,).
        met_phi: Its azimuth in [-pi, pi] [rad], likewise.
        weight: Weight of each event, likewise.
        event_id: Number of each event in its source, int64, shape (n,).
    """

    jets: Jets
    electrons: Leptons
    muons: Leptons
    photons: Photons
    eflow: EnergyFlow
    met: np.ndarray
    met_phi: np.ndarray
    weight: np.ndarray
    event_id: np.ndarray

    def __len__(self) -> int:
        """Number of events."""
        return len(self.met)
