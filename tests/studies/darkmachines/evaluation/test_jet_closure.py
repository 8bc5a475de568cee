"""Closure of jets: b-tag rates follow the card, and the energy scale repairs the response."""

from typing import Any

import numpy as np
import pytest
from particle_events import particles_of

from hepdensity.physics.detector.card import ATLAS
from hepdensity.studies.darkmachines.evaluation.jet_closure import dijets, jet_rows


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return jet_rows(dijets(1500, seed=1), ATLAS, seed=1)


def of(rows: list[dict[str, Any]], name: str, quantity: str) -> list[dict[str, Any]]:
    return [row for row in rows if (row["object"], row["quantity"]) == (name, quantity)]


@pytest.mark.parametrize("name", ["b jet", "c jet", "light jet"])
def test_b_tag_rates(rows: list[dict[str, Any]], name: str) -> None:
    found = of(rows, name, "b-tag")
    assert len(found) > 5
    n = np.array([row["n"] for row in found])
    expected = np.array([row["expected"] for row in found])
    tagged = n @ np.array([row["value"] for row in found])
    spread = np.sqrt(n @ (expected * (1 - expected)))
    assert tagged == pytest.approx(n @ expected, abs=4 * spread)


def test_response(rows: list[dict[str, Any]]) -> None:
    """Towers below threshold are lost; the energy scale of the card makes up for them."""
    for response, raw in zip(
        of(rows, "jet", "response"), of(rows, "jet", "raw response"), strict=True
    ):
        assert raw["value"] < response["value"]
        assert response["value"] == pytest.approx(1, abs=0.07 + 4 * response["error"])
    assert min(row["value"] for row in of(rows, "jet", "raw response")) < 0.93


def test_resolution_improves_with_pt(rows: list[dict[str, Any]]) -> None:
    found = [row for row in of(rows, "jet", "resolution") if row["eta_low"] == 0]
    assert found[0]["value"] > found[-1]["value"] + 4 * (found[0]["error"] + found[-1]["error"])


def test_jets_are_matched_to_the_nearest_within_reach() -> None:
    """Hadrons alone: each is a jet of particles; a muon and a neutrino in it count in neither."""
    event = [
        *((130, 300.0, 0.0, 0.0), (13, 50.0, 0.05, 0.0), (12, 50.0, 0.05, 0.0)),
        (130, 300.0, 1.0, 1.5),
        (130, 300.0, -1.0, 3.1),
    ]
    found = jet_rows([particles_of([event] * 20), particles_of([[]])], ATLAS, seed=1)
    (response,) = [r for r in of(found, "jet", "response") if r["eta_low"] == 0.8]
    assert response["n"] == 40
    assert response["value"] == pytest.approx(1, abs=0.05)
    light = of(found, "light jet", "b-tag")
    assert light == []  # there are no partons
