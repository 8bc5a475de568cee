"""Jets and their constituents from the candidates of events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepdensity.physics.constituents import kinematics
from hepdensity.physics.detector.reconstruction import EnergyFlow
from hepdensity.physics.jagged import offsets_of, owners, subset
from hepdensity.physics.jets import anti_kt


@dataclass(frozen=True)
class JetFinding:
    """How jets are found; the defaults are those of the top-tagging reference data set.

    Kasieczka et al. 2019 (arXiv:1902.09914).

    Attributes:
        radius: Radius of the anti-kt algorithm.
        min_pt: Smallest pT of a jet [GeV].
        min_candidate_pt: Softer candidates are dropped before jets are found [GeV].
    """

    radius: float = 0.8
    min_pt: float = 400.0
    min_candidate_pt: float = 0.5

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: If one is out of range.
        """
        if not (self.radius > 0 and self.min_pt > 0 and self.min_candidate_pt >= 0):
            raise ValueError(f"{self} cannot find jets; radius and pT must be positive")


@dataclass(frozen=True)
class FoundJets:
    """Jets of some events with their constituents; those of jet i: `offsets[i]:offsets[i + 1]`.

    Attributes:
        momentum: Momenta (px, py, pz, E) of the constituents [GeV], float64, shape (N, 4).
        offsets: First constituent of each jet and N, int64, shape (n + 1,).
        axis: Columns of `kinematics`, float64, shape (n, 4).
        event: Place of the event of each jet, rising, int64, shape (n,).
        number: Number of the jet in its event, by falling pT, int64, shape (n,).
    """

    momentum: np.ndarray
    offsets: np.ndarray
    axis: np.ndarray
    event: np.ndarray
    number: np.ndarray

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.event)


def massless(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Momenta (px, py, pz, E) of massless candidates, float64, shape (N, 4).

    Args:
        pt: Transverse momentum [GeV], shape (N,).
        eta: Pseudorapidity, likewise.
        phi: Azimuth [rad], likewise.
    """
    pt, eta, phi = (values.astype(np.float64) for values in (pt, eta, phi))
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], 1)


def find_jets(momentum: np.ndarray, offsets: np.ndarray, finding: JetFinding) -> FoundJets:
    """Find the jets of each event.

    Args:
        momentum: Momenta (px, py, pz, E) of the candidates [GeV], finite, shape (N, 4).
        offsets: First candidate of each event and N, shape (n + 1,).
        finding: How to find jets.
    """
    hard = np.flatnonzero(np.hypot(momentum[:, 0], momentum[:, 1]) > finding.min_candidate_pt)
    momentum, offsets = momentum[hard], subset(offsets, hard)
    found = anti_kt(momentum, offsets, finding.radius, finding.min_pt)
    members = np.flatnonzero(found.jet_of >= 0)
    members = members[np.argsort(found.jet_of[members], kind="stable")]
    event = owners(found.offsets)
    return FoundJets(
        momentum=momentum[members],
        offsets=offsets_of(found.jet_of[members], len(event)),
        axis=kinematics(found.momentum),
        event=event,
        number=np.arange(len(event)) - found.offsets[event],
    )


def jets_of_candidates(eflow: EnergyFlow, finding: JetFinding) -> FoundJets:
    """Find the jets of energy-flow candidates.

    Args:
        eflow: The candidates of some events.
        finding: How to find jets.
    """
    momentum = np.stack([eflow.px, eflow.py, eflow.pz, eflow.energy], axis=1)
    return find_jets(momentum, eflow.offsets, finding)
