"""Rows of ``fig05_log_likelihood.csv``."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hepdensity.evaluation.estimates import columns, mean_with_error, not_finite
from hepdensity.evaluation.runs import EvaluatedRun, read_runs, read_truth
from hepdensity.evaluation.scores import ONE_DRAW, SYMMETRISED, TIGHT, Scores
from hepdensity.studies.gluino.evaluation.samples import sample_yield
from hepdensity.studies.gluino.evaluation.truth import KINEMATICS, kl_to_truth


def likelihood_rows(runs: list[EvaluatedRun], truth: Scores | None) -> list[dict[str, Any]]:
    """Rows of the table behind figure 5.

    All values in a row are for the same events: all test events or, if ``exact`` is false, the
    first ones, for which there is a bound. In this case, ``log_likelihood_exact`` is a lower bound
    from the given number of importance ``draws``, and ``kl_to_truth`` is an upper bound.

    Args:
        runs: the trainings.
        truth: true log-densities of the same test events, or None if unknown.

    Returns:
        One row per training, and a second row, ``<model>-symmetrised``, for models whose particles
        are ordered. Log-likelihoods and KL divergences are in nats, errors are standard errors.
        ``not_finite`` is the number of test events without a finite log-density; if it is not zero,
        the values are infinite.
    """
    log_true = None if truth is None else truth.arrays[KINEMATICS]
    return [row for run in runs for row in _rows_of(run, log_true)]


def _rows_of(run: EvaluatedRun, log_true: np.ndarray | None) -> Iterator[dict[str, Any]]:
    arrays = run.scores.arrays
    tight = arrays[TIGHT]
    same_events = None if log_true is None else log_true[: len(tight)]
    yield _row(run, "", arrays[ONE_DRAW][: len(tight)], tight, same_events)
    if SYMMETRISED in arrays:
        symmetrised = arrays[SYMMETRISED]
        yield _row(run, "-symmetrised", symmetrised, symmetrised, log_true)


def _row(
    run: EvaluatedRun,
    suffix: str,
    one_draw: np.ndarray,
    exact: np.ndarray,
    log_true: np.ndarray | None,
) -> dict[str, Any]:
    truth = None if log_true is None else mean_with_error(log_true)
    distance = None if log_true is None else kl_to_truth(log_true, exact)
    (samples,) = run.samples
    return {
        "model": run.run["model"] + suffix,
        **run.named("n_train", "seed"),
        **columns("log_likelihood", mean_with_error(one_draw)),
        **columns("log_likelihood_exact", mean_with_error(exact)),
        **run.exactness(),
        **columns("log_likelihood_truth", truth),
        **columns("kl_to_truth", distance),
        "not_finite": not_finite(one_draw, exact),
        "unphysical_fraction": samples.unphysical_fraction,
        **run.training(),
    }


def log_likelihood_table(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of the table `fig05_log_likelihood`.

    Args:
        files: `scores`, `summaries` and `samples` of the trainings; `truth` if it is known.
        settings: `runs` (the trainings).
    """
    yields = [sample_yield(path) for path in files["samples"]]
    runs = read_runs(settings["runs"], files["scores"], files["summaries"], yields)
    return likelihood_rows(runs, read_truth(files))
