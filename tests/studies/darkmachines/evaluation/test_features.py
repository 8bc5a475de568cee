"""Features of events for classifiers."""

from dataclasses import replace

import numpy as np
import pytest

from hepdensity.physics.objects import ANTIMUON, B_JET, JET, LABELS, MUON
from hepdensity.studies.darkmachines.evaluation.features import OBJECTS, Scaler, features_of
from hepdensity.studies.darkmachines.evaluation.objects import Objects

EVENT = 17
"""Number of features that are not of an object."""


def event(*objects: tuple[int, float, float, float], met: float = 80.0) -> Objects:
    """One event of massless objects (type, pT, eta, phi); MET points to azimuth 1."""
    table = np.array([*objects, *[(0, 0.0, 0.0, 0.0)] * (4 - len(objects))])
    kind, pt, eta, phi = table.T[:, None]
    return Objects(
        np.array([met]), np.array([1.0]), kind.astype(np.int8), pt, pt * np.cosh(eta), eta, phi
    )


def test_by_hand() -> None:
    """Two jets back to back, and two muons back to back, along and across the missing momentum."""
    jets = ((JET, 100.0, 0.0, 1.5), (B_JET, 100.0, 0.0, 1.5 - np.pi))
    muons = ((MUON, 40.0, 0.0, 1.0 + np.pi), (ANTIMUON, 30.0, 0.0, 1.0))
    found = features_of(event(*jets, *muons))[0]
    assert len(found) == EVENT + OBJECTS * (3 + len(LABELS))
    assert np.exp(found[:3]) == pytest.approx([80, 200, 350], rel=1e-5)
    assert found[3:11].tolist() == [1, 1, 0, 0, 1, 1, 0, 4]
    masses = np.exp(found[11:15])
    assert masses[1:] == pytest.approx([200, 200, 2 * np.sqrt(40 * 30)], rel=1e-5)
    assert masses[0] == pytest.approx(np.sqrt(270**2 - 10**2), rel=1e-5)
    assert np.exp(found[15]) == pytest.approx(2 * np.sqrt(40 * 80), rel=1e-5)
    assert found[16] == pytest.approx(0.5, rel=1e-5)
    first = found[EVENT : EVENT + 10]
    assert first[:3] == pytest.approx([np.log(100), 0.0, 0.5], rel=1e-5)
    assert first[3:].tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_what_has_no_meaning_is_nan() -> None:
    found = features_of(event((JET, 100.0, 0.3, 0.0)))[0]
    assert np.isnan(found[11:16]).all()
    assert found[16] == pytest.approx(1.0)
    assert np.isnan(found[EVENT + 10 : EVENT + 13]).all()
    assert (found[EVENT + 13 : EVENT + 20] == 0).all()


def test_features_do_not_depend_on_the_frame() -> None:
    """Rotated around the beam, or mirrored along or across it, an event is the same."""
    one = event((JET, 120.0, 0.7, 2.5), (B_JET, 60.0, -1.1, -0.4), (MUON, 25.0, 0.2, 0.3))
    expected = features_of(one)
    absent = one.type == 0
    turned = replace(one, phi=np.where(absent, 0, one.phi + 2.0), met_phi=one.met_phi + 2.0)
    mirrored = replace(one, eta=-one.eta)
    across = replace(one, phi=-one.phi, met_phi=-one.met_phi)
    for other in (turned, mirrored, across):
        assert np.allclose(features_of(other), expected, equal_nan=True, atol=1e-6)


def test_scaler_standardises_what_is_known() -> None:
    table = np.array([[1.0, np.nan, 5.0], [3.0, 2.0, 5.0], [5.0, 6.0, 5.0], [np.nan, 4.0, 5.0]])
    scaled = Scaler(table)(table)
    assert scaled[:, 0] == pytest.approx([-1.2247, 0, 1.2247, 0], abs=1e-3)
    assert scaled[0, 1] == 0
    assert (scaled[:, 2] == 0).all()
    assert Scaler(np.full((3, 1), np.nan))(np.full((2, 1), 7.0)) == pytest.approx(7.0)
