"""Comparison of scores where one sees nothing, or nothing is resolved."""

from pathlib import Path

import numpy as np
import pytest
from fake_channels import FakeChannels, events

from hepdensity.studies.darkmachines.evaluation.comparison import comparison
from hepdensity.studies.darkmachines.evaluation.summary import summary

SIZES = {"train": 5, "validation": 5, "test": 1500, "a": 30, "b": 30}


def fake(folder: Path, test: int = 1500) -> FakeChannels:
    channels, random = FakeChannels(folder), np.random.default_rng(1)
    channels.add_inputs("1-max4", {name: events(random, n, 4) for name, n in SIZES.items()}, 4)
    channels.signals["1"] = {"a": "final", "b": "final"}
    background = random.normal(size=test)
    for model, shift in (("blind", -20.0), ("seeing", 3.0)):
        log_p = {"test": -background, **{s: -random.normal(shift, size=30) for s in "ab"}}
        channels.add_run("1-max4", model, log_p)
    return channels


def test_a_score_that_sees_nothing(tmp_path: Path) -> None:
    channels = fake(tmp_path)
    settings = channels.settings(compare=[["seeing", "blind"], ["blind", "seeing"]])
    first, second = comparison(channels.files, settings)
    assert first["ratio_of_medians"] == np.inf
    assert second["ratio_of_medians"] == 0.0
    assert 0 < second["ratio_of_geometric_means"] < 1
    blind = next(row for row in summary(channels.files, settings) if row["model"] == "blind")
    assert blind["median"] == 0.0
    assert blind["geometric_mean"] == pytest.approx(0.5 / 30 / 0.1)
    assert first["way_to_ceiling"] is None


def test_nothing_is_claimed_that_is_not_resolved(tmp_path: Path) -> None:
    channels = fake(tmp_path, test=900)
    settings = channels.settings(compare=[["seeing", "blind"]])
    (row,) = comparison(channels.files, settings)
    assert row["ratio_of_medians"] is None
    assert all(
        one[name] is None
        for one in summary(channels.files, settings)
        for name in ("median", "geometric_mean", "median_auc", "fraction_of_ceiling")
    )
