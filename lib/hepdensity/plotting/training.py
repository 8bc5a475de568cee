"""Training curves: loss and learning rate versus step, and what ended each training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from hepdensity.files import read_json, read_table
from hepdensity.plotting.style import (
    WIDTH,
    convergence_note,
    draw_note,
    draw_title,
    journal_style,
    sequence_colours,
    short_number,
)

MAX_POINTS = 500
"""Maximum number of points of a curve in the figure and the table; longer ones are thinned."""

START_FRACTION = 0.05
"""Initial fraction of a training whose validation losses may lie outside the frame."""

MAX_COLUMNS = 4
"""Maximum number of models side by side; more models need several rows."""

COLUMNS = ("step", "learning_rate", "training_loss", "validation_loss", "seconds")

ENDINGS = {
    "learning rate": ("v", "learning rate"),
    "validations": ("s", "validation limit"),
    "schedule": ("D", "end of schedule"),
    "steps": ("o", "step limit"),
    "seconds": ("X", "time limit"),
}
"""What can end a training -> its marker and its name in figures."""

_HEIGHT = 4.4


@dataclass(frozen=True)
class TrainingCurve:
    """History of one training.

    Attributes:
        model: Name of the model.
        n_train: Number of training events.
        seed: Seed of the training.
        history: Rows with `COLUMNS`; losses in nats.
        ended_by: What ended the training, a key of `ENDINGS`.
        label: Name of the model in figures.
    """

    model: str
    n_train: int
    seed: int
    history: Sequence[Mapping[str, Any]]
    ended_by: str
    label: str

    def thinned(self) -> list[Mapping[str, Any]]:
        """At most `MAX_POINTS` evenly spaced rows, including the last one."""
        stride = -(-len(self.history) // MAX_POINTS)
        return list(self.history)[::-1][::stride][::-1]


def training_curves(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw the training curves of a dataset.

    Args:
        files: `histories` and `summaries` of the trainings.
        settings: `runs` (the trainings) and `preset`.
    """
    histories = [read_table(path) for path in files["histories"]]
    ended_by = [read_json(path)["ended_by"] for path in files["summaries"]]
    curves = [
        TrainingCurve(
            run["model"], run["n_train"], run["seed"], history, ending, run["look"]["label"]
        )
        for run, history, ending in zip(settings["runs"], histories, ended_by, strict=True)
    ]
    return training_figure(curves, convergence_note(settings["preset"], ended_by))


def training_figure(
    curves: Sequence[TrainingCurve], note: str | None = None
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw losses above learning rates, one column per model, in rows of `MAX_COLUMNS`.

    Args:
        curves: One per training.
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    models = list(dict.fromkeys(curve.model for curve in curves))
    colours = sequence_colours([curve.n_train for curve in curves])
    columns = min(len(models), MAX_COLUMNS)
    blocks = [models[i : i + columns] for i in range(0, len(models), columns)]
    with journal_style():
        size = (WIDTH * max(1, columns / 3), _HEIGHT * len(blocks))
        figure = Figure(figsize=size)
        parts = figure.subfigures(len(blocks), 1, squeeze=False)[:, 0]
        for part, block in zip(parts, blocks, strict=True):
            own = [curve for curve in curves if curve.model in block]
            _draw_block(part, own, columns, colours)
        endings = list(dict.fromkeys(curve.ended_by for curve in curves))
        last = figure.axes[columns - 1]
        last.legend(handles=_legend(colours, endings), loc="upper right")
        draw_note(figure, note)
    return figure, [row for curve in curves for row in _rows(curve)]


def _draw_block(
    part: SubFigure, curves: Sequence[TrainingCurve], columns: int, colours: Mapping[int, str]
) -> None:
    """Draw the models in one row of the figure; their losses share an axis."""
    axes = part.subplots(2, columns, sharex=True, sharey="row", squeeze=False, height_ratios=[2, 1])
    models = list(dict.fromkeys(curve.model for curve in curves))
    for upper, lower in axes.T[len(models) :]:
        upper.remove()
        lower.remove()
    for model, (upper, lower) in zip(models, axes.T, strict=False):
        draw_title(upper, next(curve.label for curve in curves if curve.model == model))
        for curve in (curve for curve in curves if curve.model == model):
            _draw_curve(upper, lower, curve, colours[curve.n_train])
        lower.set_xlabel("step")
        lower.set_yscale("log")
    axes[0, 0].set_ylabel("loss  [nats]")
    axes[1, 0].set_ylabel("learning rate")
    _show_a_decade(axes[1, 0])
    _leave_out_the_start(axes[0, 0], curves)


def _draw_curve(upper: Axes, lower: Axes, curve: TrainingCurve, colour: str) -> None:
    rows = curve.thinned()
    steps = [row["step"] for row in rows]
    columns = {name: [_number(row[name]) for row in rows] for name in COLUMNS[1:4]}
    # A cosine may end at zero, which a logarithmic axis cannot show.
    columns["learning_rate"] = [rate or math.nan for rate in columns["learning_rate"]]
    upper.plot(steps, columns["training_loss"], color=colour, linewidth=0.5, alpha=0.6)
    upper.plot(steps, columns["validation_loss"], color=colour, linewidth=1.0)
    lower.step(steps, columns["learning_rate"], color=colour, where="post", linewidth=1.0)
    marker, _ = ENDINGS[curve.ended_by]
    end: dict[str, Any] = {"color": colour, "marker": marker, "clip_on": False, "zorder": 5}
    upper.plot(steps[-1:], columns["validation_loss"][-1:], **end)
    lower.plot(steps[-1:], columns["learning_rate"][-1:], **end)


def _show_a_decade(axes: Axes) -> None:
    """Show at least one decade of learning rates, labelled only at powers of ten."""
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, high / 15), high)
    axes.yaxis.set_minor_formatter(NullFormatter())


def _leave_out_the_start(axes: Axes, curves: Sequence[TrainingCurve]) -> None:
    """Limit the frame to the losses after the steep fall of the first steps."""
    later = []
    for curve in curves:
        losses = [_number(row["validation_loss"]) for row in curve.history]
        later += losses[int(START_FRACTION * len(losses)) :]
    low, high = axes.get_ylim()
    highest = max((loss for loss in later if math.isfinite(loss)), default=high)
    axes.set_ylim(low, min(high, highest + 0.05 * (highest - low)))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _legend(colours: Mapping[int, str], endings: Sequence[str]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, label=f"{short_number(size)} events")
        for size, colour in colours.items()
    ]
    handles.append(Line2D([], [], color="black", linewidth=1.0, label="validation"))
    handles.append(Line2D([], [], color="black", linewidth=0.5, alpha=0.6, label="training"))
    for ending in endings:
        marker, name = ENDINGS[ending]
        label = f"ended by {name}"
        handles.append(Line2D([], [], linestyle="none", marker=marker, color="black", label=label))
    return handles


def _rows(curve: TrainingCurve) -> list[dict[str, Any]]:
    labels = {"model": curve.model, "n_train": curve.n_train, "seed": curve.seed}
    return [
        {**labels, **{name: row[name] for name in COLUMNS}, "ended_by": curve.ended_by}
        for row in curve.thinned()
    ]
