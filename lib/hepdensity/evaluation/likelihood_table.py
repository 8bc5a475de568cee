"""Rows of ``fig05_log_likelihood.csv``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hepdensity.evaluation.likelihood import Estimate, mean_with_error
from hepdensity.evaluation.scores import Scores
from hepdensity.evaluation.truth import kl_to_truth

SYMMETRISED = "log_likelihood_symmetrised"


@dataclass(frozen=True)
class EvaluatedRun:
    """One training with its scores and the yield of its samples.

    Attributes:
        model: name of the model's block in the configuration.
        n_train: number of training events.
        seed: seed of the training.
        scores: per-event log-densities of the test events.
        summary: what ``train_model`` wrote about the training.
        drawn: samples drawn.
        physical: samples at physical points.
    """

    model: str
    n_train: int
    seed: int
    scores: Scores
    summary: Mapping[str, Any]
    drawn: int
    physical: int


def likelihood_rows(runs: list[EvaluatedRun], truth: Scores | None) -> list[dict[str, Any]]:
    """Rows of the table behind figure 5.

    Args:
        runs: the trainings.
        truth: true log-densities of the same test events, None where the truth is unknown.

    Returns:
        A row for each run, and a second one, ``<model>-symmetrised``, for those whose particles are
        ordered. Log-likelihoods and KL divergences in nats, errors are standard errors.
    """
    log_true = None if truth is None else truth.arrays["log_prob"]
    return [row for run in runs for row in _rows_of(run, log_true)]


def _rows_of(run: EvaluatedRun, log_true: np.ndarray | None) -> Iterator[dict[str, Any]]:
    arrays = run.scores.arrays
    one_draw = arrays["log_likelihood"]
    yield _row(run, run.model, one_draw, arrays["log_likelihood_exact"], log_true)
    if SYMMETRISED in arrays:
        symmetrised = arrays[SYMMETRISED]
        yield _row(run, f"{run.model}-symmetrised", symmetrised, symmetrised, log_true)


def _row(
    run: EvaluatedRun,
    name: str,
    one_draw: np.ndarray,
    exact: np.ndarray,
    log_true: np.ndarray | None,
) -> dict[str, Any]:
    truth = None if log_true is None else mean_with_error(log_true)
    distance = None if log_true is None else kl_to_truth(log_true, exact)
    return {
        "model": name,
        "n_train": run.n_train,
        "seed": run.seed,
        **_columns("log_likelihood", mean_with_error(one_draw)),
        **_columns("log_likelihood_exact", mean_with_error(exact)),
        **_columns("log_likelihood_truth", truth),
        **_columns("kl_to_truth", distance),
        "unphysical_fraction": 1 - run.physical / run.drawn,
        "steps": run.summary["steps"],
        "ended_by": run.summary["ended_by"],
        "train_seconds": run.summary["train_seconds"],
        "parameters": run.summary["parameters"],
    }


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    return {
        name: None if estimate is None else estimate.value,
        f"{name}_error": None if estimate is None else estimate.error,
    }
