"""Reconstructed events for tests, from a few words or at random."""

from collections.abc import Sequence

import numpy as np

from hepdensity.physics.objects import LABELS, MOST_OBJECTS, ObjectEvents, sorted_objects

Object = tuple[str, float]


def events_with(
    *events: Sequence[Object],
    met: float | Sequence[float] = 100.0,
    process: str = "ttbar",
    eta: float = 0.5,
) -> ObjectEvents:
    """Events with objects given as (label, pT), in any order; the rest is filled in."""
    n = len(events)
    shape = (n, MOST_OBJECTS)
    kinds, order = np.zeros(shape, dtype=np.int8), np.full(shape, -1, dtype=np.int8)
    pt = np.full(shape, np.nan, dtype=np.float32)
    for i, objects in enumerate(events):
        for k, (label, value) in enumerate(objects):
            kinds[i, k], pt[i, k], order[i, k] = LABELS.index(label) + 1, value, k
    present = kinds > 0
    phi = np.where(present, np.linspace(-3, 3, MOST_OBJECTS), np.nan).astype(np.float32)
    return sorted_objects(
        ObjectEvents(
            met=np.full(n, met, dtype=np.float64),
            met_phi=np.linspace(-3.0, 3.0, n),
            weight=np.ones(n),
            process=np.full(n, process),
            event_id=np.arange(n),
            type=kinds,
            energy=(pt * np.cosh(eta)).astype(np.float32),
            pt=pt,
            eta=np.where(present, eta, np.nan).astype(np.float32),
            phi=phi,
            order=order,
        )
    )


def random_events(n: int, seed: int = 1, process: str = "ttbar") -> ObjectEvents:
    """Events with up to `MOST_OBJECTS` random objects."""
    numbers = np.random.default_rng(seed)
    shape = (n, MOST_OBJECTS)
    counts = numbers.integers(0, MOST_OBJECTS + 1, (n, 1))
    present = np.arange(MOST_OBJECTS) < counts
    kinds = np.where(present, numbers.integers(1, 8, shape), 0)

    def column(low: float, high: float) -> np.ndarray:
        return np.where(present, numbers.uniform(low, high, shape), np.nan).astype(np.float32)

    pt, eta = column(20, 500), column(-2.5, 2.5)
    return sorted_objects(
        ObjectEvents(
            met=numbers.uniform(1, 500, n),
            met_phi=numbers.uniform(-np.pi, np.pi, n),
            weight=numbers.uniform(0.5, 1.5, n),
            process=np.full(n, process),
            event_id=np.arange(n),
            type=kinds.astype(np.int8),
            energy=(1.1 * pt * np.cosh(eta)).astype(np.float32),
            pt=pt,
            eta=eta,
            phi=column(-3.14, 3.14),
            order=np.where(present, np.arange(MOST_OBJECTS), -1).astype(np.int8),
        )
    )


def assert_same(one: ObjectEvents, other: ObjectEvents) -> None:
    """Every number, type and name of two sets of events must agree."""
    for name in ObjectEvents.__dataclass_fields__:
        a, b = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(a, b, err_msg=name)
        assert a.dtype.kind == b.dtype.kind and (a.dtype == b.dtype or a.dtype.kind == "U"), name
