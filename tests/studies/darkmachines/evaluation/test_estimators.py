"""Trainings of the Dark Machines study in the columns of all studies."""

from pathlib import Path
from typing import Any

import pytest

from hepdensity.files import write_table
from hepdensity.studies.darkmachines.evaluation.estimators import estimators

RUN = {"study": "darkmachines", "model": "flow", "kind": "filled", "n_train": 10, "seed": 2}


def score(signal: str, role: str, auc: float, max_si: float | None, **told: Any) -> dict[str, Any]:
    return {
        **{"dataset": "2b-max8", "model": "flow", "n_train": 10, "seed": 2},
        **{"signal": signal, "signal_role": role, "auc": auc, "max_si_resolved": max_si},
        **told,
    }


def rows_of(folder: Path, scores: list[dict[str, Any]], dataset: str) -> list[dict[str, Any]]:
    likelihood = {
        **{"dataset": dataset, "model": "flow", "n_train": 10, "seed": 2, "exact": True},
        **{"log_likelihood_tight": -3.0, "log_likelihood_tight_error": 0.5},
        **{"steps": 3, "train_seconds": 0.5, "parameters": 9, "score_ms_per_event": 0.1},
    }
    write_table(folder / "l.csv", [likelihood])
    write_table(folder / "s.csv", scores)
    files = {"log_likelihood": folder / "l.csv", "scores": folder / "s.csv"}
    return estimators(files, {"runs": [{**RUN, "dataset": dataset}]})


SCORES = [
    score("a", "final", 0.6, 2.0),
    score("b", "final", 0.8, 3.0),
    score("c", "final", 0.9, 9.0),
    score("d", "tuning", 0.1, 0.1),
    score("e", "final", 0.0, 0.0, seed=1),
    score("e", "final", 0.0, 0.0, model="met", n_train=None),
]


@pytest.mark.parametrize("dataset", ["2b-max8", "2b-max8-fold1of3"])
def test_medians_over_final_signals(tmp_path: Path, dataset: str) -> None:
    (row,) = rows_of(tmp_path, SCORES, dataset)
    assert (row["dataset"], row["log_likelihood"], row["log_likelihood_error"]) == (
        dataset,
        -3.0,
        0.5,
    )
    assert (row["auc"], row["max_si"]) == (0.8, 3.0)
    assert row["auc_of"] == row["max_si_of"] == "3 signals (median)"
    assert (row["exact"], row["score_ms_per_event"], row["steps"]) == (True, 0.1, 3)


def test_signal_that_no_working_point_resolves(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, [SCORES[0], score("b", "final", 0.7, None)], "2b-max8")
    assert row["auc"] == pytest.approx(0.65)
    assert (row["max_si"], row["max_si_of"]) == (None, None)
