"""Rows of `estimators.csv`: the trainings of this study in the columns of all studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from hepdensity.evaluation.estimates import Estimate
from hepdensity.evaluation.estimators import estimator_row
from hepdensity.evaluation.scores import Place, place_of_run
from hepdensity.files import read_table
from hepdensity.studies.darkmachines.layouts import without_fold

Row = Mapping[str, Any]

FINAL = "final"


def estimators(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per training.

    AUC and Max SI (over the resolved working points) are medians over the final signals.

    Args:
        files: `log_likelihood` and `scores`, the tables `log_likelihood` and
            `darkmachines_scores`.
        settings: `runs` (the trainings).
    """
    likelihoods = {place_of_run(row): row for row in read_table(files["log_likelihood"])}
    signals: dict[Place, list[Row]] = defaultdict(list)
    for row in read_table(files["scores"]):
        if row["signal_role"] == FINAL and row["n_train"] is not None:
            signals[place_of_run(row)].append(row)
    rows = []
    for run in settings["runs"]:
        known = likelihoods[place_of_run(run)]
        own = signals[place_of_run({**run, "dataset": without_fold(run["dataset"])})]
        told = f"{len(own)} signals (median)"
        rows.append(
            estimator_row(
                run,
                known,
                log_likelihood=Estimate(
                    known["log_likelihood_tight"], known["log_likelihood_tight_error"]
                ),
                exact=known["exact"],
                auc=_median(own, "auc"),
                auc_of=told,
                max_si=_median(own, "max_si_resolved"),
                max_si_of=told,
                ms_per_event=known["score_ms_per_event"],
            )
        )
    return rows


def _median(rows: Sequence[Row], name: str) -> float | None:
    values = [row[name] for row in rows]
    return None if not values or None in values else float(median(values))
