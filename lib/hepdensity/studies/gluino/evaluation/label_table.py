"""Rows of ``fig10_discrete_log_likelihood.csv`` and ``fig10_importance_bound.csv``."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hepdensity.evaluation.estimates import Estimate, columns, mean_with_error, not_finite
from hepdensity.evaluation.runs import EvaluatedRun, read_runs, read_truth
from hepdensity.evaluation.scores import CURVE, ONE_DRAW, TIGHT, Scores
from hepdensity.studies.gluino.evaluation.samples import sample_yield
from hepdensity.studies.gluino.evaluation.truth import JOINT, kl_to_truth

_NAME = ("model", "family", "permutation", "n_train", "seed")


def label_rows(runs: list[EvaluatedRun], truth: Scores | None) -> list[dict[str, Any]]:
    """Rows of the table behind figure 10, one per training.

    Args:
        runs: the trainings.
        truth: true log-densities of the same test events, or None if unknown. Columns of the truth
            are also empty if the joint density is unknown.

    Returns:
        Log-likelihoods and KL divergences of angles and labels together, with standard errors
        [nats]. All values in a row are for the same events: all test events or, if ``exact`` is
        false, the first ones, for which there is a bound. In this case, the tight value is a lower
        bound from the given number of importance ``draws``, and ``kl_to_truth`` is an upper bound.
        ``not_finite`` is the number of events without a finite log-density; if it is not zero, the
        values are infinite.
    """
    return [_row(run, _joint(truth)) for run in runs]


def bound_rows(runs: list[EvaluatedRun], truth: Scores | None) -> list[dict[str, Any]]:
    """Rows of the table of importance-weighted bounds, one per number of nested draws.

    Args:
        runs: the trainings; an exact model has a single row without ``draws``.
        truth: true log-densities, as for ``label_rows``.
    """
    log_true = _joint(truth)
    return [row for run in runs for row in _curve(run, log_true)]


def _joint(truth: Scores | None) -> np.ndarray | None:
    return None if truth is None else truth.arrays.get(JOINT)


def _row(run: EvaluatedRun, log_true: np.ndarray | None) -> dict[str, Any]:
    tight = run.scores.arrays[TIGHT]
    one_draw = run.scores.arrays[ONE_DRAW][: len(tight)]
    (samples,) = run.samples
    return {
        **run.named(*_NAME),
        **columns("log_likelihood", mean_with_error(one_draw)),
        **columns("log_likelihood_tight", mean_with_error(tight)),
        **run.exactness(),
        **_truth_columns(tight, log_true),
        "not_finite": not_finite(one_draw, tight),
        "invalid_fraction": samples.invalid_fraction,
        **run.training(),
    }


def _curve(run: EvaluatedRun, log_true: np.ndarray | None) -> Iterator[dict[str, Any]]:
    arrays, exact = run.scores.arrays, bool(run.scores.attributes["exact"])
    draws = [None] if exact else [int(number) for number in run.scores.attributes["draws"]]
    values = arrays[TIGHT][None] if exact else arrays[CURVE]
    for number, value in zip(draws, values, strict=True):
        yield {
            **run.named(*_NAME),
            "draws": number,
            "events": len(value),
            **columns("log_likelihood_bound", mean_with_error(value)),
            **_truth_columns(value, log_true),
            "not_finite": not_finite(value),
            "upper_bound": not exact,
        }


def _truth_columns(value: np.ndarray, log_true: np.ndarray | None) -> dict[str, float | None]:
    truth: Estimate | None = None
    distance: Estimate | None = None
    if log_true is not None:
        same_events = log_true[: len(value)]
        truth, distance = mean_with_error(same_events), kl_to_truth(same_events, value)
    return {**columns("log_likelihood_truth", truth), **columns("kl_to_truth", distance)}


def label_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `fig10_discrete_log_likelihood`.

    Args:
        files: `scores`, `summaries` and `samples` of the trainings; `truth` if it is known.
        settings: `runs` (the trainings).
    """
    yields = [sample_yield(path) for path in files["samples"]]
    runs = read_runs(settings["runs"], files["scores"], files["summaries"], yields)
    return label_rows(runs, read_truth(files))


def bound_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table `fig10_importance_bound`.

    Args:
        files: `scores` and `summaries` of the trainings; `truth` if it is known.
        settings: `runs` (the trainings).
    """
    runs = read_runs(settings["runs"], files["scores"], files["summaries"])
    return bound_rows(runs, read_truth(files))
