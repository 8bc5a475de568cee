"""Rows of `estimators.csv`: the trainings of the study of jets in the columns of all studies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hepdensity.evaluation.auc import auc_with_error
from hepdensity.evaluation.estimates import Estimate, mean_with_error
from hepdensity.evaluation.estimators import estimator_row
from hepdensity.evaluation.runs import read_runs
from hepdensity.evaluation.scores import TIGHT, Place, place_of_run, read_scores
from hepdensity.files import read_json, read_table
from hepdensity.studies.jets.evaluation.parts import read_log_odds
from hepdensity.studies.jets.layouts import JetDataset

Row = Mapping[str, Any]


def estimators(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per training on jets.

    Densities of all kept constituents have the log-likelihood of `jets_likelihood`, and AUC and
    largest SIC of the score of eq. 7 for the first other process, as in `jets_table1`. Those of the
    leading constituents have the score -log p. A classifier has an AUC only.

    Args:
        files: `likelihood` and `table1`, those tables; `scores` and `summaries` of the densities on
            leading constituents; `classifiers` (log-odds) and `classifier_summaries`.
        settings: `runs`, the trainings of densities; `leading`, those on leading constituents;
            `classifiers`, those of classifiers.
    """
    return [
        *_densities(files, settings["runs"]),
        *_of_leading(files, settings["leading"]),
        *_classifiers(files, settings["classifiers"]),
    ]


def _densities(files: Mapping[str, Any], runs: list[Row]) -> Iterator[dict[str, Any]]:
    scores: dict[Place, Row] = {}
    for row in read_table(files["table1"]):
        scores.setdefault(place_of_run({**row, "dataset": row["trained_on"]}), row)
    likelihoods = {place_of_run(row): row for row in read_table(files["likelihood"])}
    for run in runs:
        known, own = likelihoods[place_of_run(run)], scores.get(place_of_run(run), {})
        told = f"{own.get('signal')} (eq. 7)"
        yield estimator_row(
            run,
            known,
            log_likelihood=Estimate(-known["nll"], known["nll_error"]),
            exact=known["probe_rms"] == 0,
            auc=own.get("auc"),
            auc_of=told,
            max_si=own.get("max_sic"),
            max_si_of=told,
            ms_per_event=known["ms_per_jet"],
        )


def _of_leading(files: Mapping[str, Any], runs: list[Row]) -> Iterator[dict[str, Any]]:
    read = read_runs(runs, files["scores"], files["summaries"], files["scores"], group="test")
    for one in read:
        (path,), own = one.samples, one.scores.arrays[TIGHT]
        other = one.run["signal"]
        auc = None
        if other is not None:
            scores = (
                _anomalous(values) for values in (own, read_scores(path, other).arrays[TIGHT])
            )
            auc = auc_with_error(*scores).value
        yield estimator_row(
            one.run,
            one.summary,
            log_likelihood=mean_with_error(own[np.isfinite(own)]),
            exact=bool(one.scores.attributes["exact"]),
            auc=auc,
            auc_of=f"{other} (-log p)",
            ms_per_event=one.ms_per_event,
        )


def _anomalous(values: np.ndarray) -> np.ndarray:
    """-log p; jets without a value are the most anomalous."""
    score: np.ndarray = np.where(np.isfinite(values), -values, np.inf)
    return score


def _classifiers(files: Mapping[str, Any], runs: list[Row]) -> Iterator[dict[str, Any]]:
    told = zip(runs, files["classifiers"], files["classifier_summaries"], strict=True)
    for run, path, summary in told:
        first, second = JetDataset.parse(run["dataset"]).processes
        odds = (read_log_odds(path, process) for process in (first, second))
        yield estimator_row(
            run,
            read_json(summary),
            auc=auc_with_error(*odds).value,
            auc_of=f"{second} against {first}",
        )
