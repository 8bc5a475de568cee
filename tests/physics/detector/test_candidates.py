"""Candidates: isolation and identification by hand."""

from dataclasses import replace

import numpy as np
import pytest

from hepdensity.physics.detector.candidates import (
    Flow,
    electrons,
    muons,
    photons,
    surrounding_pt,
)
from hepdensity.physics.detector.card import ATLAS, Efficiency
from hepdensity.physics.detector.random import Randoms
from hepdensity.physics.detector.species import ELECTRON, HADRON, INVISIBLE, MUON

ALWAYS = Efficiency((0.0,), (2.5,), ((1.0,),))
CERTAIN = replace(ATLAS, photon=ALWAYS, electron=ALWAYS, muon=ALWAYS)
KINDS = {11: ELECTRON, -11: ELECTRON, 13: MUON, -13: MUON, 211: HADRON, 22: INVISIBLE, 0: INVISIBLE}


def flow_of(*events: list[tuple[int, float, float, float]]) -> Flow:
    """Candidates from rows (code, pT, eta, phi)."""
    rows = np.array([row for event in events for row in event])
    code = rows[:, 0].astype(np.int32)
    return Flow(
        offsets=np.cumsum([0, *map(len, events)]),
        pt=rows[:, 1],
        eta=rows[:, 2],
        phi=rows[:, 3],
        kind=np.array([KINDS[one] for one in code.tolist()], np.int8),
        code=code,
        charge=np.where(code == 11, -1, 1).astype(np.int8),
        source=np.arange(len(rows)),
    )


RING = flow_of(
    [
        (13, 50.0, 0.0, 3.1),
        (211, 3.0, 0.3, 3.1),  # counts
        (22, 4.0, 0.0, -3.1),  # counts: 0.083 away across the seam
        (0, 0.5, 0.0, 3.0),  # too soft
        (0, 0.6, 0.4, 3.1),  # counts
        (11, 20.0, 0.1, 3.1),  # an electron does not count
        (-13, 20.0, 0.1, 3.1),  # nor does a muon
        (211, 9.0, 0.51, 3.1),  # too far
        (211, 9.0, 0.3, 2.68),  # too far: 0.516
    ],
    [(211, 30.0, 0.0, 3.1), (13, 10.0, 0.0, 3.1)],
)


def test_surrounding_pt() -> None:
    around = surrounding_pt(RING, np.array([0, 1, 10]), ATLAS.isolation)
    np.testing.assert_allclose(around, [7.6, 4.0 + 0.6 + 9.0 + 9.0, 30.0])


def randoms(flow: Flow, seed: int = 1) -> Randoms:
    return Randoms(seed, np.arange(len(flow.offsets) - 1))


@pytest.mark.parametrize(
    ("code", "find", "largest"),
    [(11, electrons, 0.12), (-11, electrons, 0.12), (13, muons, 0.25), (22, photons, 0.12)],
)
def test_isolation(code: int, find: object, largest: float) -> None:
    """The largest allowed sum still passes."""
    below, above = ([(code, 100.0, 0.0, 0.0), (211, 100 * largest + d, 0.1, 0.1)] for d in (0, 0.1))
    flow = flow_of(below, above)
    if find is photons:
        found = photons(flow, randoms(flow), CERTAIN)
    else:
        found = find(flow, flow.eta, randoms(flow), CERTAIN)  # type: ignore[operator]
    assert found.tolist() == [0]


def test_photon_is_not_isolated_from_other_photons() -> None:
    flow = flow_of([(22, 50.0, 0.0, 0.0), (22, 40.0, 0.1, 0.0)], [(22, 50.0, 0.0, 0.0)])
    assert photons(flow, randoms(flow), CERTAIN).tolist() == [2]


def test_only_energy_of_the_electromagnetic_calorimeter_makes_photons() -> None:
    flow = flow_of([(0, 50.0, 0.0, 0.0), (211, 40.0, 2.0, 0.0), (11, 40.0, -2.0, 0.0)])
    assert len(photons(flow, randoms(flow), CERTAIN)) == 0


def test_identification_efficiency() -> None:
    n = 4000
    flow = flow_of(*([(code, 50.0, eta, 0.0)] for code, eta in [(11, 1.0), (13, 2.0)] * n))
    for found, expected in (
        (electrons(flow, flow.eta, randoms(flow), ATLAS), 0.95),
        (muons(flow, flow.eta, randoms(flow), ATLAS), 0.85),
    ):
        spread = np.sqrt(expected * (1 - expected) / n)
        assert len(found) / n == pytest.approx(expected, abs=4 * spread)


def test_efficiency_of_leptons_takes_the_pseudorapidity_at_the_calorimeter() -> None:
    flow = flow_of([(13, 50.0, 2.4, 0.0)], [(11, 50.0, 2.4, 0.0)])
    beyond = np.full(2, 2.6)
    assert len(muons(flow, beyond, randoms(flow), CERTAIN)) == 0
    assert len(electrons(flow, beyond, randoms(flow), CERTAIN)) == 0


def test_momenta_of_candidates() -> None:
    eflow = flow_of([(211, 3.0, 0.7, 2.0)]).eflow()
    expected = [3 * np.cos(2.0), 3 * np.sin(2.0), 3 * np.sinh(0.7), 3 * np.cosh(0.7)]
    found = [values[0] for values in (eflow.px, eflow.py, eflow.pz, eflow.energy)]
    np.testing.assert_allclose(found, expected)
    assert (eflow.charge[0], eflow.code[0]) == (1, 211)
