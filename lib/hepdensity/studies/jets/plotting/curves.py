"""Figures 3 and 5: SIC and ROC curves with bands (Mikuni and Nachman 2024, arXiv:2306.03933)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from hepdensity.evaluation.curve_bands import CurveWithBands, curve_with_bands, efficiencies
from hepdensity.evaluation.resampling import LEVEL
from hepdensity.plotting.style import WIDTH, draw_note, draw_title, journal_style, note_of
from hepdensity.studies.jets.evaluation.parts import PartReader, group_of, read_log_odds
from hepdensity.studies.jets.evaluation.tables import (
    BAND,
    Run,
    log_ratio,
    score_curve,
    signals_of,
)
from hepdensity.studies.jets.layouts import JetDataset
from hepdensity.studies.jets.plotting.looks import (
    DASHES,
    LOSSES,
    colour_of,
    drawn_runs,
    name_of,
    trained_processes,
)

Rows = list[dict[str, Any]]
_CLASSIFIER = "#717581"
_ALPHA = 0.2


def sic_curves(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, Rows]:
    """Draw figure 3: SIC over the background efficiency, one panel per process trained on.

    Curves end where fewer than `least_background` background jets pass.

    Args:
        files: `scores`, `inputs` and `summaries` of the trainings.
        settings: `runs`, `processes`, `window`, `least_background`, `draws`, `seed` and `preset`.
    """
    trained = trained_processes(settings["runs"])
    rows: Rows = []
    with journal_style():
        figure = Figure(figsize=(WIDTH, 2.8))
        panels = figure.subplots(1, len(trained), squeeze=False)[0]
        reader = PartReader(files["scores"], files["inputs"], settings["window"])
        for axes, process in zip(panels, trained, strict=True):
            for run, signal, curve in _curves(reader, settings, process):
                colour = colour_of(signal, settings["processes"])
                _draw_sic(axes, curve, colour, DASHES[run["objective"]])
                rows += _curve_rows(curve, _named(run, signal))
            axes.axhline(1, color="black", linewidth=0.6)
            axes.set_xscale("log")
            axes.set_xlabel(r"background efficiency $\epsilon_B$")
            axes.set_ylabel("SIC")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_ylim(0, None)
            draw_title(axes, f"trained on {name_of(process)} jets")
            axes.legend(handles=_legend(settings, process), loc="upper right")
        draw_note(figure, note_of(files, settings))
    return figure, rows


def roc_curves(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, Rows]:
    """Draw figure 5: ROC of the scores, and of the density ratio and the classifier.

    Args:
        files: `scores`, `inputs` and `summaries` of the trainings; `classifiers`.
        settings: Those of `sic_curves`, and `classifiers`.
    """
    rows: Rows = []
    with journal_style():
        figure = Figure(figsize=(WIDTH, 3.0))
        left, right = figure.subplots(1, 2)
        reader = PartReader(files["scores"], files["inputs"], settings["window"])
        styles: tuple[Any, ...] = ("-", (0, (3, 1.2)))
        handles = []
        for process, style in zip(trained_processes(settings["runs"]), styles, strict=False):
            for run, signal, curve in _curves(reader, settings, process):
                if run["objective"] != drawn_runs(settings["runs"], process)[0]["objective"]:
                    continue
                colour = colour_of(signal, settings["processes"])
                _draw_roc(left, curve, colour, style)
                label = f"{name_of(process)} vs. {name_of(signal)}: {_area(curve)}"
                handles.append(Line2D([], [], color=colour, linestyle=style, label=label))
                rows += _curve_rows(curve, {**_named(run, signal), "score": "eq. 7"})
        rows += _draw_ratios(right, reader, files, settings)
        for axes in (left, right):
            axes.set_yscale("log")
            axes.set_xlim(0, 1)
            axes.set_ylim(1e-3, 1)
            axes.set_xlabel(r"signal efficiency $\epsilon_S$")
            axes.set_ylabel(r"background efficiency $\epsilon_B$")
        left.legend(handles=handles, loc="lower right")
        draw_title(left, "anomaly scores, background vs. signal")
        if right.lines:
            right.legend(loc="lower right")
        else:
            told = {"transform": right.transAxes, "ha": "center", "color": _CLASSIFIER}
            right.text(0.5, 0.5, "needs densities of two processes", **told)
        draw_title(right, "known signal")
        draw_note(figure, note_of(files, settings))
    return figure, rows


def _curves(
    reader: PartReader, settings: Mapping[str, Any], process: str
) -> Iterable[tuple[Run, str, CurveWithBands]]:
    """Curves of the drawn trainings on a process, for each other process."""
    for run in drawn_runs(settings["runs"], process):
        background = reader.read(run, "test")
        for signal in signals_of(run, settings):
            parts = reader.read(run, group_of(run, signal))
            yield run, signal, score_curve(run, signal, background, parts, settings)


def _draw_ratios(
    axes: Axes, reader: PartReader, files: Mapping[str, Any], settings: Mapping[str, Any]
) -> Rows:
    """ROC of density ratios and classifiers of the first two processes with densities."""
    rows: Rows = []
    pair = trained_processes(settings["runs"])[:2]
    if len(pair) < 2:
        return rows
    first, second = (drawn_runs(settings["runs"], process) for process in pair)
    partners = {run["objective"]: run for run in second}
    for run in first:
        other = partners.get(run["objective"])
        if other is None or other["model"] != run["model"]:
            continue
        ratios = [log_ratio(reader, other, run, process) for process in pair]
        curve = _curve(ratios, pair, settings)
        loss = run["objective"]
        label = f"ratio, {LOSSES[loss]}: {_area(curve)}"
        _draw_roc(axes, curve, colour_of(pair[1], settings["processes"]), DASHES[loss], label)
        rows += _curve_rows(curve, {**_named(run, pair[1]), "score": "density ratio"})
    for path, run in zip(files["classifiers"], settings["classifiers"], strict=True):
        if list(JetDataset.parse(run["dataset"]).processes) == pair:
            curve = _curve([read_log_odds(path, process) for process in pair], pair, settings)
            _draw_roc(axes, curve, _CLASSIFIER, "-", f"classifier: {_area(curve)}")
            rows += _curve_rows(curve, {**_named(run, pair[1]), "score": "classifier"})
            break
    return rows


def _curve(
    scores: Sequence[np.ndarray], pair: Sequence[str], settings: Mapping[str, Any]
) -> CurveWithBands:
    background, signal = scores
    return curve_with_bands(
        background,
        signal,
        BAND,
        settings["least_background"],
        settings["draws"],
        settings["seed"],
        (pair[0], pair[1]),
    )


def _band(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _draw_sic(axes: Axes, curve: CurveWithBands, colour: str, style: Any) -> None:
    kept = curve.curve.certain
    axes.plot(curve.curve.eps_b[kept], curve.curve.sic[kept], color=colour, linestyle=style)
    if kept.any():
        inside = curve.eps_b >= curve.curve.eps_b[kept].min()
        low, high = _band(curve.drawn_sic[:, inside])
        axes.fill_between(curve.eps_b[inside], low, high, color=colour, alpha=_ALPHA, linewidth=0)


def _draw_roc(
    axes: Axes, curve: CurveWithBands, colour: str, style: Any, label: str | None = None
) -> None:
    drawn = curve.curve
    axes.plot(drawn.eps_s, drawn.eps_b, color=colour, linestyle=style, label=label)
    low, high = _band(curve.drawn_eps_s)
    axes.fill_betweenx(curve.eps_b, low, high, color=colour, alpha=_ALPHA, linewidth=0)


def _area(curve: CurveWithBands) -> str:
    return f"{curve.auc:.3f} ± {curve.drawn_auc.std(ddof=1):.3f}"


def _legend(settings: Mapping[str, Any], process: str) -> list[Line2D]:
    runs = drawn_runs(settings["runs"], process)
    processes = settings["processes"]
    signals = signals_of(runs[0], settings) if runs else []
    return [
        *(
            Line2D([], [], color=colour_of(name, processes), label=name_of(name))
            for name in signals
        ),
        *(
            Line2D([], [], color="black", linestyle=DASHES[loss], label=LOSSES[loss])
            for loss in (run["objective"] for run in runs)
        ),
    ]


def _named(run: Run, signal: str) -> dict[str, Any]:
    return {
        **{"trained_on": run["dataset"], "loss": run["objective"], "model": run["model"]},
        **{"signal": signal, "n_train": run["n_train"], "seed": run["seed"]},
    }


def _curve_rows(curve: CurveWithBands, named: Mapping[str, Any]) -> Rows:
    eps_s = efficiencies(curve.curve, curve.eps_b)
    low, high = _band(curve.drawn_eps_s)
    passing = curve.curve.eps_b[curve.curve.certain]
    least = passing.min() if len(passing) else np.inf
    columns = zip(curve.eps_b, eps_s, low, high, strict=True)
    return [
        {
            **named,
            **{"eps_b": float(x), "eps_s": float(y), "eps_s_low": float(a), "eps_s_high": float(b)},
            **{"sic": float(y / np.sqrt(x)), "enough_background": bool(x >= least)},
        }
        for x, y, a, b in columns
    ]
