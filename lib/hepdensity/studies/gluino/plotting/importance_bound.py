"""Importance-weighted bounds on log-likelihoods versus the number of draws.

The draws are nested, so the points of a line are strongly correlated. The error bars show only the
statistical error of the test events, so the rise of a line is more significant than they suggest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from hepdensity.files import read_table
from hepdensity.models.kind import Look
from hepdensity.plotting.not_finite import draw_not_finite, not_finite_entry
from hepdensity.plotting.style import (
    PERMUTATIONS,
    TRUTH_COLOUR,
    WIDTH,
    draw_note,
    draw_title,
    journal_style,
    looks_of,
    note_of,
    short_number,
)
from hepdensity.studies.gluino.plotting.likelihood import spread_over_seeds

Row = Mapping[str, Any]

LABELS = {
    "log_likelihood_bound": r"bound on $\langle\, \mathrm{log}\, p\, \rangle$  [nats]",
    "kl_to_truth": r"KL(truth $\mathrm{\parallel}$ model)  [nats]",
}
"""Column of the table -> label of its axis."""

_DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)), (0, (4, 1.5, 1, 1.5)))
"""Line styles of training-set sizes, the largest first."""


def importance_bound(files: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Figure, None]:
    """Draw the bounds of the models of labels.

    Args:
        files: `table` of the bounds and `summaries` of the trainings.
        settings: `runs` (the trainings) and `preset`.
    """
    looks = looks_of(settings["runs"], "treatment")
    return importance_bound_figure(
        read_table(files["table"]), looks, note_of(files, settings)
    ), None


def importance_bound_figure(
    rows: Sequence[Row], looks: Mapping[str, Look], note: str | None = None
) -> Figure:
    """Draw bounds versus draws, one column per permutation treatment.

    Args:
        rows: Rows of the table `fig10_importance_bound`. An exact model has one row, without
            `draws`; if the joint truth is unknown, its columns are None.
        looks: Look of the treatment of each model.
        note: Text to write on the figure.

    Raises:
        ValueError: If there are no rows.
    """
    if not rows:
        raise ValueError(
            "a figure of bounds needs a model; add one to gluino.datasets.labels.models"
        )
    named = list(dict.fromkeys(row["permutation"] for row in rows))
    shown = [permutation for permutation in named if permutation is not None] or named
    columns = [name for name in LABELS if any(row[name] is not None for row in rows)]
    sizes = sorted({row["n_train"] for row in rows}, reverse=True)
    lines = {size: _DASHES[i % len(_DASHES)] for i, size in enumerate(sizes)}
    with journal_style():
        figure = Figure(figsize=(WIDTH, 1.4 + 2.1 * len(columns)))
        axes = figure.subplots(len(columns), len(shown), sharex=True, sharey="row", squeeze=False)
        for panels, permutation in zip(axes.T, shown, strict=True):
            draw_title(panels[0], PERMUTATIONS[permutation].label)
            own = [row for row in rows if row["permutation"] in (permutation, None)]
            for panel, column in zip(panels, columns, strict=True):
                _draw_models(panel, own, column, lines, looks)
            panels[-1].set_xlabel("importance draws per event")
        for panel, column in zip(axes[:, 0], columns, strict=True):
            panel.set_ylabel(LABELS[column])
        _scale(axes, rows, columns)
        figure.legend(handles=_legend(rows, lines, looks), loc="outside upper left", ncols=3)
        draw_note(figure, note)
    return figure


def _draw_models(
    axes: Axes,
    rows: Sequence[Row],
    column: str,
    lines: Mapping[int, Any],
    looks: Mapping[str, Look],
) -> None:
    """Draw one line per model and training-set size; exact models are horizontal lines.

    Values that are not finite are marked at the edge, at the first draw for exact models.
    """
    for model, size in dict.fromkeys((row["model"], row["n_train"]) for row in rows):
        own = [row for row in rows if (row["model"], row["n_train"]) == (model, size)]
        look = looks[model]
        draws = sorted({row["draws"] for row in own if row["draws"] is not None})
        if not draws:
            draw_not_finite(axes, 1, own, column, look.colour)
            exact = spread_over_seeds(own, column)
            if exact is not None:
                axes.axhline(exact.mean, color=look.colour, linestyle=lines[size], linewidth=0.9)
            continue
        points = []
        for number in draws:
            seeds = [row for row in own if row["draws"] == number]
            spread = spread_over_seeds(seeds, column)
            if spread is not None:
                points.append((number, spread))
            draw_not_finite(axes, number, seeds, column, look.colour)
        axes.errorbar(
            [number for number, _ in points],
            [spread.mean for _, spread in points],
            yerr=[spread.spread for _, spread in points],
            color=look.colour,
            marker=look.marker,
            linestyle=lines[size],
            capsize=2,
        )


def _scale(axes: Any, rows: Sequence[Row], columns: Sequence[str]) -> None:
    draws = sorted({row["draws"] for row in rows if row["draws"] is not None})
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_xlim(min(draws, default=1) / 1.5, max(draws, default=1) * 1.5)
    axes[0, 0].set_xticks(draws, [str(number) for number in draws])
    axes[0, 0].xaxis.set_minor_locator(NullLocator())
    if "kl_to_truth" in columns:
        distances = [row["kl_to_truth"] for row in rows if row["kl_to_truth"] is not None]
        known = [value for value in distances if math.isfinite(value)]
        if min(known, default=0) > 0:
            axes[-1, 0].set_yscale("log")
            axes[-1, 0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            crowded = max(known) > 10 * min(known)
            axes[-1, 0].yaxis.set_minor_formatter(lambda value, _: "" if crowded else f"{value:g}")


def _legend(
    rows: Sequence[Row], lines: Mapping[int, Any], looks: Mapping[str, Look]
) -> list[Line2D]:
    handles = {}
    for row in rows:
        look, exact = looks[row["model"]], row["draws"] is None
        handles[look] = Line2D(
            [],
            [],
            color=look.colour,
            marker="" if exact else look.marker,
            linewidth=0.9 if exact else 1.2,
            label=f"{look.label}{', exact' if exact else ''}",
        )
    sizes = [
        Line2D([], [], color=TRUTH_COLOUR, linestyle=line, label=f"{short_number(size)} events")
        for size, line in lines.items()
    ]
    entry = not_finite_entry(rows, list(LABELS))
    return [*handles.values(), *(sizes if len(sizes) > 1 else []), *entry]
