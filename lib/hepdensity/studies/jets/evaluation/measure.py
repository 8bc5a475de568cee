"""Rows of `jets_measure.csv`: the same densities told in three measures, with their parts apart.

An anomaly score of eq. 7 is a statement about units too: log p(pT) and log p(log pT) differ by log
pT, which ranks jets without any model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hepdensity.evaluation.auc import auc_with_error
from hepdensity.evaluation.estimates import columns
from hepdensity.studies.jets.coordinates import MEASURES
from hepdensity.studies.jets.evaluation.parts import PartReader, Parts, group_of
from hepdensity.studies.jets.evaluation.tables import signals_of

PARTS = {
    "score of eq. 7": lambda parts: parts.score,
    "jet": lambda parts: -parts.jet,
    "particles / N": lambda parts: -parts.particles / parts.n,
    "jet and particles": lambda parts: parts.nll,
}
"""What is ranked by -> score of jets, high = anomalous."""


def measures(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per training, signal, measure and part of the density.

    `auc` is that of the part as anomaly score, with the standard error of DeLong. Jets without a
    value are left out and counted.

    Args:
        files: `scores` and `inputs`.
        settings: `runs`, `processes` and `window`.
    """
    reader = PartReader(files["scores"], files["inputs"], settings["window"])
    rows = []
    for run in settings["runs"]:
        for measure in MEASURES:
            background = reader.read(run, "test", measure)
            for signal in signals_of(run, settings):
                parts = reader.read(run, group_of(run, signal), measure)
                for name in PARTS:
                    rows.append(_row(run, signal, measure, name, background, parts))
    return rows


def _row(
    run: Mapping[str, Any],
    signal: str,
    measure: str,
    name: str,
    background: Parts,
    parts: Parts,
) -> dict[str, Any]:
    scores = [_finite(name, values) for values in (background, parts)]
    return {
        **{key: run[key] for key in ("dataset", "model", "n_train", "seed")},
        **{"signal": signal, "measure": measure, "part": name},
        **columns("auc", auc_with_error(*scores)),
        "not_finite": len(background) + len(parts) - sum(len(one) for one in scores),
    }


def _finite(name: str, parts: Parts) -> np.ndarray:
    values: np.ndarray = PARTS[name](parts)
    return values[parts.finite]
