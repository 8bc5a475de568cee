"""Max SI of all signals by channel and model (Verheyen 2022, arXiv:2205.01697, figure 14).

One panel per channel, one line per model, permutation treatment and N_max, one marker per signal.
Beside the models of the paper are ours, combinations with plain cuts, and references on the same
events. Published results are drawn only for the events of the challenge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import CARETLEFTBASE
from matplotlib.ticker import LogLocator, NullLocator

from hepdensity.evaluation.anomaly import RANDOM_GUESS
from hepdensity.plotting.style import (
    PALETTE,
    PERMUTATIONS,
    WIDTH,
    draw_note,
    draw_title,
    journal_style,
    note_of,
)
from hepdensity.studies.darkmachines.evaluation.references import (
    CUTS,
    DEEP_SVDD,
    FOREST,
    OTHER_SIGNALS,
    SUPERVISED,
)
from hepdensity.studies.darkmachines.evaluation.score_table import figure_rows, read_rows
from hepdensity.studies.darkmachines.plotting.published_lines import (
    PUBLISHED,
    draw_published,
    published_legend,
)

Row = Mapping[str, Any]

STOCHASTIC, SORT = PALETTE[2], PALETTE[0]
"""Colours of the permutation treatments, red and blue as in the paper."""

_COLOURS = {"stochastic": STOCHASTIC, "sort": SORT}
_REFERENCE = "#717581"
_MARKERS = ("o", "s", "^", "P")
_NAMES = {
    **dict(zip(CUTS, ("MET", r"$H_T$", r"$M_\mathrm{eff}$"), strict=True)),
    DEEP_SVDD: "Deep SVDD",
    FOREST: "isolation forest",
    OTHER_SIGNALS: "other signals known",
    SUPERVISED: "signal known: ceiling",
}
_DOTS = (0, (1, 2))
_LOWEST, _HIGHEST = 0.03, 100.0
_SMALLEST_HIGHEST = 3.0
_LINE, _FRAME = 0.155, 1.15
"""Height of a line, and of everything else [inch]."""

FINAL = "final"


@dataclass(frozen=True)
class Line:
    """A horizontal line of the figure.

    Attributes:
        group: Name beside the first line of a group.
        model: Model of the table.
        dataset: Its dataset without the channel, e.g. "max8"; None for references.
        colour: Colour of its markers.
        n_max: N_max; None for references.
    """

    group: str
    model: str
    dataset: str | None
    colour: str
    n_max: int | None


def max_si(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 14, and give the rows of its table.

    Args:
        files: The tables `scores` (`darkmachines_scores`) and `summary` (`darkmachines_summary`),
            and the `summaries` of the trainings.
        settings: `runs` (the trainings), `signals` (channel -> signal -> role), `combinations`
            (name -> {`model`, `with`}), `published` (whether the events are those of the
            challenge), and the `preset`.
    """
    rows = read_rows(files["scores"])
    figure = max_si_figure(rows, read_rows(files["summary"]), settings, note_of(files, settings))
    return figure, figure_rows(rows)


def max_si_figure(
    rows: Sequence[Row],
    summary: Sequence[Row],
    settings: Mapping[str, Any],
    note: str | None = None,
) -> Figure:
    """Draw one panel per channel.

    Args:
        rows: Rows of the table `darkmachines_scores`.
        summary: Rows of the table `darkmachines_summary`.
        settings: `runs`, `signals`, `combinations` and `published`.
        note: Text to write on the figure.
    """
    rows, summary = _largest_training(rows), _largest_training(summary)
    lines = lines_of(rows, settings)
    extra = PUBLISHED if settings.get("published") else ()
    names = [line.group for line in lines] + list(extra)
    heights = _heights(names)
    markers = dict(zip(sorted({one.n_max for one in lines if one.n_max}), _MARKERS, strict=False))
    highest = _HIGHEST if extra else _highest(rows)
    with journal_style():
        height = _FRAME + _LINE * (max(heights) + 1)
        figure = Figure(figsize=(WIDTH, height))
        channels = [name for name, roles in settings["signals"].items() if roles]
        panels = figure.subplots(1, len(channels), sharey=True, squeeze=False)[0]
        for channel, axes in zip(channels, panels, strict=True):
            own = [row for row in rows if row["channel"] == channel]
            centres = [row for row in summary if row["channel"] == channel]
            for line, y in zip(lines, heights, strict=False):
                marker = markers.get(line.n_max or 0, "o")
                _draw_line(axes, y, line, marker, own, centres)
            draw_published(axes, channel, dict(zip(extra, heights[len(lines) :], strict=True)))
            _finish(axes, channel, own, highest)
        _name_lines(panels[0], names, heights)
        _draw_legend(figure, [*_legend(lines, markers, rows), *published_legend(bool(extra))])
        draw_note(figure, note)
    return figure


