"""Log-likelihood versus training-set size (Verheyen 2022, arXiv:2205.01697, figure 5).

Next to the value that the paper reports are the exact log-density of the model as a generator of
unordered sets of particles, and the best value that any model could reach. Means that are not
finite are marked at the edge of the frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from hepdensity.files import read_table
from hepdensity.models.kind import Look
from hepdensity.plotting.not_finite import draw_not_finite, not_finite_entry
from hepdensity.plotting.style import (
    PALETTE,
    TRUTH_COLOUR,
    convergence_note,
    draw_note,
    journal_style,
    looks_of,
    short_number,
)

Row = Mapping[str, Any]

SYMMETRISED = "-symmetrised"
"""Suffix of the name of a model that is averaged over all particle orders."""

NO_TRUTH = "no truth line: these events have no known $\\alpha_s$"
COLUMNS = ("log_likelihood", "log_likelihood_exact", "kl_to_truth")
"""Columns of the table that are drawn."""

_WIDTH = 5.2
_DASHES = (0, (3, 2))
ARROW = 11.0
"""Length of the arrows that mark bounds [points]."""
_SHIFT = 1.03
"""Ratio of the horizontal positions of neighbouring models, so that error bars do not overlap."""


@dataclass(frozen=True)
class Spread:
    """Values of several trainings that differ in their seed.

    Attributes:
        mean: Their mean.
        spread: Their standard deviation, or the standard error of a single training.
        seeds: Number of trainings.
    """

    mean: float
    spread: float
    seeds: int


def spread_over_seeds(rows: Sequence[Row], column: str) -> Spread | None:
    """Mean and spread of a column over all trainings with a finite value; None if there are none.

    Values that are not finite need a mark (see `hepdensity.plotting.not_finite`).

    Args:
        rows: Rows of one model and one training-set size.
        column: A column with its standard error in `<column>_error`.
    """
    values = [row[column] for row in rows if _is_finite(row[column])]
    if not values:
        return None
    if len(values) > 1:
        return Spread(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))
    single = next(row for row in rows if _is_finite(row[column]))
    return Spread(values[0], single[f"{column}_error"] or 0.0, 1)


def log_likelihood(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, None]:
    """Draw figure 5.

    Args:
        files: `table` of the figure.
        settings: `runs` (the trainings) and `preset`.
    """
    rows = read_table(files["table"])
    note = convergence_note(settings["preset"], [row["ended_by"] for row in rows])
    return log_likelihood_figure(rows, looks_of(settings["runs"]), note), None


def look_of(model: str, looks: Mapping[str, Look]) -> Look:
    """Look of a row of the table, including models averaged over all particle orders.

    Args:
        model: Name in the table.
        looks: Look of each model.
    """
    name = model.removesuffix(SYMMETRISED)
    if name == model:
        return looks[model]
    return Look(f"{looks[name].label}, symmetrised", PALETTE[3], "D")


def truth_line(rows: Sequence[Row]) -> Row | None:
    """The row whose true value comes from the most test events; None if no row has one.

    Args:
        rows: Rows of a table with log-likelihoods.
    """
    known = [row for row in rows if _is_finite(row["log_likelihood_truth"])]
    return min(known, key=lambda row: float(row["log_likelihood_truth_error"]), default=None)


def moved(row: Row, line: Row, *names: str) -> Row:
    """Shift values of a row by the difference between the truth line and the row's own truth.

    Bounds are known for fewer test events than exact values. After the shift, all values can be
    compared with one truth line.

    Args:
        row: A row of the table.
        line: The row from `truth_line`.
        names: Columns to move.
    """
    if row["log_likelihood_truth"] is None:
        return row
    shift = line["log_likelihood_truth"] - row["log_likelihood_truth"]
    return {**row, **{name: row[name] + shift for name in names if row[name] is not None}}


def draw_arrow(
    axes: Axes, point: tuple[float, float], length: tuple[float, float], colour: str
) -> None:
    """Draw an arrow from a bound in the direction of the exact value.

    Args:
        axes: Axes to draw on.
        point: The bound.
        length: Length of the arrow along both axes [points].
        colour: Colour of the model.
    """
    axes.annotate(
        "",
        xy=point,
        xytext=length,
        textcoords="offset points",
        arrowprops={"arrowstyle": "<-", "color": colour, "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )


def log_likelihood_figure(
    rows: Sequence[Row], looks: Mapping[str, Look], note: str | None = None
) -> Figure:
    """Draw log-likelihood and, if known, distance to the truth versus training-set size.

    Args:
        rows: Rows of the table `fig05_log_likelihood`; columns of an unknown truth are None.
        looks: Look of each model.
        note: Text to write on the figure.
    """
    line = truth_line(rows)
    has_truth = line is not None
    if line is not None:
        rows = [moved(row, line, "log_likelihood", "log_likelihood_exact") for row in rows]
    models = list(dict.fromkeys(row["model"] for row in rows))
    with journal_style():
        figure = Figure(figsize=(_WIDTH, 5.4 if has_truth else 3.6))
        panels = figure.subplots(
            1 + has_truth, 1, sharex=True, squeeze=False, height_ratios=[1.5, 1][: 1 + has_truth]
        )[:, 0]
        for i, model in enumerate(models):
            own = [row for row in rows if row["model"] == model]
            shift = _SHIFT ** (i - (len(models) - 1) / 2)
            look = look_of(model, looks)
            _draw_model(panels[0], own, "log_likelihood", look, shift, exact=False)
            _draw_model(panels[0], own, "log_likelihood_exact", look, shift, exact=True)
            if has_truth:
                _draw_model(panels[1], own, "kl_to_truth", look, shift, exact=True)
        _draw_truth(panels[0], line)
        _label_sizes(panels[-1], sorted({row["n_train"] for row in rows}))
        panels[0].set_ylabel(r"$\langle\, \mathrm{log}\, p\, \rangle$ of test events  [nats]")
        # Outside the frame, the legend cannot cover points or the truth line.
        figure.legend(
            handles=_legend([look_of(model, looks) for model in models], rows, has_truth),
            loc="outside upper left",
            ncols=2,
        )
        if has_truth:
            _label_distance(panels[1], rows)
        draw_note(figure, note)
    return figure


def _draw_model(
    axes: Axes, rows: Sequence[Row], column: str, look: Look, shift: float, exact: bool
) -> None:
    """Draw a column of a model: exact values filled and solid, the paper's open and dashed."""
    points = []
    for size in sorted({row["n_train"] for row in rows}):
        seeds = [row for row in rows if row["n_train"] == size]
        spread = spread_over_seeds(seeds, column)
        if spread is not None:
            points.append((size, spread))
            if column != "log_likelihood" and not all(row["exact"] for row in seeds):
                rise = -ARROW if column == "kl_to_truth" else ARROW
                draw_arrow(axes, (size * shift, spread.mean), (0, rise), look.colour)
        draw_not_finite(axes, size * shift, seeds, column, look.colour)
    if not points:
        return
    axes.errorbar(
        [size * shift for size, _ in points],
        [spread.mean for _, spread in points],
        yerr=[spread.spread for _, spread in points],
        color=look.colour,
        marker=look.marker,
        markerfacecolor=look.colour if exact else "white",
        linestyle="-" if exact else _DASHES,
        linewidth=1.2 if exact else 0.9,
        capsize=2,
        zorder=3 if exact else 2,
    )


