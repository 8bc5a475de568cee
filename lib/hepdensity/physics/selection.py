"""Which reconstructed objects and events are kept: cuts as data, and events made from collections.

The default cuts are those of the Dark Machines challenge (Aarrestad et al. 2021, arXiv:2105.14027,
section 2). All limits are exclusive: an object with a pT of exactly 20 GeV fails `pT > 20`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hepdensity.physics.object_kernels import insert_objects
from hepdensity.physics.objects import ABSENT, MOST_OBJECTS, ObjectEvents

KINDS = ("jet", "electron", "muon", "photon")
"""Kinds of objects, in the order in which the files of the challenge list them."""

NO_TRIGGER = "events without an object that passes the trigger"
"""Count of the events that `gather_objects` leaves out."""

SHORTENED = f"events with more than {MOST_OBJECTS} objects"
"""Count of the events from which `gather_objects` leaves out objects."""


@dataclass(frozen=True)
class Cut:
    """Limits on the momentum of one object.

    Attributes:
        pt: Transverse momentum above which objects pass [GeV].
        eta: Absolute pseudorapidity below which they pass.
        gap: Open range of absolute pseudorapidity in which they fail, or None.
    """

    pt: float
    eta: float
    gap: tuple[float, float] | None = None

    def in_acceptance(self, eta: np.ndarray) -> np.ndarray:
        """Whether objects pass the limits on the pseudorapidity.

        Args:
            eta: Pseudorapidity, any shape.
        """
        absolute = np.abs(_exact(eta))
        inside: np.ndarray = absolute < self.eta
        if self.gap is not None:
            inside &= ~((absolute > self.gap[0]) & (absolute < self.gap[1]))
        return inside

    def passes(self, pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Whether objects pass all limits.

        Args:
            pt: Transverse momentum [GeV], any shape.
            eta: Pseudorapidity, likewise.
        """
        result: np.ndarray = (_exact(pt) > self.pt) & self.in_acceptance(eta)
        return result


def _exact(values: np.ndarray) -> np.ndarray:
    """In double precision: a limit rounded to single precision would be another limit."""
    return np.asarray(values, dtype=np.float64)


def _stored() -> dict[str, Cut]:
    return {
        "jet": Cut(20, 2.8),
        "electron": Cut(15, 2.7),
        "muon": Cut(15, 2.7),
        "photon": Cut(20, 2.37),
    }


def _trigger() -> dict[str, Cut]:
    return {
        "jet": Cut(60, 2.8),
        "electron": Cut(25, 2.47, gap=(1.37, 1.52)),
        "muon": Cut(25, 2.7),
        "photon": Cut(25, 2.37),
    }


@dataclass(frozen=True)
class Selection:
    """Cuts on objects and events.

    Attributes:
        stored: Cut of each kind (see `KINDS`) for the objects to keep; kinds without a cut are kept
            whole.
        trigger: An event is kept if at least one kept object passes the cut of its kind here; with
            no cut at all, every event is kept.
    """

    stored: Mapping[str, Cut] = field(default_factory=_stored)
    trigger: Mapping[str, Cut] = field(default_factory=_trigger)

    def __post_init__(self) -> None:
        """Reject kinds that do not exist."""
        unknown = sorted({*self.stored, *self.trigger} - set(KINDS))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a kind of object; use {', '.join(KINDS)}")


EVERYTHING = Selection(stored={}, trigger={})
"""No cuts."""


@dataclass(frozen=True)
class Collection:
    """The objects of one kind in n events, those of an event side by side, N in total.

    Attributes:
        kind: One of `KINDS`.
        counts: Number of objects in each event, shape (n,).
        type: Type of each object (see `hepdensity.physics.objects`), shape (N,).
        energy: Energy [GeV], likewise.
        pt: Transverse momentum [GeV], likewise.
        eta: Pseudorapidity, likewise.
        phi: Azimuth in [-pi, pi] [rad], likewise.
    """

    kind: str
    counts: np.ndarray
    type: np.ndarray
    energy: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray


