"""Rows of the table behind figure 5."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_samples import CONSTANTS, flat_angles, write_columns

from hepdensity.evaluation.runs import EvaluatedRun
from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.files import write_json
from hepdensity.physics.events import SampleYield
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.evaluation.likelihood_table import (
    likelihood_rows,
    log_likelihood_table,
)

COLUMNS = [
    *("model", "n_train", "seed", "log_likelihood", "log_likelihood_error"),
    *("log_likelihood_exact", "log_likelihood_exact_error", "exact", "draws"),
    *("log_likelihood_truth", "log_likelihood_truth_error", "kl_to_truth", "kl_to_truth_error"),
    "not_finite",
    *("unphysical_fraction", "steps", "ended_by", "train_seconds", "parameters"),
]
SUMMARY = {"steps": 10, "ended_by": "steps", "train_seconds": 1.5, "parameters": 7, "device": "cpu"}


def evaluated(model: str, **arrays: np.ndarray) -> EvaluatedRun:
    run = {"model": model, "n_train": 100, "seed": 1, "kind": "flow"}
    return EvaluatedRun(run, Scores(arrays, {"exact": True}), SUMMARY, (SampleYield(8, 6),))


@pytest.fixture
def runs() -> list[EvaluatedRun]:
    return [
        evaluated(
            "none",
            log_likelihood=np.array([0.0, 1.0, 2.0]),
            log_likelihood_tight=np.array([0.0, 1.0, 2.0]),
            log_likelihood_symmetrised=np.array([0.5, 1.5, 2.5]),
        ),
        evaluated(
            "sort",
            log_likelihood=np.array([0.0, 0.0, 0.3]),
            log_likelihood_tight=np.array([1.0, 1.1, 1.2]),
        ),
    ]


def test_columns_and_rows_are_those_of_the_specification(runs: list[EvaluatedRun]) -> None:
    truth = Scores({"log_prob": np.array([2.0, 2.0, 2.0])}, {})
    rows = likelihood_rows(runs, truth)
    assert [row["model"] for row in rows] == ["none", "none-symmetrised", "sort"]
    assert all(list(row) == COLUMNS for row in rows)
    assert [row["kl_to_truth"] for row in rows] == pytest.approx([1.0, 0.5, 0.9])
    assert [row["log_likelihood"] for row in rows] == pytest.approx([1.0, 1.5, 0.1])
    assert rows[0]["kl_to_truth_error"] == pytest.approx(1 / np.sqrt(3))
    assert {row["unphysical_fraction"] for row in rows} == {0.25}
    assert {(row["exact"], row["draws"]) for row in rows} == {(True, None)}


def test_all_values_of_a_bound_are_of_the_events_that_have_one() -> None:
    """A model of kind `own` may have no exact value; its bound is for the first events only."""
    arrays = {
        "log_likelihood": np.array([-1.0, -2.0, -3.0, 50.0]),
        "log_likelihood_tight": np.array([0.0, 1.0, 2.0]),
    }
    run = evaluated("mine", **arrays)
    bound = EvaluatedRun(
        run.run, Scores(arrays, {"exact": False, "draws": [1, 4, 16]}), SUMMARY, run.samples
    )
    truth = Scores({"log_prob": np.array([3.0, 3.0, 3.0, 99.0])}, {})
    (row,) = likelihood_rows([bound], truth)
    assert list(row) == COLUMNS
    assert (row["exact"], row["draws"]) == (False, 16)
    assert (row["log_likelihood"], row["log_likelihood_exact"]) == (-2.0, 1.0)
    assert (row["log_likelihood_truth"], row["kl_to_truth"]) == (3.0, 2.0)
    assert row["kl_to_truth_error"] == pytest.approx(1 / np.sqrt(3))


def test_table_of_the_rule(tmp_path: Path, runs: list[EvaluatedRun]) -> None:
    files: dict[str, Any] = {"scores": [], "summaries": [], "samples": []}
    for number, run in enumerate(runs):
        paths = {name: tmp_path / f"{name}{number}" for name in files}
        write_scores(paths["scores"], run.scores, {})
        write_json(paths["summaries"], run.summary)
        rows = np.full((8, 8), 0.5)
        rows[:6] = flat_angles(6, 1)
        write_columns(paths["samples"], rows, 8, layouts.angles(CONSTANTS))
        for name, path in paths.items():
            files[name].append(path)
    settings = {"runs": [run.run for run in runs]}
    assert log_likelihood_table(files, settings) == likelihood_rows(runs, None)
    truth = Scores({"log_prob": np.full(3, 2.0)}, {})
    write_scores(tmp_path / "truth.h5", truth, {})
    files["truth"] = tmp_path / "truth.h5"
    assert log_likelihood_table(files, settings) == likelihood_rows(runs, truth)


def test_without_truth_its_columns_are_empty(runs: list[EvaluatedRun]) -> None:
    for row in likelihood_rows(runs, None):
        assert row["log_likelihood_truth"] is None
        assert row["kl_to_truth"] is None
        assert row["kl_to_truth_error"] is None
        assert row["log_likelihood_exact"] is not None


def test_events_without_a_density_are_counted() -> None:
    one_draw = np.array([0.0, -np.inf, 2.0, 3.0])
    run = evaluated("sort", log_likelihood=one_draw, log_likelihood_tight=np.array([-np.inf] * 4))
    truth = Scores({"log_prob": np.full(4, 2.0)}, {})
    (row,) = likelihood_rows([run], truth)
    assert row["not_finite"] == 4
    assert row["log_likelihood"] == row["log_likelihood_exact"] == -np.inf
    assert row["kl_to_truth"] == np.inf
    assert np.isnan(row["kl_to_truth_error"])
    run = evaluated("sort", log_likelihood=one_draw, log_likelihood_tight=np.zeros(4))
    assert likelihood_rows([run], truth)[0]["not_finite"] == 1
