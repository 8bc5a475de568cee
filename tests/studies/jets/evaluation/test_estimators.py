"""Trainings of the study of jets in the columns of all studies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hepdensity.evaluation.scores import Scores, write_group_scores
from hepdensity.files import write_json, write_table
from hepdensity.studies.jets.evaluation.estimators import estimators

NAME = {"n_train": 10, "seed": 1}
SUMMARY = {"steps": 3, "train_seconds": 0.5, "parameters": 9}


def run_of(dataset: str, model: str, kind: str, **told: Any) -> dict[str, Any]:
    return {"study": "jets", "dataset": dataset, "model": model, "kind": kind, **NAME, **told}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Tables of one density, scores of one of leading constituents, odds of a classifier."""
    likelihood = {
        **{"dataset": "qcd", "model": "d", **NAME, "nll": 4.0, "nll_error": 0.5},
        **{"probe_rms": 0.2, "ms_per_jet": 3.0, **SUMMARY},
    }
    table1 = [
        {"trained_on": "qcd", "model": "d", **NAME, "signal": name, "auc": auc, "max_sic": 2.0}
        for name, auc in (("top", 0.7), ("zprime", 0.5))
    ]
    write_table(tmp_path / "likelihood.csv", [likelihood])
    write_table(tmp_path / "table1.csv", table1)
    scores = tmp_path / "qcd-leading6" / "flow" / "n10" / "seed1" / "all.h5"
    groups = {"test": [1.0, 2.0, np.nan], "top": [-1.0, 1.5, np.nan, -2.0]}
    told = {"exact": True, "ms_per_event": 0.25}
    arrays = {k: Scores({"log_likelihood_tight": np.array(v)}, told) for k, v in groups.items()}
    write_group_scores(scores, arrays, {})
    odds = {"qcd": [0.0, 1.0], "top": [0.5, 2.0]}
    arrays = {k: Scores({"log_odds": np.array(v)}, {}) for k, v in odds.items()}
    write_group_scores(tmp_path / "c.h5", arrays, {})
    write_json(tmp_path / "t.json", SUMMARY)
    return {
        "likelihood": tmp_path / "likelihood.csv",
        "table1": tmp_path / "table1.csv",
        "scores": [scores],
        "summaries": [tmp_path / "t.json"],
        "classifiers": [tmp_path / "c.h5"],
        "classifier_summaries": [tmp_path / "t.json"],
    }


def test_rows(files: dict[str, Any]) -> None:
    settings = {
        "runs": [run_of("qcd", "d", "diffusion")],
        "leading": [run_of("qcd-leading6", "flow", "dropout", signal="top")],
        "classifiers": [run_of("qcd-vs-top", "c", "set-classifier")],
    }
    density, leading, classifier = estimators(files, settings)
    assert (density["log_likelihood"], density["log_likelihood_error"]) == (-4.0, 0.5)
    assert (density["exact"], density["auc"], density["auc_of"]) == (False, 0.7, "top (eq. 7)")
    assert (density["max_si"], density["max_si_of"]) == (2.0, "top (eq. 7)")
    assert density["score_ms_per_event"] == 3.0

    assert leading["log_likelihood"] == pytest.approx(1.5)
    # More anomalous than the test jet of 1.0 are -1, -2 and the one without a value, than that of
    # 2.0 all four; the test jet without a value ties with one of them.
    assert leading["auc"] == pytest.approx((3 + 4 + 0.5) / 12)
    assert (leading["auc_of"], leading["exact"]) == ("top (-log p)", True)

    assert classifier["log_likelihood"] is None and classifier["exact"] is None
    assert (classifier["auc"], classifier["auc_of"]) == (0.75, "top against qcd")


def test_leading_constituents_without_another_process(files: dict[str, Any]) -> None:
    leading = [run_of("qcd-leading6", "flow", "dropout", signal=None)]
    settings = {"runs": [], "classifiers": [], "leading": leading}
    files = {**files, "classifiers": [], "classifier_summaries": []}
    (row,) = estimators(files, settings)
    assert (row["auc"], row["auc_of"]) == (None, None)