@dataclass(frozen=True)
class Headers:
    """What is known of n events besides their objects; see `ObjectEvents` for units and shapes.

    Attributes:
        met: Missing transverse momentum [GeV].
        met_phi: Its azimuth [rad].
        weight: Weight of the event.
        process: Name of the process.
        event_id: Number of the event in its source.
    """

    met: np.ndarray
    met_phi: np.ndarray
    weight: np.ndarray
    process: np.ndarray
    event_id: np.ndarray


def gather_objects(
    headers: Headers,
    collections: Sequence[Collection],
    selection: Selection,
    removed: Counter[str],
    usable: np.ndarray | None = None,
) -> ObjectEvents:
    """Apply a selection and put the objects of all collections together.

    An event keeps at most `MOST_OBJECTS` objects: the first of its kept ones in the order of the
    collections. With collections in the order of `KINDS` and sorted by falling pT, these are the
    objects that a file of the challenge reports, so jets go before leptons, and photons are left
    out first.

    Args:
        headers: Of the n events.
        collections: Of the same events; the place of an object in this order becomes `order`,
            counted among the objects that are kept.
        selection: The cuts.
        removed: Receives the numbers of objects that each cut removes, pT before pseudorapidity
            (`"jet: pT"`, `"jet: eta"`, ...), and of events (`NO_TRIGGER`, `SHORTENED`).
        usable: Events to keep and count at all, bool, shape (n,); all by default.

    Returns:
        The events that are usable and pass, objects sorted by falling pT.
    """
    n = len(headers.met)
    usable = np.ones(n, dtype=bool) if usable is None else usable
    fires = np.full(n, not selection.trigger) & usable
    kept = []
    for collection in collections:
        event = np.repeat(np.arange(n), collection.counts)
        chosen = _kept(collection, selection.stored.get(collection.kind), usable[event], removed)
        trigger = selection.trigger.get(collection.kind)
        if trigger is not None:
            fires[event[chosen & trigger.passes(collection.pt, collection.eta)]] = True
        kept.append(chosen)
    removed[NO_TRIGGER] += int((usable & ~fires).sum())
    events, sizes = _placed(headers, collections, kept, fires)
    removed[SHORTENED] += int((sizes > MOST_OBJECTS).sum())
    return events


def _kept(
    collection: Collection, cut: Cut | None, usable: np.ndarray, removed: Counter[str]
) -> np.ndarray:
    """Whether each object is in a usable event and passes; what a cut removes is counted."""
    if cut is None:
        return usable
    hard = usable & (_exact(collection.pt) > cut.pt)
    near = hard & cut.in_acceptance(collection.eta)
    removed[f"{collection.kind}: pT"] += int(usable.sum() - hard.sum())
    removed[f"{collection.kind}: eta"] += int(hard.sum() - near.sum())
    return near


def _placed(
    headers: Headers,
    collections: Sequence[Collection],
    kept: Sequence[np.ndarray],
    fires: np.ndarray,
) -> tuple[ObjectEvents, np.ndarray]:
    """The events that fire with the objects that are kept, and how many objects each has."""
    shape = (int(fires.sum()), MOST_OBJECTS)
    kinds, order = np.full(shape, ABSENT, np.int8), np.full(shape, -1, np.int8)
    values = np.full((4, *shape), np.nan, np.float32)
    rows = np.where(fires, np.cumsum(fires) - 1, -1)
    sizes = np.zeros(len(fires), dtype=np.int64)
    for collection, chosen in zip(collections, kept, strict=True):
        counts = np.asarray(collection.counts, dtype=np.int64)
        numbers = [np.asarray(collection.type, dtype=np.int8)]
        for array in (collection.energy, collection.pt, collection.eta, collection.phi):
            numbers.append(np.asarray(array, dtype=np.float32))
        insert_objects(rows, sizes, counts, chosen, tuple(numbers), kinds, order, values)
    events = ObjectEvents(
        met=headers.met[fires].astype(np.float64),
        met_phi=headers.met_phi[fires].astype(np.float64),
        weight=headers.weight[fires].astype(np.float64),
        process=headers.process[fires],
        event_id=headers.event_id[fires].astype(np.int64),
        type=kinds,
        energy=values[0],
        pt=values[1],
        eta=values[2],
        phi=values[3],
        order=order,
    )
    return events, sizes