def lines_of(rows: Sequence[Row], settings: Mapping[str, Any]) -> list[Line]:
    """Lines of the figure from top to bottom: models of the paper, ours, combinations, references.

    Args:
        rows: Rows of the table.
        settings: `runs` and `combinations`.
    """
    seen = {(row["model"], _view(row)): row for row in rows}
    runs = {run["model"]: run for run in settings["runs"]}
    combinations = settings.get("combinations", {})
    found: list[tuple[int, Line]] = []
    for (model, view), row in seen.items():
        base = combinations[model]["model"] if model in combinations else model
        if base in runs:
            run = runs[base]
            order = ", file order" if str(view).startswith("file") else ""
            group = run["treatment"]["label"] + order + _added(combinations.get(model))
            colour = _COLOURS.get(run["permutation"], run["look"]["colour"])
            rank = 2 if model in combinations else int(run["family"] != "paper")
        else:
            group, colour, rank = _NAMES.get(model, model), _REFERENCE, 3
        found.append((rank, Line(group, model, view, colour, row["n_max"])))
    groups = list(dict.fromkeys(line.group for _, line in sorted(found, key=lambda one: one[0])))
    return sorted((line for _, line in found), key=lambda line: groups.index(line.group))


def _added(combination: Mapping[str, Any] | None) -> str:
    """What a combination adds to the name of a model: its measure and the references."""
    if combination is None:
        return ""
    measure = ""
    if "measure" in combination:
        power = combination["measure"].get("pt", 0)
        measure = ", per phase space" if power == 2 else rf", per $p_T^{{{power:g}}}$"
    return measure + "".join(f" + {_NAMES.get(name, name)}" for name in combination["with"])


def _view(row: Row) -> str | None:
    """Dataset without its channel."""
    dataset = row["dataset"]
    return None if dataset is None else str(dataset).rpartition("-")[2]


def _largest_training(rows: Sequence[Row]) -> list[Row]:
    """Rows of the largest training set of each model in each dataset."""
    largest: dict[tuple[Any, ...], int] = {}
    for row in rows:
        key = (row["channel"], row["dataset"], row["model"])
        largest[key] = max(largest.get(key, 0), row["n_train"])
    return [
        row
        for row in rows
        if row["n_train"] == largest[row["channel"], row["dataset"], row["model"]]
    ]


def _heights(names: Sequence[str]) -> list[float]:
    """Position of each line, from the top; groups are a little apart."""
    heights, y = [], 0.0
    for i, name in enumerate(names):
        if i:
            y += 1.0 if name == names[i - 1] else 1.6
        heights.append(y)
    return heights


def _draw_line(
    axes: Axes, y: float, line: Line, marker: str, rows: Sequence[Row], centres: Sequence[Row]
) -> None:
    own = [row for row in rows if (row["model"], _view(row)) == (line.model, line.dataset)]
    for signal in dict.fromkeys(row["signal"] for row in own):
        _draw_signal(axes, y, line, marker, [row for row in own if row["signal"] == signal])
    found = [row for row in centres if (row["model"], _view(row)) == (line.model, line.dataset)]
    _draw_median(axes, y, found)


def _draw_signal(axes: Axes, y: float, line: Line, marker: str, rows: Sequence[Row]) -> None:
    """Geometric mean over seeds, with the interval over events; at the edge if it is tiny."""
    known = [row for row in rows if row["max_si_resolved"] is not None]
    if not known:
        return
    value, low, high = (
        _mean(row[f"max_si_resolved{suffix}"] for row in known) for suffix in ("", "_low", "_high")
    )
    filled = line.colour if rows[0]["signal_role"] == FINAL else "white"
    look: dict[str, Any] = {"color": line.colour, "markeredgewidth": 0.7, "zorder": 3}
    if value < _LOWEST:
        edge = axes.get_yaxis_transform()
        axes.plot([0], [y], marker=CARETLEFTBASE, markersize=3, transform=edge, clip_on=False,
                  markerfacecolor=filled, **look)  # fmt: skip
        return
    axes.plot([max(low, _LOWEST / 2), high], [y, y], color=line.colour, linewidth=0.6, alpha=0.45)
    axes.plot([value], [y], marker=marker, markersize=3.2, markerfacecolor=filled, **look)


