"""Jets of candidates against FastJet one event at a time."""

import fastjet
import numpy as np
import pytest

from hepdensity.physics.constituents import kinematics
from hepdensity.physics.jet_finding import JetFinding, find_jets, massless


def sprayed(counts: list[int], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(seed)
    n = sum(counts)
    pt, eta = numbers.exponential(10, n) + 0.1, numbers.uniform(-2, 2, n)
    return massless(pt, eta, numbers.uniform(-3.1, 3.1, n)), np.cumsum([0, *counts])


def test_jets_and_their_constituents() -> None:
    momentum, offsets = sprayed([60, 0, 30, 1])
    finding = JetFinding(radius=0.8, min_pt=15.0, min_candidate_pt=2.0)
    found = find_jets(momentum, offsets, finding)
    k = 0
    for i in range(4):
        rows = momentum[offsets[i] : offsets[i + 1]]
        rows = rows[np.hypot(rows[:, 0], rows[:, 1]) > 2]
        sequence = fastjet.ClusterSequence(
            [fastjet.PseudoJet(*row) for row in rows.tolist()],
            fastjet.JetDefinition(fastjet.antikt_algorithm, 0.8),
        )
        jets = fastjet.sorted_by_pt(sequence.inclusive_jets(15.0))
        for number, jet in enumerate(jets):
            assert (found.event[k], found.number[k]) == (i, number)
            expected = [jet.pt(), jet.eta(), jet.phi_std(), jet.m()]
            np.testing.assert_allclose(found.axis[k], expected, atol=1e-5)
            members = found.momentum[found.offsets[k] : found.offsets[k + 1]]
            pts = sorted(one.pt() for one in jet.constituents())
            np.testing.assert_allclose(sorted(np.hypot(members[:, 0], members[:, 1])), pts)
            summed = kinematics(members.sum(axis=0, keepdims=True))[0]
            np.testing.assert_allclose(summed, expected, atol=1e-5)
            k += 1
    assert k == len(found) > 5


def test_no_jets() -> None:
    found = find_jets(*sprayed([5, 3]), JetFinding(min_pt=1e4))
    assert len(found) == 0 and found.momentum.shape == (0, 4) and found.offsets.tolist() == [0]


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match="cannot find jets; radius and pT must be positive"):
        JetFinding(radius=0.0)
