"""All density estimators on all studies: one row for each training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hepdensity.evaluation.estimates import Estimate, columns
from hepdensity.files import read_table

TRAINING = ("steps", "train_seconds", "parameters")
"""Columns taken from the summary of a training."""

_NAME = ("study", "dataset", "model", "kind", "n_train", "seed")


def estimator_row(
    run: Mapping[str, Any],
    summary: Mapping[str, Any],
    *,
    log_likelihood: Estimate | None = None,
    exact: bool | None = None,
    auc: float | None = None,
    auc_of: str | None = None,
    max_si: float | None = None,
    max_si_of: str | None = None,
    ms_per_event: float | None = None,
) -> dict[str, Any]:
    """A training in the columns that all studies share.

    Args:
        run: The training (see `hepdensity.study.Study.run`).
        summary: Its steps, time and size (see `TRAINING`).
        log_likelihood: Mean held-out log-density [nats], comparable on the same dataset only.
        exact: Whether it is that of the samples; otherwise it is a lower bound or an estimate.
        auc: Area under an ROC curve.
        auc_of: What this curve separates.
        max_si: Largest significance improvement.
        max_si_of: What it is the improvement of.
        ms_per_event: Time of a log-density [ms].
    """
    return {
        **{name: run[name] for name in _NAME},
        **columns("log_likelihood", log_likelihood),
        **{"exact": exact, "auc": auc, "auc_of": auc_of if auc is not None else None},
        **{"max_si": max_si, "max_si_of": max_si_of if max_si is not None else None},
        **{name: summary[name] for name in TRAINING},
        "score_ms_per_event": ms_per_event,
    }


def by_study(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `estimators_by_study`: those of the studies, one after the other.

    Args:
        files: `estimators`, the table of each study.
        settings: Not used.
    """
    return [row for path in files["estimators"] for row in read_table(path)]
