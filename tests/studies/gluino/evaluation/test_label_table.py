"""Rows of the tables behind figure 10."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_samples import CONSTANTS, flat_angles, label_columns, write_columns

from hepdensity.evaluation.runs import EvaluatedRun
from hepdensity.evaluation.scores import Scores, read_scores, write_scores
from hepdensity.files import write_json
from hepdensity.physics.events import SampleYield
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.evaluation.label_table import (
    bound_rows,
    bound_table,
    label_rows,
    label_table,
)

COLUMNS = [
    *("model", "family", "permutation", "n_train", "seed"),
    *("log_likelihood", "log_likelihood_error"),
    *("log_likelihood_tight", "log_likelihood_tight_error", "exact", "draws"),
    *("log_likelihood_truth", "log_likelihood_truth_error", "kl_to_truth", "kl_to_truth_error"),
    "not_finite",
    *("invalid_fraction", "steps", "ended_by", "train_seconds", "parameters"),
]
SUMMARY = {"steps": 10, "ended_by": "steps", "train_seconds": 1.5, "parameters": 7, "device": "cpu"}
TRUTH = Scores({"log_prob": np.zeros(4), "log_prob_joint": np.array([1.0, 2.0, 3.0, 9.0])}, {})


def evaluated(model: str, permutation: str | None, scores: Scores) -> EvaluatedRun:
    family = "paper" if permutation else "ours"
    run = {"model": model, "n_train": 5, "seed": 1, "family": family, "permutation": permutation}
    return EvaluatedRun(run, scores, SUMMARY, (SampleYield(drawn=8, physical=5, invalid=2),))


@pytest.fixture
def exact() -> EvaluatedRun:
    arrays = {"log_likelihood": np.zeros(4), "log_likelihood_tight": np.array([0.0, 1.0, 2.0, 9.0])}
    return evaluated("phase-space-labels", None, Scores(arrays, {"exact": True}))


@pytest.fixture
def bound(tmp_path: Path) -> EvaluatedRun:
    curve = np.array([[-4.0, -2.0, 0.0], [-1.0, 0.0, 1.0]])
    arrays = {
        "log_likelihood": np.array([-4.0, -2.0, 0.0, 2.0]),
        "log_likelihood_curve": curve,
        "log_likelihood_tight": curve[-1],
    }
    # As they come back from a file, numpy scalars and arrays.
    write_scores(tmp_path / "s.h5", Scores(arrays, {"exact": False, "draws": [1, 4]}), {})
    return evaluated("argmax-flow-sort", "sort", read_scores(tmp_path / "s.h5"))


def test_columns_are_those_of_the_specification(exact: EvaluatedRun, bound: EvaluatedRun) -> None:
    rows = label_rows([exact, bound], TRUTH)
    assert all(list(row) == COLUMNS for row in rows)
    assert [row["exact"] for row in rows] == [True, False]
    assert [row["draws"] for row in rows] == [None, 4]
    assert [row["permutation"] for row in rows] == [None, "sort"]
    assert [row["invalid_fraction"] for row in rows] == [0.25, 0.25]


def test_all_values_of_a_row_are_of_the_events_of_the_tight_value(
    exact: EvaluatedRun, bound: EvaluatedRun
) -> None:
    rows = label_rows([exact, bound], TRUTH)
    assert [row["log_likelihood_truth"] for row in rows] == [3.75, 2.0]
    assert [row["log_likelihood_tight"] for row in rows] == [3.0, 0.0]
    assert [row["log_likelihood"] for row in rows] == [0.0, -2.0]
    assert [row["kl_to_truth"] for row in rows] == [0.75, 2.0]
    # Differences 1, 1, 1, 0, and 2, 2, 2: errors are paired.
    assert [row["kl_to_truth_error"] for row in rows] == [0.25, 0.0]


def test_tables_of_the_rules(tmp_path: Path, bound: EvaluatedRun) -> None:
    labels = label_columns(-np.ones((6, 6)), np.tile(np.arange(6), (6, 1)))
    angles = np.concatenate((flat_angles(5, 1), np.full((1, 8), 0.5)))
    rows = np.concatenate((angles, labels), axis=1)
    write_columns(tmp_path / "x.h5", rows, 8, layouts.labels(CONSTANTS))
    write_json(tmp_path / "t.json", SUMMARY)
    files: dict[str, Any] = {
        "scores": [tmp_path / "s.h5"],
        "summaries": [tmp_path / "t.json"],
        "samples": [tmp_path / "x.h5"],
    }
    settings = {"runs": [bound.run]}
    assert label_table(files, settings) == label_rows([bound], None)
    assert bound_table(files, settings) == bound_rows([bound], None)
    write_scores(tmp_path / "truth.h5", TRUTH, {})
    files["truth"] = tmp_path / "truth.h5"
    assert label_table(files, settings) == label_rows([bound], TRUTH)
    assert bound_table(files, settings) == bound_rows([bound], TRUTH)


@pytest.mark.parametrize(
    "truth", [None, Scores({"log_prob": np.zeros(4)}, {})], ids=["no truth", "no joint truth"]
)
def test_without_joint_truth_its_columns_are_empty(
    truth: Scores | None, exact: EvaluatedRun, bound: EvaluatedRun
) -> None:
    names = ("log_likelihood_truth", "log_likelihood_truth_error", "kl_to_truth")
    for row in (*label_rows([exact, bound], truth), *bound_rows([exact, bound], truth)):
        assert {row[name] for name in names} == {None}


def test_bounds_with_nested_draws(exact: EvaluatedRun, bound: EvaluatedRun) -> None:
    rows = bound_rows([bound, exact], TRUTH)
    assert [row["draws"] for row in rows] == [1, 4, None]
    assert [row["events"] for row in rows] == [3, 3, 4]
    assert [row["log_likelihood_bound"] for row in rows] == [-2.0, 0.0, 3.0]
    assert [row["kl_to_truth"] for row in rows] == [4.0, 2.0, 0.75]
    assert [row["upper_bound"] for row in rows] == [True, True, False]
    assert len({tuple(row) for row in rows}) == 1


def test_events_without_a_density_are_counted() -> None:
    curve = np.array([[-np.inf, -np.inf, 0.0], [-1.0, -np.inf, 1.0]])
    arrays = {
        "log_likelihood": np.array([-4.0, 0.0, 0.0, -np.inf]),
        "log_likelihood_curve": curve,
        "log_likelihood_tight": curve[-1],
    }
    run = evaluated("own", None, Scores(arrays, {"exact": False, "draws": [1, 4]}))
    assert [row["not_finite"] for row in bound_rows([run], TRUTH)] == [2, 1]
    (row,) = label_rows([run], TRUTH)
    # Only the first three events have a bound.
    assert row["not_finite"] == 1
    assert row["log_likelihood_tight"] == -np.inf
    assert row["kl_to_truth"] == np.inf
