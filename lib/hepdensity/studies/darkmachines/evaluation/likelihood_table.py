"""Rows of `log_likelihood.csv`: held-out log-likelihoods, and samples against events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.estimates import Estimate, columns, not_finite
from hepdensity.evaluation.runs import EvaluatedRun, read_runs
from hepdensity.evaluation.samples import read_samples
from hepdensity.evaluation.scores import ONE_DRAW, TIGHT
from hepdensity.evaluation.two_sample import cross_fitted_auc
from hepdensity.models.inputs import read_array
from hepdensity.studies.darkmachines.evaluation.features import features_of
from hepdensity.studies.darkmachines.evaluation.objects import objects_of, read_objects


def log_likelihood_table(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of the table: one per training.

    Log-likelihoods [nats] are weighted means over the test background, with standard errors. They
    compare models on the same dataset only: log E has no density beside pT and eta, so the values
    of the paper's models say how sharply they resolve it. `two_sample_auc` is the AUC of a
    classifier of samples against unweighted test events; it is 0.5 for a perfect model.

    Args:
        files: `scores`, `summaries` and `samples` of the trainings; `inputs` of all datasets.
        settings: `runs` (the trainings) and `seed`.
    """
    inputs = {Path(path).stem: path for path in files["inputs"]}
    columns = (files["scores"], files["summaries"], files["samples"])
    runs = read_runs(settings["runs"], *columns, group="test")
    return [_row(run, inputs[run.run["dataset"]], settings["seed"]) for run in runs]


def _row(run: EvaluatedRun, inputs: str, seed: int) -> dict[str, Any]:
    weight = read_array(inputs, "test", "weight")
    arrays = run.scores.arrays
    return {
        **run.named("dataset", "model", "permutation", "n_train", "seed"),
        **columns("log_likelihood", weighted_mean(arrays[ONE_DRAW], weight)),
        **columns("log_likelihood_tight", weighted_mean(arrays[TIGHT], weight)),
        **run.exactness(),
        "not_finite": not_finite(arrays[ONE_DRAW][: len(arrays[TIGHT])], arrays[TIGHT]),
        **columns("two_sample_auc", _two_sample(run.samples[0], inputs, weight, seed)),
        **run.training(),
        "score_ms_per_event": run.ms_per_event,
    }


def weighted_mean(values: np.ndarray, weight: np.ndarray) -> Estimate:
    """Weighted mean of independent values and its standard error.

    Args:
        values: Shape (n,); infinities make the mean infinite and the error NaN.
        weight: Weights of these events and possibly more, shape (m,) with m >= n.

    Example:
        >>> weighted_mean(np.array([1.0, 3.0]), np.array([3.0, 1.0]))
        Estimate(value=1.5, error=0.530...)
    """
    share = weight[: len(values)] / weight[: len(values)].sum()
    mean = float((share * values).sum())
    if not np.isfinite(mean):
        return Estimate(mean, float("nan"))
    return Estimate(mean, float(np.sqrt(((share * (values - mean)) ** 2).sum())))


def _two_sample(samples: str, inputs: str, weight: np.ndarray, seed: int) -> Estimate:
    random = np.random.default_rng(seed)
    kept = np.flatnonzero(random.random(len(weight)) * weight.max() < weight)
    drawn = read_samples(samples)
    objects = (read_objects(inputs, "test"), objects_of(drawn.layout, drawn.events))
    real, made = map(features_of, objects)
    return cross_fitted_auc(real[kept], made, random)
