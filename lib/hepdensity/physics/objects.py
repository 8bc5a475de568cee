"""Reconstructed events: missing transverse momentum and jets, leptons and photons.

The types of objects and their labels are those of the Dark Machines challenge (Aarrestad et al.
2021, arXiv:2105.14027).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

LABELS = ("j", "b", "e-", "e+", "m-", "m+", "g")
"""Labels of the types 1 ... 7: jet, b-tagged jet, electrons, muons, photon."""

ABSENT, JET, B_JET, ELECTRON, POSITRON, MUON, ANTIMUON, PHOTON = range(8)
"""Types of objects; 0 marks an absent object."""

JETS = (JET, B_JET)
LEPTONS = (ELECTRON, POSITRON, MUON, ANTIMUON)

MOST_OBJECTS = 20
"""Number of objects that an event can store."""


@dataclass(frozen=True)
class ObjectEvents:
    """Reconstructed events; the objects of each are sorted by falling pT.

    Attributes:
        met: Missing transverse momentum [GeV], float64, shape (n,).
        met_phi: Its azimuth in [-pi, pi] [rad], float64, shape (n,).
        weight: Weight of the event, float64, shape (n,).
        process: Name of the process, text, shape (n,).
        event_id: Number of the event in its source, int64, shape (n,).
        type: Type of each object (see `LABELS`), 0 if absent, int8, shape (n, MOST_OBJECTS).
        energy: Energy of each object [GeV], NaN if absent, float32, shape (n, MOST_OBJECTS).
        pt: Its transverse momentum [GeV], likewise.
        eta: Its pseudorapidity, likewise.
        phi: Its azimuth in [-pi, pi] [rad], likewise.
        order: Place of each object in the source, counted from 0, -1 if absent, int8, likewise.
    """

    met: np.ndarray
    met_phi: np.ndarray
    weight: np.ndarray
    process: np.ndarray
    event_id: np.ndarray
    type: np.ndarray
    energy: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    order: np.ndarray

    def __len__(self) -> int:
        """Number of events."""
        return len(self.met)

    def __getitem__(self, chosen: slice | np.ndarray) -> ObjectEvents:
        """Some of the events.

        Args:
            chosen: A slice, a mask of shape (n,), or indices.
        """
        return ObjectEvents(**{field.name: getattr(self, field.name)[chosen] for field in _FIELDS})

    @property
    def present(self) -> np.ndarray:
        """Whether each object is present, bool, shape (n, MOST_OBJECTS)."""
        present: np.ndarray = self.type != ABSENT
        return present

    def is_of(self, types: Sequence[int]) -> np.ndarray:
        """Whether each object has one of some types, bool, shape (n, MOST_OBJECTS)."""
        return np.isin(self.type, types)

    @property
    def ht(self) -> np.ndarray:
        """Scalar sum of the pT of all jets, b-tagged or not [GeV], float64, shape (n,)."""
        jets = np.where(self.is_of(JETS), self.pt, 0.0)
        total: np.ndarray = jets.sum(axis=1, dtype=np.float64)
        return total


_FIELDS = fields(ObjectEvents)


def concatenated(parts: Sequence[ObjectEvents]) -> ObjectEvents:
    """Events of several chunks, one after the other.

    Args:
        parts: One or more chunks.
    """
    return ObjectEvents(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in _FIELDS
        }
    )


def sorted_objects(events: ObjectEvents) -> ObjectEvents:
    """Sort the objects of each event by falling pT; objects of equal pT keep their order.

    Args:
        events: Events with objects in any order, absent ones anywhere.
    """
    key = np.where(events.present, -events.pt, np.inf)
    order = np.argsort(key, axis=1, kind="stable")
    moved = {
        name: np.take_along_axis(getattr(events, name), order, axis=1)
        for name in ("type", "energy", "pt", "eta", "phi", "order")
    }
    rest = {name: getattr(events, name) for name in _HEAD}
    return ObjectEvents(**rest, **moved)


_HEAD = ("met", "met_phi", "weight", "process", "event_id")
