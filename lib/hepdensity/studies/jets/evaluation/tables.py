"""Rows of `jets_table1.csv` and `jets_table2.csv`: anomaly scores, ratios and classifiers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hepdensity.evaluation.auc import auc_with_error
from hepdensity.evaluation.curve_bands import CurveWithBands, curve_with_bands
from hepdensity.evaluation.estimates import Estimate, columns
from hepdensity.evaluation.resampling import interval
from hepdensity.studies.jets.evaluation.parts import (
    PAPER,
    PartReader,
    Parts,
    family_of,
    group_of,
    read_log_odds,
)
from hepdensity.studies.jets.layouts import JetDataset
from hepdensity.studies.jets.published import DATA, TABLE_1, TABLE_2, Published

Run = Mapping[str, Any]

RATIOS = {
    "density_ratio_auc": "whole",
    "density_ratio_jet_auc": "jet",
    "density_ratio_particles_auc": "particles",
}
"""Column of the AUC of a ratio -> part of the densities."""

BAND = np.geomspace(1e-4, 1.0, 61)
"""Background efficiencies at which curves have bands."""


def table1(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of table 1: one per training of a density and other process.

    Background are test jets of the process that was trained on, signal are those of another. The
    score is that of eq. 7 in the measure of the paper, for each loss with its own background.
    Intervals contain 68 % of bootstrap draws over jets. `max_sic` is taken where at least
    `least_background` background jets pass, `max_sic_paper_definition` anywhere. Where the same
    model was trained on both processes, `density_ratio_auc` is the AUC of the ratio of both
    densities, which depends on no measure, `density_ratio_jet_auc` and
    `density_ratio_particles_auc` those of its parts; `classifier_auc` is that of a classifier of
    the same jets. `published_*` are the paper's values, for the data named in `published_data`.

    Args:
        files: `scores` and `inputs` of the densities; `classifiers`, log-odds of the classifiers.
        settings: `runs`, `classifiers`, `processes`, `window`, `draws`, `least_background`, `seed`
            and `published` (whether to give published values).
    """
    rows = list(_rows(files, settings, _plain(settings["runs"])))
    for row in rows:
        place = (row["trained_on"], row["signal"], row["loss"])
        row |= _published(TABLE_1.get(place) if settings["published"] else None)
    return rows