def _draw_truth(axes: Axes, line: Row | None) -> None:
    if line is None:
        axes.text(0.02, 0.97, NO_TRUTH, transform=axes.transAxes, va="top", fontsize=7.5)
        return
    value, error = line["log_likelihood_truth"], line["log_likelihood_truth_error"]
    axes.axhline(value, color=TRUTH_COLOUR, linewidth=1.2)
    axes.axhspan(value - error, value + error, color=TRUTH_COLOUR, alpha=0.25, linewidth=0)


def _label_sizes(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set_xlabel("training events")
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] / 1.4, sizes[-1] * 1.4)
    axes.set_xticks(sizes, [short_number(size) for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())


def _label_distance(axes: Axes, rows: Sequence[Row]) -> None:
    axes.set_ylabel(r"KL(truth $\mathrm{\parallel}$ model)  [nats]")
    distances = [row["kl_to_truth"] for row in rows if _is_finite(row["kl_to_truth"])]
    if min(distances, default=0) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        # Label minor ticks within one decade; over more decades the labels would overlap.
        crowded = max(distances) > 10 * min(distances)
        axes.yaxis.set_minor_formatter(lambda value, _: "" if crowded else f"{value:g}")


def _legend(looks: Sequence[Look], rows: Sequence[Row], has_truth: bool) -> list[Line2D]:
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, label=look.label) for look in looks
    ]
    shared: dict[str, Any] = {"color": "black", "marker": "o"}
    dashed: dict[str, Any] = {"linestyle": _DASHES, "markerfacecolor": "white"}
    handles.append(Line2D([], [], label="exact, for unordered sets", **shared))
    handles.append(Line2D([], [], label="one draw, as in the paper", **shared, **dashed))
    if not all(row["exact"] for row in rows):
        arrow: dict[str, Any] = {"marker": "$\\uparrow$", "markersize": 9, "linestyle": "none"}
        name = "lower bound (of KL: upper bound)"
        handles.append(Line2D([], [], color="black", label=name, **arrow))
    if has_truth:
        handles.append(Line2D([], [], color=TRUTH_COLOUR, label="truth: best possible"))
    return handles + not_finite_entry(rows, COLUMNS)


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)
