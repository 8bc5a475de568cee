"""Trainings of the gluino study in the columns of all studies."""

from pathlib import Path

import numpy as np
import pytest

from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.files import write_json
from hepdensity.studies.gluino.evaluation.estimators import estimators


def test_rows(tmp_path: Path) -> None:
    values = np.array([1.0, 2.0, 3.0])
    scores, summary, result = (tmp_path / name for name in ("s.h5", "t.json", "r.json"))
    attributes = {"exact": False, "ms_per_event": 0.25}
    write_scores(scores, Scores({"log_likelihood_tight": values}, attributes), {})
    write_json(summary, {"steps": 3, "train_seconds": 0.5, "parameters": 9})
    tests = [{"process": "four_gluino", "auc": 0.6}, {"process": "two_gluino", "auc": 0.9}]
    write_json(result, {"results": tests})
    name = {"study": "gluino", "dataset": "labels", "model": "m", "kind": "argmax"}
    run = {**name, "n_train": 10, "seed": 1}
    files = {"scores": [scores], "summaries": [summary], "results": [result]}
    (row,) = estimators(files, {"runs": [run]})
    assert row["log_likelihood"] == pytest.approx(2.0)
    assert row["log_likelihood_error"] == pytest.approx(1 / np.sqrt(3))
    assert (row["exact"], row["auc"]) == (False, 0.6)
    assert row["auc_of"] == "samples against four_gluino events"
    assert (row["max_si"], row["score_ms_per_event"]) == (None, 0.25)