def _draw_median(axes: Axes, y: float, rows: Sequence[Row]) -> None:
    """Median over the final signals, or over the tuning signals if there are no others.

    A median of 0 is drawn at the edge.
    """
    known = [row for row in rows if row["median"] is not None]
    best = next((row for row in known if row["signal_role"] == FINAL), next(iter(known), None))
    if best is None:
        return
    low, value, high = (max(best[f"median{end}"], _LOWEST) for end in ("_low", "", "_high"))
    axes.plot([low, high], [y, y], color="black", linewidth=2.2, alpha=0.35)
    axes.plot([value], [y], marker="|", color="black", markersize=8, markeredgewidth=1.6,
              zorder=4)  # fmt: skip


def _mean(values: Iterable[float]) -> float:
    """Geometric mean; 0 if one is 0."""
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(list(values)).mean()))


def _highest(rows: Sequence[Row]) -> float:
    """Right edge of the panels."""
    values = [row["max_si_resolved_high"] for row in rows]
    highest = max([_SMALLEST_HIGHEST, *(value for value in values if value is not None)])
    return float(highest * 1.25)


def _finish(axes: Axes, channel: str, rows: Sequence[Row], highest: float) -> None:
    draw_title(axes, f"channel {channel}")
    axes.set_xscale("log")
    axes.set_xlim(_LOWEST, highest)
    axes.set_xlabel("Max SI")
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(axis="y", which="both", length=0)
    axes.axvline(RANDOM_GUESS, color="black", linewidth=0.6, linestyle=_DOTS)
    if rows and all(row["max_si_resolved"] is None for row in rows):
        told = "too few test events:\nno working point\nresolved"
        axes.text(0.5, 0.5, told, transform=axes.transAxes, ha="center", va="center", fontsize=7.5)


def _name_lines(axes: Axes, names: Sequence[str], heights: Sequence[float]) -> None:
    """Name each group at its middle."""
    groups = list(dict.fromkeys(names))
    places = [[y for name, y in zip(names, heights, strict=True) if name == one] for one in groups]
    axes.set_yticks([float(np.mean(ys)) for ys in places], groups)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(max(heights) + 1, -1)


def _legend(
    lines: Sequence[Line], markers: Mapping[int, str], rows: Sequence[Row]
) -> list[list[Line2D]]:
    """Columns of the legend."""
    used = {line.colour for line in lines}
    point: dict[str, Any] = {"linestyle": "none", "markersize": 4}
    hollow: dict[str, Any] = {"markerfacecolor": "white", **point}
    treatments = [
        Line2D([], [], marker="o", color=colour, label=PERMUTATIONS[name].label, **point)
        for name, colour in _COLOURS.items()
        if colour in used
    ]
    sizes = [
        Line2D([], [], marker=marker, color="black", label=rf"$N_{{max}}$ = {n_max}", **hollow)
        for n_max, marker in markers.items()
    ]
    roles = {row["signal_role"] for row in rows}
    signals = [
        Line2D([], [], marker="o", color=_REFERENCE, label="final signal", **point),
        Line2D([], [], marker="o", color=_REFERENCE, label="tuning signal", **hollow),
    ]
    told = "median of final signals, 68 %" if FINAL in roles else "median, 68 %"
    bar: dict[str, Any] = {"linestyle": "none", "markersize": 8, "markeredgewidth": 1.6}
    others = [
        Line2D([], [], marker="|", color="black", label=told, **bar),
        Line2D([], [], color="black", linewidth=0.6, linestyle=_DOTS, label="random guess"),
    ]
    return [treatments, sizes, signals if len(roles) > 1 else [], others]


def _draw_legend(figure: Figure, columns: Sequence[Sequence[Line2D]]) -> None:
    shown = [column for column in columns if column]
    rows = max(map(len, shown))
    empty = Line2D([], [], linestyle="none", label=" ")
    handles = [one for column in shown for one in [*column, *[empty] * (rows - len(column))]]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=len(shown), fontsize=7, columnspacing=1.0
    )
