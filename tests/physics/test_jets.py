"""Jets in batches against FastJet, one event at a time through its own interface."""

import fastjet
import numpy as np
import pytest

from hepdensity.physics.jagged import owners
from hepdensity.physics.jets import anti_kt


def constituents(seed: int, sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    pt, eta, phi = rng.exponential(15, n), rng.normal(0, 1.5, n), rng.uniform(-np.pi, np.pi, n)
    momentum = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta))
    return np.stack(momentum, axis=1), np.cumsum([0, *sizes])


@pytest.mark.parametrize("radius", [0.4, 0.6])
def test_same_jets_as_fastjet(radius: float) -> None:
    momentum, offsets = constituents(1, [120, 0, 3, 60, 0])
    found = anti_kt(momentum, offsets, radius, 20.0)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    for event in range(5):
        rows = momentum[offsets[event] : offsets[event + 1]]
        cluster = fastjet._swig.ClusterSequence(
            [fastjet.PseudoJet(*row) for row in rows.tolist()], definition
        )
        jets = fastjet.sorted_by_pt(cluster.inclusive_jets(20.0))
        expected = np.array([[j.px(), j.py(), j.pz(), j.E()] for j in jets]).reshape(-1, 4)
        mine = found.momentum[found.offsets[event] : found.offsets[event + 1]]
        np.testing.assert_allclose(mine, expected)
        assert (np.diff(np.hypot(mine[:, 0], mine[:, 1])) <= 0).all()


def test_jets_are_the_sums_of_their_constituents() -> None:
    momentum, offsets = constituents(2, [80, 0, 90])
    found = anti_kt(momentum, offsets, 0.4, 20.0)
    assert len(found.momentum) > 10
    for jet, total in enumerate(found.momentum):
        np.testing.assert_allclose(momentum[found.jet_of == jet].sum(axis=0), total)
        events = owners(offsets)[found.jet_of == jet]
        assert set(events) == {owners(found.offsets)[jet]}
    assert (found.jet_of == -1).any()


def test_no_jets_and_no_events() -> None:
    momentum, offsets = constituents(3, [4, 0])
    for rows, places in ((momentum, offsets), (momentum[:0], np.array([0]))):
        found = anti_kt(0.01 * rows, places, 0.4, 20.0)
        assert found.momentum.shape == (0, 4)
        assert found.offsets.tolist() == [0] * len(places)
        assert (found.jet_of == -1).all()
