"""Learned against known densities, where the answer is known: shifted and perfect models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_jets import KNOWN_SIZE as SIZE
from fake_jets import FakeJets, known_world, rows_of, true_log_densities
from sklearn.metrics import roc_auc_score

from hepdensity.studies.jets.evaluation.known_truth import known_truth_table


def by_part(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["part"]: row for row in rows}


def test_a_perfect_model(tmp_path: Path) -> None:
    files, settings = known_world(tmp_path)
    for row in known_truth_table(files, settings):
        assert row["kl_background"] == row["kl_signal"] == 0
        assert row["auc_gap"] == 0
        assert row["slope"] == pytest.approx(1)
        assert not row["above_truth"]
        assert row["rejection_true_30"] == row["rejection_learned_30"]


def test_an_offset_is_a_distance(tmp_path: Path) -> None:
    """Both models lie 0.3 nats below the truth: a distance, and no change of the ratio."""
    files, settings = known_world(tmp_path, offset=0.3)
    found = by_part(known_truth_table(files, settings))
    assert found["particles"]["kl_background"] == pytest.approx(0.3)
    assert found["particles"]["kl_background_error"] == pytest.approx(0, abs=1e-9)
    assert found["jet"]["kl_background"] == 0
    assert found["jet"]["kl_background_per_particle"] is None
    assert found["jet and particles"]["auc_gap"] == 0
    number = 0.3 * SIZE / (~np.isnan(rows_of(SIZE, 1)[:, 3::3])).sum()
    assert found["particles"]["kl_background_per_particle"] == pytest.approx(number)


def test_noise_makes_a_ratio_worse_and_miscalibrated(tmp_path: Path) -> None:
    files, settings = known_world(tmp_path, noise=2.0)
    row = by_part(known_truth_table(files, settings))["jet and particles"]
    assert row["auc_gap"] < -2 * row["auc_gap_error"] < 0
    assert row["auc_gap_low"] < row["auc_gap"] < row["auc_gap_high"]
    assert row["slope"] < 0.8
    assert not row["above_truth"]


def test_areas_and_rejections_by_other_means(tmp_path: Path) -> None:
    files, settings = known_world(tmp_path)
    row = by_part(known_truth_table(files, settings))["particles"]
    qcd, top = true_log_densities(0, 1.0), true_log_densities(1, 1.0)
    background = top["other"]["particles"] - qcd["test"]["particles"]
    signal = top["test"]["particles"] - qcd["other"]["particles"]
    labels = np.r_[np.zeros(SIZE), np.ones(SIZE)]
    assert row["auc_true"] == pytest.approx(roc_auc_score(labels, np.r_[background, signal]))
    passing = (background > np.quantile(signal, 0.5)).sum()
    assert row["rejection_true_50"] == pytest.approx(SIZE / passing)
    assert row["mean_ratio"] == pytest.approx(np.exp(background).mean())


def test_a_ratio_above_the_truth_is_flagged(tmp_path: Path) -> None:
    """The learned ratio knows the answer, which no density can."""
    files, settings = known_world(tmp_path)
    cheat = FakeJets(tmp_path / "cheat")
    cheat.folder.mkdir()
    for seed, (name, other) in enumerate((("qcd-known", "top"), ("top-known", "qcd"))):
        parts = {}
        for group in ("test", other):
            own = 3.0 if group == "test" else -3.0
            parts[group] = {
                "N": np.zeros(SIZE),
                "event": np.zeros(SIZE),
                "particles": own + np.random.default_rng(seed).normal(size=SIZE),
            }
        cheat.add_run(name, parts)
    files = {**files, "scores": cheat.files["scores"]}
    rows = known_truth_table(files, {**settings, "runs": cheat.runs})
    assert by_part(rows)["particles"]["above_truth"]


def test_a_learned_ratio_without_spread(tmp_path: Path) -> None:
    """Both learned densities are equal: there is no slope."""
    files, settings = known_world(tmp_path)
    same = FakeJets(tmp_path / "same")
    same.folder.mkdir()
    flat = {name: np.zeros(SIZE) for name in ("N", "event", "particles")}
    for name, other in (("qcd-known", "top"), ("top-known", "qcd")):
        same.add_run(name, {"test": flat, other: flat})
    rows = known_truth_table(
        {**files, "scores": same.files["scores"]}, {**settings, "runs": same.runs}
    )
    assert {row["slope"] for row in rows} == {None}
    assert {row["auc_learned"] for row in rows} == {0.5}
