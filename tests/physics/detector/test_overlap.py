"""Overlap removal: who loses to whom, by hand."""

import numpy as np

from hepdensity.physics.detector.calorimeter import Towers
from hepdensity.physics.detector.overlap import (
    free_jets,
    particles_of_towers,
    towers_of_particles,
    without_taken,
)

NONE = np.zeros(3)
TOWERS = Towers(np.array([0, 2, 3]), NONE, NONE, NONE, NONE, NONE, np.array([0, 1, -1, 0, 2]))


def test_particles_of_towers() -> None:
    assert particles_of_towers(TOWERS, np.array([0])).tolist() == [True, False, False, True, False]
    assert not particles_of_towers(TOWERS, np.array([], int)).any()


def test_towers_of_particles() -> None:
    taken = np.array([False, True, True, False, True])
    assert towers_of_particles(TOWERS, taken).tolist() == [False, True, True]


def test_objects_with_taken_particles_are_dropped_and_the_others_take_theirs() -> None:
    taken = np.array([True, False, False, False])
    assert without_taken(np.array([0, 2]), taken).tolist() == [1]
    assert taken.tolist() == [True, False, True, False]
    assert without_taken(np.array([2, 3]), taken).tolist() == [1]


def test_jets_with_taken_constituents_are_dropped() -> None:
    jet_of = np.array([0, 1, -1, 2, 1])
    is_taken = np.array([False, False, True, False, True])
    assert free_jets(3, jet_of, is_taken).tolist() == [0, 2]
    assert free_jets(0, np.array([], int), np.array([], bool)).tolist() == []
