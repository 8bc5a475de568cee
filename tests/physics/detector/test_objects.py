"""Conversion of reconstructed events to the form that readers give."""

from collections import Counter

import numpy as np
import pytest
from particle_events import spray

from hepdensity.physics.detector.objects import objects_of
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.detector.reconstruction import (
    EnergyFlow,
    Jets,
    Leptons,
    Photons,
    Reconstruction,
)
from hepdensity.physics.objects import LABELS, MOST_OBJECTS
from hepdensity.physics.selection import EVERYTHING, NO_TRIGGER, SHORTENED

NOTHING = np.zeros(0)


def by_hand() -> Reconstruction:
    """Two events; the second has no object above the limits."""
    return Reconstruction(
        jets=Jets(
            offsets=np.array([0, 2, 2]),
            pt=np.array([80.0, 25.0]),
            eta=np.array([1.0, -0.5]),
            phi=np.array([0.1, 0.2]),
            mass=np.array([10.0, 3.0]),
            b_tag=np.array([False, True]),
            flavour=np.array([21, 5], np.int32),
            raw_pt=np.array([75.0, 21.0]),
        ),
        electrons=Leptons(
            np.array([0, 1, 1]),
            np.array([40.0]),
            np.array([1.4]),
            np.array([1.0]),
            np.array([1], np.int8),
            np.array([0]),
        ),
        muons=Leptons(
            np.array([0, 1, 2]),
            np.array([30.0, 12.0]),
            np.array([0.5, 0.1]),
            np.array([2.0, 0.3]),
            np.array([-1, 1], np.int8),
            np.array([1, 2]),
        ),
        photons=Photons(
            np.array([0, 1, 1]),
            np.array([90.0]),
            np.array([2.0]),
            np.array([-3.0]),
            np.array([90.0 * np.cosh(2.0)]),
        ),
        eflow=EnergyFlow(np.array([0, 0, 0]), *[NOTHING] * 6),
        met=np.array([120.0, 3.0]),
        met_phi=np.array([1.5, 0.4]),
        weight=np.array([0.5, 2.0]),
        event_id=np.array([7, 9]),
    )


def test_objects_by_hand() -> None:
    removed: Counter[str] = Counter()
    events = objects_of(by_hand(), "ttbar", removed=removed)
    assert len(events) == 1
    assert (events.met[0], events.met_phi[0], events.weight[0]) == (120.0, 1.5, 0.5)
    assert (events.process[0], events.event_id[0]) == ("ttbar", 7)
    labels = [LABELS[code - 1] for code in events.type[0] if code]
    assert labels == ["g", "j", "e+", "m-", "b"]
    assert events.order[0, :5].tolist() == [4, 0, 2, 3, 1]
    np.testing.assert_allclose(events.pt[0, :5], [90, 80, 40, 30, 25])
    np.testing.assert_allclose(events.eta[0, :5], [2.0, 1.0, 1.4, 0.5, -0.5])
    np.testing.assert_allclose(events.phi[0, :5], [-3.0, 0.1, 1.0, 2.0, 0.2])
    momentum = events.pt[0, :5] * np.cosh(events.eta[0, :5])
    np.testing.assert_allclose(
        events.energy[0, :5], np.hypot(momentum, [0, 10, 0, 0, 3]), rtol=1e-6
    )
    assert (removed[NO_TRIGGER], removed[SHORTENED], removed["muon: pT"]) == (1, 0, 1)


def test_without_cuts_and_unusable_events() -> None:
    assert len(objects_of(by_hand(), "x", EVERYTHING)) == 2
    usable = np.array([False, True])
    assert objects_of(by_hand(), "x", EVERYTHING, usable=usable).event_id.tolist() == [9]


@pytest.mark.parametrize("seed", [1, 2])
def test_objects_of_the_detector(seed: int) -> None:
    found = reconstruct(spray(20, seed), seed=1)
    events = objects_of(found, "x", EVERYTHING)
    collections = (found.jets, found.electrons, found.muons, found.photons)
    count = sum(np.diff(one.offsets) for one in collections)
    np.testing.assert_array_equal(events.present.sum(axis=1), np.minimum(count, MOST_OBJECTS))
