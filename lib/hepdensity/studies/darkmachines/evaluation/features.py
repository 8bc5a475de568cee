"""Features of events for classifiers, Deep SVDD and the isolation forest.

They do not depend on the azimuth of the event or on its direction along the beam: azimuths are
relative to the missing momentum, and mirrored so that the hardest object lies on one side.
"""

from __future__ import annotations

import numpy as np

from hepdensity.physics.objects import ABSENT, JETS, LABELS, LEPTONS
from hepdensity.studies.darkmachines.evaluation.objects import Objects

OBJECTS = 8
"""Number of objects, those of largest pT, that have features of their own."""

_TYPES = tuple(range(1, len(LABELS) + 1))


def features_of(events: Objects) -> np.ndarray:
    """Features of events, float32, shape (n, F); NaN where a feature has no meaning.

    They are log MET, log HT (of jets), log Meff, numbers of objects of each type and of all, masses
    of all objects, of all jets, of the two hardest jets and of all leptons, the transverse mass of
    the hardest lepton and the missing momentum, the smallest angle between a jet and the missing
    momentum; and for each of the `OBJECTS` hardest objects its log pT, |eta|, azimuth relative to
    the missing momentum, and type, one-hot.

    Args:
        events: The events.
    """
    jets, leptons = events.is_of(JETS), events.is_of(LEPTONS)
    meff = events.met + events.pt.sum(axis=1)
    columns = [
        *(_log(events.met), _log(events.ht), _log(meff)),
        *((events.type == kind).sum(axis=1) for kind in _TYPES),
        events.present.sum(axis=1),
        *(_log(_mass(events, chosen)) for chosen in (events.present, jets, _hardest(jets, 2))),
        _log(_mass(events, leptons)),
        _log(_transverse_mass(events, _hardest(leptons, 1))),
        _smallest(np.abs(_relative(events)), jets),
    ]
    table = np.column_stack([*columns, *_of_objects(events)])
    return table.astype(np.float32)


def _of_objects(events: Objects) -> list[np.ndarray]:
    """Columns of the hardest objects."""
    angle = _relative(events)
    mirrored = angle * np.where(angle[:, :1] < 0, -1.0, 1.0)
    kept = min(OBJECTS, events.pt.shape[1])
    missing = OBJECTS - kept
    values = [
        np.pad(table[:, :kept], ((0, 0), (0, missing)))
        for table in (events.pt, np.abs(events.eta), mirrored, events.type)
    ]
    columns = []
    for pt, eta, phi, kind in zip(*(table.T for table in values), strict=True):
        absent = kind == ABSENT
        columns += [np.where(absent, np.nan, value) for value in (_log(pt), eta, phi)]
        columns += [kind == one for one in _TYPES]
    return columns


def _log(values: np.ndarray) -> np.ndarray:
    """Logarithm; NaN where there is nothing to take it of."""
    return np.log(np.where(values > 0, values, np.nan))


def _relative(events: Objects) -> np.ndarray:
    """Azimuth of each object relative to the missing momentum in [-pi, pi) [rad]."""
    difference: np.ndarray = events.phi - events.met_phi[:, None]
    return (difference + np.pi) % (2 * np.pi) - np.pi


def _hardest(chosen: np.ndarray, count: int) -> np.ndarray:
    """The first objects among the chosen ones; objects are sorted by falling pT."""
    return chosen & (np.cumsum(chosen, axis=1) <= count)


def _mass(events: Objects, chosen: np.ndarray) -> np.ndarray:
    """Invariant mass of the chosen objects [GeV]; 0 for fewer than two."""
    pt = np.where(chosen, events.pt, 0.0)
    px, py, pz = (
        (pt * factor).sum(axis=1)
        for factor in (np.cos(events.phi), np.sin(events.phi), np.sinh(events.eta))
    )
    energy = np.where(chosen, events.energy, 0.0).sum(axis=1)
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return np.where(chosen.sum(axis=1) > 1, mass, 0.0)


def _transverse_mass(events: Objects, chosen: np.ndarray) -> np.ndarray:
    """Transverse mass of one chosen object and the missing momentum [GeV]; 0 without one."""
    product = np.where(chosen, events.pt * (1 - np.cos(_relative(events))), 0.0).sum(axis=1)
    return np.asarray(np.sqrt(2 * events.met * product))


def _smallest(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Smallest value of the chosen objects; NaN without one."""
    least = np.where(chosen, values, np.inf).min(axis=1)
    return np.where(np.isfinite(least), least, np.nan)


class Scaler:
    """Standardisation to mean 0 and standard deviation 1; what has no meaning becomes 0."""

    def __init__(self, features: np.ndarray) -> None:
        """Measure training events.

        Args:
            features: Shape (n, F); a column that is NaN or constant everywhere stays 0.
        """
        known = np.isfinite(features)
        count = np.maximum(known.sum(axis=0), 1)
        filled = np.where(known, features, 0.0).astype(np.float64)
        self._mean = filled.sum(axis=0) / count
        spread = np.where(known, features - self._mean, 0.0)
        deviation = np.sqrt((spread**2).sum(axis=0) / count)
        self._deviation = np.where(deviation > 0, deviation, 1.0)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Standardised features, float32, shape (n, F)."""
        scaled = (features - self._mean) / self._deviation
        return np.nan_to_num(scaled, nan=0.0).astype(np.float32)
