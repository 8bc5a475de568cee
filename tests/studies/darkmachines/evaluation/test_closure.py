"""Closure of leptons and photons: the detector follows its card, and the measures are right."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hepdensity.physics.detector.card import ATLAS, Efficiency
from hepdensity.studies.darkmachines.evaluation.closure import (
    ETA_EDGES,
    PT_EDGES,
    bins,
    expected_half_width,
    half_width,
    lepton_and_photon_rows,
    rate,
)

BINS = (len(ETA_EDGES) - 1) * (len(PT_EDGES) - 1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return lepton_and_photon_rows(ATLAS, events=25_000, seed=1)


@pytest.mark.parametrize("name", ["electron", "muon", "photon"])
@pytest.mark.parametrize("quantity", ["efficiency", "resolution"])
def test_the_detector_follows_its_card(
    rows: list[dict[str, Any]], name: str, quantity: str
) -> None:
    found = [row for row in rows if (row["object"], row["quantity"]) == (name, quantity)]
    assert len(found) == BINS
    pulls = np.array([(row["value"] - row["expected"]) / row["error"] for row in found])
    assert np.abs(pulls).max() < 4
    # Chi squared of 27 bins.
    assert (pulls**2).sum() < 27 + 4 * np.sqrt(2 * 27)


def test_electrons_lose_to_the_excess_in_their_towers(rows: list[dict[str, Any]]) -> None:
    """Above some 300 GeV, tracks are so coarse that the calorimeter often sees much more."""
    values = {
        quantity: [r["value"] for r in rows if r["quantity"] == quantity and r["pt_low"] > 300]
        for quantity in ("efficiency in all", "efficiency")
    }
    electrons = values["efficiency"][: len(values["efficiency in all"])]
    lost = 1 - np.array(values["efficiency in all"]) / np.array(electrons)
    assert (lost > 0.05).all()
    assert (lost < 0.3).all()


def test_a_wrong_detector_is_noticed() -> None:
    worse = replace(ATLAS, muon=Efficiency((10.0,), (1.5, 2.7), ((0.90, 0.80),)))
    found = lepton_and_photon_rows(worse, events=9000, seed=1)
    muons = [r for r in found if (r["object"], r["quantity"]) == ("muon", "efficiency")]
    right = [(0.9405 if row["eta_high"] <= 1.5 else 0.833) for row in muons if row["pt_low"] >= 25]
    values = [row["value"] for row in muons if row["pt_low"] >= 25]
    assert np.mean(values) < np.mean(right) - 0.03


def test_bins() -> None:
    pt = np.array([15.0, 15.1, 25.0, 25.1, 2000.0, 30.0])
    eta = np.array([0.1, -0.2, 0.5, -0.6, 0.1, 2.6])
    found = {
        (row["eta_low"], row["pt_low"]): inside.tolist() for row, inside in bins(pt, eta, ETA_EDGES)
    }
    assert len(found) == BINS
    assert {key: value for key, value in found.items() if value} == {
        (0.0, 15.0): [1, 2],
        (0.5, 25.0): [3],
    }


def test_rate() -> None:
    passed = np.array([True, True, True, False])
    measured = rate(passed, np.array([0.8, 0.9, 0.8, 0.9]))
    assert measured["n"] == 4
    assert measured["value"] == 0.75
    assert measured["expected"] == pytest.approx(0.85)
    assert measured["error"] == pytest.approx(np.sqrt(0.7 * 0.3 / 4))
    assert rate(np.ones(9, bool), np.ones(9))["error"] > 0


def test_half_width_and_its_error() -> None:
    rng = np.random.default_rng(1)
    measured = np.array([half_width(rng.normal(5.0, 2.0, 2000)) for _ in range(300)])
    assert measured[:, 0].mean() == pytest.approx(2.0, rel=0.005)
    assert measured[:, 1].mean() == pytest.approx(measured[:, 0].std(), rel=0.2)


def test_expected_half_width() -> None:
    assert expected_half_width(np.full(10, 0.1)) == pytest.approx(np.sqrt(np.log(1.01)), rel=2e-4)
    mixture = np.array([0.05, 0.2])
    b = np.sqrt(np.log1p(mixture**2))
    rng = np.random.default_rng(2)
    sample = rng.normal(-(b**2) / 2, b, (200_000, 2)).ravel()
    value, error = half_width(sample)
    assert expected_half_width(mixture) == pytest.approx(value, abs=4 * error)
