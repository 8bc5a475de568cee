"""Figure `jets_known_truth`: learned ratios of densities against the known ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepdensity.evaluation.anomaly import signal_improvement_curve
from hepdensity.plotting.style import (
    TRUTH_COLOUR,
    WIDTH,
    draw_note,
    draw_title,
    journal_style,
    note_of,
)
from hepdensity.studies.jets.evaluation.known_truth import (
    ALONE,
    BOTH,
    KnownTruths,
    Pair,
    known_truth_table,
    paired,
)
from hepdensity.studies.jets.plotting.looks import name_of

Rows = list[dict[str, Any]]
_BINS = 12
_PARTS = {BOTH: "#3f90da", ALONE: "#e76300"}
_LEAST = 1e-3


def known_truth(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, Rows]:
    """Draw ROC curves (above) and the true over the learned log-ratio (below) for each pair.

    Args:
        files: `inputs`, `truths`, `scores` and `summaries` of the trainings on samples.
        settings: `runs`, `pairs`, `draws`, `seed` and `preset`.
    """
    truths = KnownTruths(files, settings["runs"])
    shown: dict[tuple[str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for background, signal in paired(settings):
        key = background["dataset"], signal["dataset"]
        shown.setdefault(key, (background, signal))
    with journal_style():
        figure = Figure(figsize=(WIDTH, 5.2))
        panels = figure.subplots(2, len(shown), squeeze=False)
        for (background, signal), column in zip(shown.values(), panels.T, strict=True):
            for part, colour in _PARTS.items():
                pair = truths.pair(background, signal, part)
                _draw_roc(column[0], pair, part, colour)
                _draw_calibration(column[1], pair, part, colour)
            names = name_of(pair.signal), name_of(pair.background)
            draw_title(column[0], f"{names[0]} over {names[1]}, samples of known densities")
            _finish(column)
        draw_note(figure, note_of(files, settings))
    return figure, known_truth_table(files, settings)


def _draw_roc(axes: Axes, pair: Pair, part: str, colour: str) -> None:
    for (background, signal), style, name in (
        (pair.true, (0, (1, 1.2)), "true"),
        (pair.learned, "-", "learned"),
    ):
        curve = signal_improvement_curve(background, signal, 1)
        label = f"{part}, {name}"
        axes.plot(curve.eps_s, curve.eps_b, color=colour, linestyle=style, label=label)


def _draw_calibration(axes: Axes, pair: Pair, part: str, colour: str) -> None:
    """Mean true log-ratio in bins of the learned one, with standard errors."""
    learned, true = np.concatenate(pair.learned), np.concatenate(pair.true)
    edges = np.quantile(learned, np.linspace(0, 1, _BINS + 1))
    place = np.clip(np.searchsorted(edges, learned, side="right") - 1, 0, _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    x, y = (
        np.bincount(place, weights=values, minlength=_BINS) / count for values in (learned, true)
    )
    spread = np.bincount(place, weights=(true - y[place]) ** 2, minlength=_BINS)
    error = np.sqrt(spread / np.maximum(count - 1, 1) / count)
    axes.errorbar(x, y, error, fmt="o", color=colour, markersize=3, label=part)


def _finish(column: np.ndarray) -> None:
    upper, lower = column
    upper.set_yscale("log")
    upper.set_ylim(_LEAST, 1)
    upper.set_xlim(0, 1)
    upper.set_xlabel(r"signal efficiency $\epsilon_S$")
    upper.set_ylabel(r"background efficiency $\epsilon_B$")
    upper.legend(loc="lower right")
    low, high = lower.get_xlim()
    lower.plot([low, high], [low, high], color=TRUTH_COLOUR, linewidth=0.8, label="calibrated")
    lower.set_xlim(low, high)
    lower.set_xlabel("learned log-ratio [nats]")
    lower.set_ylabel("true log-ratio [nats]")
    lower.legend(loc="upper left")
