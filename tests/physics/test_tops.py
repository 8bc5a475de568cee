"""Hadronic top decays in records by hand, and jets that contain them."""

import math

import numpy as np

from hepdensity.physics.tops import HadronicTops, contain_a_top, hadronic_decays, hadronic_tops

# code, mother: two tops, one with copies of itself and of its W boson, one with a leptonic decay.
RECORD = [
    *((21, -1), (21, -1), (6, 0), (-6, 0)),
    *((6, 2), (24, 4), (5, 4), (24, 5), (21, 6), (5, 6)),  # 4: t, 5: W, 6: b, 7: W, then radiation
    *((2, 7), (-1, 7), (2, 10), (21, 10)),  # 10, 11: quarks of the W boson, then radiation
    *((-24, 3), (-5, 3), (11, 14), (-12, 14)),
]
CODE, MOTHER = np.array(RECORD).T


def test_decays_by_hand() -> None:
    found = hadronic_decays(CODE, MOTHER, np.array([0, len(CODE)]))
    assert found.tolist() == [[4, 6, 10, 11]]


def test_several_events() -> None:
    n = len(CODE)
    other = CODE.copy()
    other[[16, 17]] = [3, -4]
    code = np.concatenate([CODE, other, CODE[:4]])
    mother = np.concatenate([MOTHER, MOTHER, MOTHER[:4]])
    offsets = np.array([0, n, n, 2 * n, 2 * n + 4])
    found = hadronic_decays(code, mother, offsets)
    assert found.tolist() == [
        [4, 6, 10, 11],
        [n + 3, n + 15, n + 16, n + 17],
        [n + 4, n + 6, n + 10, n + 11],
    ]
    tops = hadronic_tops(code, mother, offsets, np.arange(len(code)) / 10, -np.arange(len(code)))
    assert tops.event.tolist() == [0, 2, 2]
    np.testing.assert_allclose(tops.eta, found / 10)
    np.testing.assert_allclose(tops.phi, -found)


def test_events_without_tops_and_impossible_mothers() -> None:
    none = np.empty(0, dtype=np.int64)
    assert hadronic_decays(none, none, np.array([0, 0])).shape == (0, 4)
    code, mother = np.array([24, 24, 1, 2]), np.array([1, 0, 0, 99])
    assert len(hadronic_decays(code, mother, np.array([0, 4]))) == 0


def test_jets_that_contain_a_top() -> None:
    eta = np.array([[0.0, 0.1, 0.2, 0.7], [0.0, 0.1, 0.2, 0.9], [1.0, 1.0, 1.0, 1.0]])
    phi = np.array([[3.1, 3.1, -3.1, 3.1], [0.0] * 4, [0.5] * 4])
    tops = HadronicTops(np.array([1, 1, 3]), eta, phi)
    event = np.array([0, 1, 1, 1, 2, 3, 4])
    axis = np.array(
        [[0, 3.1], [0.0, -math.pi], [0.2, 0.0], [0.0, 0.0], [1, 0.5], [1.0, 1.2], [1, 0.5]]
    )
    assert contain_a_top(tops, event, axis, 0.8).tolist() == [
        *(False, True, True, False),
        *(False, True, False),
    ]
    assert contain_a_top(tops, event[:0], axis[:0], 0.8).tolist() == []
