"""Marks for means that are not finite: they cannot be drawn on an axis but must be visible."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import (
    CARETDOWNBASE,
    CARETLEFTBASE,
    CARETRIGHTBASE,
    CARETUPBASE,
)

Row = Mapping[str, Any]

COUNT = "not_finite"
"""Table column with the number of events without a finite value."""

_OFFSET = 6
"""Distance from the edge of the frame to the text of a mark [points]."""

_MARKERS = {("y", 0): CARETDOWNBASE, ("y", 1): CARETUPBASE,
            ("x", 0): CARETLEFTBASE, ("x", 1): CARETRIGHTBASE}  # fmt: skip
"""(axis of the values, edge) -> marker; edge 0 is the lower or left edge."""


def is_not_finite(value: float | None) -> bool:
    """Whether a value is infinite or NaN; an unknown value, None, is neither.

    Args:
        value: A value of a table.
    """
    return value is not None and not math.isfinite(value)


def draw_not_finite(
    axes: Axes,
    place: float,
    rows: Sequence[Row],
    column: str,
    colour: str,
    along: Literal["x", "y"] = "y",
) -> None:
    """Mark values that are not finite at the edge of the frame, if there are any.

    Args:
        axes: Axes to draw on.
        place: Position on the other axis, in its units.
        rows: Rows of a table that are drawn as one point, e.g. several seeds.
        column: The column that is drawn.
        colour: Colour of the model.
        along: Axis of the values.
    """
    found = [row[column] for row in rows if is_not_finite(row[column])]
    if not found:
        return
    edge = 1 if found[0] == math.inf else 0
    known = sum(row[column] is not None for row in rows)
    share = f" ({len(found)}/{known})" if known > 1 else ""
    transform = axes.get_xaxis_transform() if along == "y" else axes.get_yaxis_transform()
    point = (place, edge) if along == "y" else (edge, place)
    look: dict[str, Any] = {"color": colour, "clip_on": False, "linestyle": "none", "zorder": 5}
    marker = _MARKERS[along, edge]
    axes.plot([point[0]], [point[1]], marker=marker, transform=transform, **look)
    inwards = _OFFSET if edge == 0 else -_OFFSET
    axes.annotate(
        _symbol(found[0]) + share,
        point,
        xycoords=transform,
        xytext=(0, inwards) if along == "y" else (inwards, 0),
        textcoords="offset points",
        ha="center" if along == "y" else ("right" if edge else "left"),
        va="center" if along == "x" else ("top" if edge else "bottom"),
        color=colour,
        fontsize=7.5,
    )


def not_finite_entry(rows: Sequence[Row], columns: Sequence[str]) -> list[Line2D]:
    """Legend entry that explains the marks; empty if there are none.

    Args:
        rows: All rows that are drawn; they have the column `COUNT`.
        columns: The columns that are drawn.
    """
    counts = [
        int(row[COUNT]) for row in rows if any(is_not_finite(row[column]) for column in columns)
    ]
    if not counts:
        return []
    most = max(counts)
    label = f"not finite: {most} test event{'' if most == 1 else 's'} without density"
    if len(set(counts)) > 1:
        label = f"not finite: up to {most} test events without density"
    marker: dict[str, Any] = {"marker": CARETDOWNBASE, "linestyle": "none", "color": "black"}
    return [Line2D([], [], label=label, **marker)]


def _symbol(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return r"$\infty$" if value > 0 else r"$-\infty$"