def table2(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of table 2: dark-shower jets as signal, beside the values of the paper's appendix B.

    The columns are those of table 1 without density ratio and classifier.

    Args:
        files: See `table1`.
        settings: Those of `table1`, and `dark`, the process of the dark-shower jets.
    """
    rows = []
    for row in _rows(files, {**settings, "classifiers": ()}, _plain(settings["runs"])):
        if row["signal"] != settings["dark"]:
            continue
        for name in (*RATIOS, "classifier_auc"):
            del row[name], row[f"{name}_error"]
        standard = row["loss"] == "standard" and settings["published"]
        known = TABLE_2.get((row["trained_on"], row["signal"])) if standard else None
        told = _published(known)
        del told["published_density_ratio_auc"], told["published_classifier_auc"]
        rows.append(row | told)
    return rows


def _plain(runs: Sequence[Run]) -> list[Run]:
    """Trainings on all kept constituents in our coordinates."""
    return [run for run in runs if JetDataset.parse(run["dataset"]).process == run["dataset"]]


def _rows(
    files: Mapping[str, Any], settings: Mapping[str, Any], runs: Sequence[Run]
) -> Iterator[dict[str, Any]]:
    reader = PartReader(files["scores"], files["inputs"], settings["window"])
    for run in runs:
        background = reader.read(run, "test")
        for signal in signals_of(run, settings):
            parts = reader.read(run, group_of(run, signal))
            curve = score_curve(run, signal, background, parts, settings)
            yield {
                **_named(run, signal),
                **_curve_columns(curve),
                **_ratios(reader, run, signal, runs),
                **columns("classifier_auc", _classifier(files, settings, run["dataset"], signal)),
                "jets": len(background),
                "signal_jets": len(parts),
                "not_finite": int((~background.finite).sum() + (~parts.finite).sum()),
                "seed": run["seed"],
            }


def signals_of(run: Run, settings: Mapping[str, Any]) -> list[str]:
    """Processes other than the one trained on."""
    own = JetDataset.parse(run["dataset"]).process
    return [name for name in settings["processes"] if name != own]


def score_curve(
    run: Run, signal: str, background: Parts, parts: Parts, settings: Mapping[str, Any]
) -> CurveWithBands:
    """ROC of the score of eq. 7, with bands; jets without a value are the most anomalous.

    Args:
        run: Training.
        signal: Process of the signal.
        background: Test jets of the process that it was trained on.
        parts: Test jets of the signal.
        settings: `least_background`, `draws` and `seed`.
    """
    return curve_with_bands(
        _score(background),
        _score(parts),
        BAND,
        settings["least_background"],
        settings["draws"],
        settings["seed"],
        (run["dataset"], signal),
    )


def _score(parts: Parts) -> np.ndarray:
    score: np.ndarray = np.where(parts.finite, parts.score, np.inf)
    return score


def _named(run: Run, signal: str) -> dict[str, Any]:
    return {
        "trained_on": run["dataset"],
        "family": family_of(run["objective"]),
        "loss": run["objective"],
        "model": run["model"],
        "n_train": run["n_train"],
        "measure": PAPER,
        "background": run["dataset"],
        "signal": signal,
    }


def _curve_columns(curve: CurveWithBands) -> dict[str, Any]:
    found: dict[str, Any] = {"auc": curve.auc}
    found["auc_low"], found["auc_high"] = interval(curve.drawn_auc)
    found["max_sic"] = curve.curve.max_sic
    found["max_sic_low"], found["max_sic_high"] = interval(curve.drawn_max_sic)
    found["max_sic_paper_definition"] = curve.curve.max_sic_anywhere
    return found


def _ratios(
    reader: PartReader, run: Run, signal: str, runs: Sequence[Run]
) -> dict[str, float | None]:
    """AUC of the ratio of both densities and of its parts; empty without a partner."""
    same = ("model", "n_train", "seed")
    partner = next(
        (
            other
            for other in runs
            if other["dataset"] == signal and all(other[key] == run[key] for key in same)
        ),
        None,
    )
    found: dict[str, float | None] = {}
    for name, part in RATIOS.items():
        area = None
        if partner is not None:
            background, other = (
                log_ratio(reader, partner, run, process, part)
                for process in (run["dataset"], signal)
            )
            area = auc_with_error(background, other)
        found |= columns(name, area)
    return found


def log_ratio(
    reader: PartReader, first: Run, second: Run, process: str, part: str = "whole"
) -> np.ndarray:
    """Log of the ratio of two densities for the test jets of a process [nats], shape (m,).

    Args:
        reader: Log-densities of both.
        first: Training of the numerator.
        second: Training of the denominator.
        process: Process of the jets.
        part: Part of the densities: "jet", "particles", or "whole" for both.
    """
    above, below = (reader.read(run, group_of(run, process)) for run in (first, second))
    ratio: np.ndarray = getattr(above, part) - getattr(below, part)
    return ratio[above.finite & below.finite]


def _classifier(
    files: Mapping[str, Any], settings: Mapping[str, Any], background: str, signal: str
) -> Estimate | None:
    """AUC of the first classifier of both processes on their test jets; None without one."""
    for path, run in zip(files["classifiers"], settings["classifiers"], strict=False):
        processes = JetDataset.parse(run["dataset"]).processes
        if set(processes) == {background, signal}:
            odds = [read_log_odds(path, process) for process in processes]
            return auc_with_error(*odds)
    return None


def _published(known: Published | None) -> dict[str, Any]:
    names = ("max_sic", "auc", "density_ratio_auc", "classifier_auc")
    values = {f"published_{name}": known and getattr(known, name) for name in names}
    return {**values, "published_data": DATA if known else None}
