"""Reconstructed events: which objects are present, HT, slices, and sorting by pT."""

import numpy as np
from object_events import assert_same, events_with, random_events

from hepdensity.physics.objects import JETS, LEPTONS, MOST_OBJECTS, concatenated, sorted_objects

EVENTS = events_with(
    [("j", 30), ("b", 80), ("e-", 50), ("g", 200)],
    [],
    [("m+", 20), ("m-", 25)],
)


def test_objects_are_sorted_and_their_places_kept() -> None:
    assert EVENTS.type[0, :5].tolist() == [7, 2, 3, 1, 0]
    assert EVENTS.pt[0, :4].tolist() == [200, 80, 50, 30]
    assert EVENTS.order[0, :5].tolist() == [3, 1, 2, 0, -1]


def test_equal_pt_keeps_the_order_of_the_source() -> None:
    events = events_with([("j", 30), ("b", 30), ("m-", 40), ("g", 30)])
    assert events.type[0, :4].tolist() == [5, 1, 2, 7]


def test_sorting_again_changes_nothing_and_absent_objects_may_stand_anywhere() -> None:
    events = random_events(50)
    assert_same(sorted_objects(events), events)
    mixed = np.random.default_rng(3).permutation(MOST_OBJECTS)
    fields = dict(vars(events))
    for name in ("type", "energy", "pt", "eta", "phi", "order"):
        fields[name] = fields[name][:, mixed]
    assert_same(sorted_objects(type(events)(**fields)), events)


def test_ht_counts_jets_only() -> None:
    assert EVENTS.ht.tolist() == [110, 0, 0]
    assert EVENTS.ht.dtype == np.float64


def test_types() -> None:
    assert EVENTS.is_of(JETS).sum(axis=1).tolist() == [2, 0, 0]
    assert EVENTS.is_of(LEPTONS).sum(axis=1).tolist() == [1, 0, 2]
    assert EVENTS.present.sum(axis=1).tolist() == [4, 0, 2]


def test_slices_and_concatenation() -> None:
    parts = [EVENTS[:1], EVENTS[np.array([False, True, False])], EVENTS[np.array([2])]]
    assert [len(part) for part in parts] == [1, 1, 1]
    assert_same(concatenated(parts), EVENTS)
