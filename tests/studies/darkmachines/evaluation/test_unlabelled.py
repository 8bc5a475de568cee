"""Scores of unlabelled events."""

from pathlib import Path

import numpy as np
import pytest
from fake_channels import FakeChannels, events

from hepdensity.studies.darkmachines.evaluation.unlabelled import unlabelled_scores


def test_rows(tmp_path: Path) -> None:
    fake, random = FakeChannels(tmp_path), np.random.default_rng(1)
    groups = {name: events(random, n, 4) for name, n in (("validation", 1000), ("unlabelled", 3))}
    inputs = fake.add_inputs("1-max4", groups, 4)
    log_p = {"validation": -np.arange(1000.0), "unlabelled": np.array([5.0, -499.5, -np.inf])}
    fake.add_run("1-max4", "flow", log_p)
    files = {"inputs": inputs, "scores": fake.files["scores"][0]}
    rows = unlabelled_scores(files, {})
    assert [row["event_id"] for row in rows] == [0, 1, 2]
    assert [row["anomaly_score"] for row in rows] == [-5.0, 499.5, np.inf]
    assert [row["background_tail"] for row in rows] == pytest.approx([1.0, 0.5, 0.0], abs=1e-3)
