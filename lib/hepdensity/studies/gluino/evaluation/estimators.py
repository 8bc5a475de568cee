"""Rows of `estimators.csv`: the trainings of the gluino study in the columns of all studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hepdensity.evaluation.estimates import mean_with_error
from hepdensity.evaluation.estimators import estimator_row
from hepdensity.evaluation.runs import read_runs
from hepdensity.evaluation.scores import TIGHT
from hepdensity.files import read_json


def estimators(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per training.

    The AUC is that of the two-sample test on the process with the most gluinos; 0.5 is perfect.

    Args:
        files: `scores`, `summaries` and `results`, the two-sample tests, of the trainings.
        settings: `runs` (the trainings).
    """
    runs = read_runs(settings["runs"], files["scores"], files["summaries"], files["results"])
    rows = []
    for one in runs:
        test = read_json(one.samples[0])["results"][0]
        rows.append(
            estimator_row(
                one.run,
                one.summary,
                log_likelihood=mean_with_error(one.scores.arrays[TIGHT]),
                exact=bool(one.scores.attributes["exact"]),
                auc=test["auc"],
                auc_of=f"samples against {test['process']} events",
                ms_per_event=one.ms_per_event,
            )
        )
    return rows
