"""The figure of learned against known ratios."""

from pathlib import Path

import pytest
from fake_jets import known_world, legend_of

from hepdensity.studies.jets.plotting.known_truth import known_truth


def test_panels(tmp_path: Path) -> None:
    files, settings = known_world(tmp_path, noise=1.0)
    figure, rows = known_truth(files, {**settings, "preset": "smoke"})
    upper, lower = figure.axes
    assert len(upper.lines) == 4
    names = legend_of(lower)
    assert names == ["calibrated", "jet and particles", "particles"]
    assert "[nats]" in lower.get_xlabel()
    assert len(rows) == 3
    assert lower.get_xlim() == pytest.approx(lower.lines[-1].get_xdata())
