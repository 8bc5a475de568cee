"""Selection of objects and events: every limit, the counts, and the 20 objects that are kept."""

from collections import Counter

import numpy as np
import pytest

from hepdensity.physics.objects import MOST_OBJECTS, ObjectEvents
from hepdensity.physics.selection import (
    EVERYTHING,
    KINDS,
    NO_TRIGGER,
    SHORTENED,
    Collection,
    Cut,
    Headers,
    Selection,
    gather_objects,
)

CODES = {"jet": 1, "electron": 3, "muon": 5, "photon": 7}


def headers(n: int) -> Headers:
    return Headers(
        met=np.full(n, 50, dtype=np.float32),
        met_phi=np.zeros(n, dtype=np.float32),
        weight=np.ones(n, dtype=np.float32),
        process=np.full(n, "zw"),
        event_id=np.arange(n),
    )


def collection(kind: str, events: list[list[tuple[float, float]]]) -> Collection:
    """Objects of one kind, given as (pT, eta) for each event."""
    flat = [pair for objects in events for pair in objects]
    pt, eta = np.array(flat, dtype=np.float32).reshape(-1, 2).T
    return Collection(
        kind=kind,
        counts=np.array([len(objects) for objects in events]),
        type=np.full(len(pt), CODES[kind]),
        energy=pt * np.cosh(eta),
        pt=pt,
        eta=eta,
        phi=np.zeros_like(pt),
    )


def gathered(
    *collections: Collection, selection: Selection | None = None
) -> tuple[ObjectEvents, Counter[str]]:
    removed: Counter[str] = Counter()
    n = len(collections[0].counts)
    events = gather_objects(headers(n), collections, selection or Selection(), removed)
    return events, removed


HARD = [(100.0, 0.0)]
STORED = {"jet": (20, 2.8), "electron": (15, 2.7), "muon": (15, 2.7), "photon": (20, 2.37)}
UP, DOWN = np.float32(np.inf), np.float32(-np.inf)


@pytest.mark.parametrize("kind", KINDS)
def test_limits_of_stored_objects(kind: str) -> None:
    pt, eta = STORED[kind]
    # The pseudorapidities are the numbers in single precision next to the limit, on both sides.
    inside = np.float32(eta)
    if float(inside) >= eta:
        inside = np.nextafter(inside, DOWN)
    outside = np.nextafter(inside, UP)
    assert float(inside) < eta <= float(outside)
    objects = [
        *[(pt, 0.0), (np.nextafter(np.float32(pt), UP), 0.0)],
        *[(200.0, inside), (200.0, outside), (201.0, -inside), (201.0, -outside)],
    ]
    events, removed = gathered(collection(kind, [objects]), selection=Selection(trigger={}))
    assert events.present.sum() == 3
    np.testing.assert_array_equal(
        events.eta[0, :3], np.array([-inside, inside, 0], dtype=np.float32)
    )
    assert removed[f"{kind}: pT"] == 1 and removed[f"{kind}: eta"] == 2


TRIGGER = {
    "jet": [(60, 0, False), (60.001, 0, True), (500, 2.79, True)],
    "electron": [
        *[(25, 0, False), (25.001, 0, True), (99, 2.46, True), (99, 2.48, False)],
        *[(99, 1.36, True), (99, 1.38, False), (99, -1.45, False), (99, 1.51, False)],
        (99, 1.53, True),
    ],
    "muon": [(25, 0, False), (25.001, 0, True), (99, 2.69, True), (99, 1.45, True)],
    "photon": [(25, 0, False), (25.001, 0, True), (99, 2.36, True)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_limits_of_the_trigger(kind: str) -> None:
    cases = TRIGGER[kind]
    events, removed = gathered(collection(kind, [[(pt, eta)] for pt, eta, _ in cases]))
    fires = [fired for _, _, fired in cases]
    assert events.event_id.tolist() == np.flatnonzero(fires).tolist()
    assert removed[NO_TRIGGER] == len(fires) - sum(fires)


def test_edges_of_the_gap_pass() -> None:
    cut = Cut(25, 2.47, gap=(1.37, 1.52))
    eta = np.array([1.37, 1.3701, 1.5199, 1.52, -1.37, -1.4])
    assert cut.passes(np.full(6, 30.0), eta).tolist() == [True, False, False, True, True, False]


def test_a_soft_object_is_stored_if_another_fires() -> None:
    """An electron in the gap does not fire, but it is stored."""
    events, _ = gathered(
        collection("jet", [HARD, [(30, 0)]]), collection("electron", [[(40, 1.45)], [(40, 1.45)]])
    )
    assert events.event_id.tolist() == [0]
    assert events.type[0, :2].tolist() == [1, 3]


def test_order_is_that_of_the_collections_and_objects_are_sorted() -> None:
    events, _ = gathered(
        collection("jet", [[(100, 0), (19, 0), (30, 0)], HARD]),
        collection("muon", [[(60, 0)], []]),
        collection("photon", [[(200, 0)], []]),
    )
    assert events.pt[0, :4].tolist() == [200, 100, 60, 30]
    assert events.order[0, :5].tolist() == [3, 0, 2, 1, -1]
    assert events.type[0, :5].tolist() == [7, 1, 5, 1, 0]
    assert np.isnan(events.pt[1, 1:]).all()


def test_of_many_objects_the_first_twenty_of_the_file_are_kept() -> None:
    """As in a file of the challenge, photons go first, even the hardest ones."""
    jets = [(100.0 - k, 0.0) for k in range(17)]
    events, removed = gathered(
        collection("jet", [jets, HARD]),
        collection("muon", [[(300, 0), (299, 0)], []]),
        collection("photon", [[(500, 0), (499, 0)], HARD]),
    )
    assert removed[SHORTENED] == 1
    assert events.present.sum(axis=1).tolist() == [MOST_OBJECTS, 2]
    assert events.pt[0, :3].tolist() == [500, 300, 299]
    assert sorted(events.order[0]) == list(range(20))
    assert (events.type[0] == 7).sum() == 1


def test_no_cuts_keep_everything() -> None:
    events, removed = gathered(collection("jet", [[(1, 9)], []]), selection=EVERYTHING)
    assert len(events) == 2 and events.pt[0, 0] == 1
    assert removed.total() == 0


def test_unusable_events_are_not_counted() -> None:
    removed: Counter[str] = Counter()
    jets = collection("jet", [[(10, 0)], [(100, 0), (10, 0)]])
    usable = np.array([False, True])
    events = gather_objects(headers(2), [jets], Selection(), removed, usable)
    assert events.event_id.tolist() == [1]
    assert {key: n for key, n in removed.items() if n} == {"jet: pT": 1}


def test_types_of_the_arrays() -> None:
    events, _ = gathered(collection("jet", [HARD]))
    names = ("met", "weight", "event_id", "type", "energy", "pt", "eta", "phi", "order")
    kinds = [getattr(events, name).dtype.name for name in names]
    assert kinds == ["float64"] * 2 + ["int64", "int8"] + ["float32"] * 4 + ["int8"]


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="'tau' is not a kind of object; use jet, electron"):
        Selection(stored={"tau": Cut(20, 2.5)})
