"""Figure of the closure: its panels, and that it draws what is in its rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from hepdensity.plotting.style import save_figure
from hepdensity.studies.darkmachines.plotting.closure import closure_figure, detector_closure

SETTINGS = {"particles": 4000, "events": 150, "seed": 1, "jet_radius": 0.6}


@pytest.fixture(scope="module")
def drawn() -> tuple[Figure, list[dict[str, Any]]]:
    return detector_closure({}, SETTINGS)


def test_figure(drawn: tuple[Figure, list[dict[str, Any]]], tmp_path: Path) -> None:
    figure, rows = drawn
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles == ["electrons", "muons", "photons", "jets"]
    assert len(figure.axes) == 16
    quantities = {row["quantity"] for row in rows}
    assert quantities == {
        *("efficiency", "efficiency in all", "resolution"),
        *("response", "raw response", "b-tag"),
    }
    save_figure(figure, tmp_path / "f.pdf", tmp_path / "f.png")


def test_settings_decide(drawn: tuple[Figure, list[dict[str, Any]]]) -> None:
    rows = drawn[1]
    assert detector_closure({}, SETTINGS)[1] == rows
    narrow = detector_closure({}, {**SETTINGS, "jet_radius": 0.4})[1]
    changed = {row["object"] for row, other in zip(rows, narrow, strict=False) if row != other}
    assert "jet" in changed
    assert "muon" not in changed


def test_points_are_the_rows(drawn: tuple[Figure, list[dict[str, Any]]]) -> None:
    rows = drawn[1]
    figure = closure_figure(rows)
    muons = [
        row
        for row in rows
        if (row["object"], row["quantity"], row["eta_low"]) == ("muon", "efficiency", 0.5)
    ]
    containers: list[Any] = [figure.axes[place].containers[1] for place in (1, 5)]
    main, ratio = (container.lines[0] for container in containers)
    values = np.array([row["value"] for row in muons])
    np.testing.assert_allclose(main.get_ydata(), values)
    np.testing.assert_allclose(ratio.get_ydata(), values / [row["expected"] for row in muons])
    centres = [np.sqrt(row["pt_low"] * row["pt_high"]) for row in muons]
    np.testing.assert_allclose(main.get_xdata(), centres)
