"""Species: charges and kinds of particles by their codes."""

import numpy as np
import pytest

from hepdensity.physics.detector.species import (
    ELECTRON,
    HADRON,
    INVISIBLE,
    LONG_LIVED,
    MUON,
    PHOTON,
    species_of,
)


@pytest.mark.parametrize(
    ("code", "kind", "charge"),
    [
        (11, ELECTRON, -1),
        (-11, ELECTRON, 1),
        (13, MUON, -1),
        (-13, MUON, 1),
        (22, PHOTON, 0),
        (111, PHOTON, 0),
        (310, LONG_LIVED, 0),
        (3122, LONG_LIVED, 0),
        (-3122, LONG_LIVED, 0),
        (12, INVISIBLE, 0),
        (-16, INVISIBLE, 0),
        (52, INVISIBLE, 0),
        (1000022, INVISIBLE, 0),
        (211, HADRON, 1),
        (-211, HADRON, -1),
        (130, HADRON, 0),
        (321, HADRON, 1),
        (-321, HADRON, -1),
        (411, HADRON, 1),
        (421, HADRON, 0),
        (431, HADRON, 1),
        (511, HADRON, 0),
        (521, HADRON, 1),
        (-541, HADRON, -1),
        (2212, HADRON, 1),
        (-2212, HADRON, -1),
        (2112, HADRON, 0),
        (3112, HADRON, -1),
        (3222, HADRON, 1),
        (3312, HADRON, -1),
        (-3334, HADRON, 1),
        (2224, HADRON, 2),
        (4122, HADRON, 1),
        (5122, HADRON, 0),
        (1000020040, HADRON, 2),
    ],
)
def test_kinds_and_charges(code: int, kind: int, charge: int) -> None:
    found = species_of(np.array([code], np.int32), np.array([True]))
    assert (found.kind[0], found.charge[0]) == (kind, charge)


def test_partons_are_invisible() -> None:
    found = species_of(np.array([211, 11, 22], np.int32), np.zeros(3, bool))
    assert found.kind.tolist() == [INVISIBLE] * 3
    assert found.charge.tolist() == [0] * 3
