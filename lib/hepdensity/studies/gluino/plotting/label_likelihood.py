"""Log-likelihoods of treatments of labels (Verheyen 2022, arXiv:2205.01697, figure 10).

Next to the value that the paper reports is a tight value. It is either exact or a bound from many
importance draws, which is marked by an arrow. Bounds are known for fewer test events than exact
values. To compare all of them with one truth line, each value is drawn at the distance from this
line that it has from the truth of its own events. Means that are not finite are marked at the edge
of the frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from hepdensity.files import read_table
from hepdensity.models.kind import Look
from hepdensity.plotting.not_finite import draw_not_finite, not_finite_entry
from hepdensity.plotting.style import (
    PERMUTATIONS,
    TRUTH_COLOUR,
    WIDTH,
    convergence_note,
    draw_note,
    draw_title,
    journal_style,
    looks_of,
    short_number,
)
from hepdensity.studies.gluino.plotting.likelihood import (
    ARROW,
    draw_arrow,
    moved,
    spread_over_seeds,
    truth_line,
)

Row = Mapping[str, Any]

NO_TRUTH = "no truth line: joint density unknown"

_ROW_HEIGHT = 0.27
_LANE = 0.4
"""Vertical distance between permutation treatments of one treatment of the labels, in rows."""

_FACE = {"log_likelihood": False, "log_likelihood_tight": True, "kl_to_truth": True}
"""Column -> whether its markers are filled."""


def label_likelihood(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, None]:
    """Draw figure 10.

    Args:
        files: `table` of the figure.
        settings: `runs` (the trainings) and `preset`.
    """
    rows = read_table(files["table"])
    note = convergence_note(settings["preset"], [row["ended_by"] for row in rows])
    return label_likelihood_figure(rows, looks_of(settings["runs"], "treatment"), note), None


def label_likelihood_figure(
    rows: Sequence[Row], looks: Mapping[str, Look], note: str | None = None
) -> Figure:
    """Draw log-likelihoods and distances to the truth, one row of panels per training-set size.

    Args:
        rows: Rows of the table `fig10_discrete_log_likelihood`. If the joint truth is unknown, its
            columns are None.
        looks: Look of the treatment of each model; models with the same look share a line.
        note: Text to write on the figure.

    Raises:
        ValueError: If there are no rows.
    """
    if not rows:
        raise ValueError("figure 10 needs a model; add one to gluino.datasets.labels.models")
    has_truth = any(row["kl_to_truth"] is not None for row in rows)
    line = truth_line(rows)
    rows = (
        rows
        if line is None
        else [moved(row, line, "log_likelihood", "log_likelihood_tight") for row in rows]
    )
    columns = ["log_likelihood", "kl_to_truth"][: 1 + has_truth]
    treatments = list(dict.fromkeys(looks[row["model"]] for row in rows))
    sizes = sorted({row["n_train"] for row in rows})
    with journal_style():
        height = 1.5 + (0.3 + _ROW_HEIGHT * len(treatments)) * len(sizes)
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.subplots(
            len(sizes),
            len(columns),
            sharex="col",
            sharey=True,
            squeeze=False,
            width_ratios=[1.3, 1][: len(columns)],
        )
        for panels, size in zip(axes, sizes, strict=True):
            draw_title(panels[0], f"{short_number(size)} training events")
            own = [row for row in rows if row["n_train"] == size]
            _draw_block(dict(zip(columns, panels, strict=True)), own, treatments, looks)
            if line is not None:
                _draw_truth(panels[0], line)
        _label(axes, treatments, rows, has_truth)
        figure.legend(handles=_legend(rows, has_truth), loc="outside upper left", ncols=3)
        draw_note(figure, note)
    return figure


def _draw_block(
    panels: Mapping[str, Axes],
    rows: Sequence[Row],
    treatments: Sequence[Look],
    looks: Mapping[str, Look],
) -> None:
    """Draw the trainings of one size: one-draw values, tight values, and distances."""
    for place, treatment in enumerate(treatments):
        for axes in panels.values():
            axes.axhline(place + 0.5, color="#dddddd", linewidth=0.6, zorder=0)
        own = [row for row in rows if looks[row["model"]] == treatment]
        permutations = list(dict.fromkeys(row["permutation"] for row in own))
        for i, permutation in enumerate(permutations):
            lane = place + _LANE * (i - (len(permutations) - 1) / 2)
            members = [row for row in own if row["permutation"] == permutation]
            _draw_training(panels, members, lane, treatment)


def _draw_training(
    panels: Mapping[str, Axes], rows: Sequence[Row], lane: float, look: Look
) -> None:
    """Draw the seeds of one model and one training-set size."""
    left = panels["log_likelihood"]
    marker = PERMUTATIONS[rows[0]["permutation"]].marker
    bound = not all(row["exact"] for row in rows)
    one_draw, tight = (
        _draw_point(left, rows, column, lane, look.colour, marker)
        for column in ("log_likelihood", "log_likelihood_tight")
    )
    if one_draw is not None and tight is not None:
        thin: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.6, "zorder": 1}
        left.plot([one_draw, tight], [lane, lane], color=look.colour, **thin)
    if bound and tight is not None:
        draw_arrow(left, (tight, lane), (ARROW, 0), look.colour)
    if "kl_to_truth" in panels:
        right = panels["kl_to_truth"]
        distance = _draw_point(right, rows, "kl_to_truth", lane, look.colour, marker)
        if bound and distance is not None:
            draw_arrow(right, (distance, lane), (-ARROW, 0), look.colour)


def _draw_point(
    axes: Axes, rows: Sequence[Row], column: str, lane: float, colour: str, marker: str
) -> float | None:
    """Draw the mean and spread of a column and return the mean, or None if it is not finite."""
    draw_not_finite(axes, lane, rows, column, colour, along="x")
    found = spread_over_seeds(rows, column)
    if found is None:
        return None
    filled = _FACE[column]
    axes.errorbar(
        [found.mean],
        [lane],
        xerr=[found.spread],
        color=colour,
        marker=marker,
        markerfacecolor=colour if filled else "white",
        linestyle="none",
        capsize=2,
        zorder=3 if filled else 2,
    )
    return found.mean


def _draw_truth(axes: Axes, line: Row) -> None:
    """Draw the true value of a row."""
    value, error = line["log_likelihood_truth"], line["log_likelihood_truth_error"]
    axes.axvline(value, color=TRUTH_COLOUR, linewidth=1.2, zorder=0.5)
    axes.axvspan(value - error, value + error, color=TRUTH_COLOUR, alpha=0.25, linewidth=0)


def _label(axes: Any, treatments: Sequence[Look], rows: Sequence[Row], has_truth: bool) -> None:
    first = axes[0, 0]
    first.set_yticks(range(len(treatments)), [look.label for look in treatments])
    first.set_ylim(len(treatments) - 0.5, -0.5)
    for panel in axes.flat:
        panel.yaxis.set_minor_locator(NullLocator())
        panel.tick_params(axis="y", length=0)
    axes[-1, 0].set_xlabel(r"$\langle\, \mathrm{log}\, p\, \rangle$ of test events  [nats]")
    if not has_truth:
        return
    last = axes[-1, 1]
    last.set_xlabel(r"KL(truth $\mathrm{\parallel}$ model)  [nats]")
    distances = [row["kl_to_truth"] for row in rows if row["kl_to_truth"] is not None]
    if min(filter(math.isfinite, distances), default=0) > 0:
        last.set_xscale("log")
        last.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        last.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        last.xaxis.set_minor_formatter(NullFormatter())


def _legend(rows: Sequence[Row], has_truth: bool) -> list[Line2D]:
    shared: dict[str, Any] = {"linestyle": "none", "color": "black"}
    handles = []
    for permutation in dict.fromkeys(row["permutation"] for row in rows):
        look = PERMUTATIONS[permutation]
        handles.append(Line2D([], [], marker=look.marker, label=look.label, **shared))
    handles += [
        Line2D([], [], marker="o", label="exact", **shared),
        Line2D(
            [], [], marker="$→$", markersize=9, label="lower bound (of KL: upper bound)", **shared
        ),
        Line2D([], [], marker="o", mfc="white", label="one draw, as in the paper", **shared),
    ]
    truth = "truth: best possible" if has_truth else NO_TRUTH
    line = Line2D([], [], color=TRUTH_COLOUR, linewidth=1.2 if has_truth else 0, label=truth)
    return [*handles, line, *not_finite_entry(rows, list(_FACE))]
