"""The common style of all figures (fonts, colours, names), and how to save a figure."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hepdensity.files import atomic_path, read_json
from hepdensity.models.kind import Look

# The font of mplhep has odd dates and lacks brackets, which would be logged for every figure.
logging.getLogger("fontTools").setLevel(logging.ERROR)
logging.getLogger("matplotlib.mathtext").setLevel(logging.WARNING)

WIDTH = 7.0
"""Width of a figure over two columns [inch]."""

TRUTH_COLOUR = "#555555"
TRUTH_FILL = "#dddddd"
PALETTE = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#7a21dd", "#9c9ca1")
"""Colours that people with any colour vision can distinguish (Petroff 2021, arXiv:2107.02270)."""

STOP_RULES = ("learning rate", "validations", "schedule")
"""What ends a training that went as far as planned; anything else is a budget that ran out."""

_SETTINGS = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 7.5,
    "legend.handlelength": 1.6,
    "legend.labelspacing": 0.35,
    "legend.borderpad": 0.3,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "xtick.major.size": 4,
    "xtick.minor.size": 2,
    "ytick.major.size": 4,
    "ytick.minor.size": 2,
    "xtick.major.pad": 3,
    "ytick.major.pad": 3,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "mathtext.default": "it",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.hspace": 0.01,
    "figure.constrained_layout.h_pad": 0.02,
}


PERMUTATIONS: dict[str | None, Look] = {
    "none": Look("no permutation", PALETTE[2], "o"),
    "stochastic": Look("stochastic permutation", PALETTE[0], "s"),
    "sort": Look("sort surjection", PALETTE[1], "^"),
    None: Look("exact permutation symmetry", "#008060", "v"),
}
"""Names and markers of permutation treatments; None stands for a model without one."""


def looks_of(runs: Iterable[Mapping[str, Any]], key: str = "look") -> dict[str, Look]:
    """Looks of the models of some trainings.

    Args:
        runs: Trainings (see `hepdensity.study.Study.run`).
        key: "look", or "treatment" for the look without the permutation treatment.
    """
    return {run["model"]: Look(**run[key]) for run in runs}


def sequence_colours(values: Sequence[int]) -> dict[int, str]:
    """Colours of training-set sizes and other ordered numbers.

    Args:
        values: The numbers.

    Returns:
        Number -> colour, from light (small) to dark (large).
    """
    ordered = sorted(set(values))
    colours = mpl.colormaps["viridis_r"]
    last = max(len(ordered) - 1, 1)
    return {
        value: mpl.colors.to_hex(colours(0.22 + 0.73 * i / last)) for i, value in enumerate(ordered)
    }


def short_number(value: int) -> str:
    """Write a number of events in short form: 5000 -> 5k, 1000000 -> 1M.

    Args:
        value: The number.
    """
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return str(value)


def note_of(files: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """Note for a figure with trainings that no stop rule ended (see `convergence_note`).

    Args:
        files: Inputs of the rule, with the `summaries` of the trainings.
        settings: Params of the rule, with the `preset`.
    """
    ended_by = [read_json(path)["ended_by"] for path in files["summaries"]]
    return convergence_note(settings["preset"], ended_by)


def convergence_note(preset: str, ended_by: Iterable[str]) -> str | None:
    """Note for a figure with trainings that no stop rule ended, or None if there are none.

    Args:
        preset: Name of the preset.
        ended_by: What ended each training.
    """
    return None if set(ended_by) <= set(STOP_RULES) else f"{preset} preset, not converged"


@contextmanager
def journal_style() -> Iterator[None]:
    """Draw with the project's settings, then restore those of matplotlib."""
    settings: dict[Any, Any] = {**mplhep.style.ROOT, **_SETTINGS}
    with mpl.rc_context(settings):
        yield


def draw_note(figure: Figure, note: str | None) -> None:
    """Write a warning across the top of a figure.

    Args:
        figure: The figure.
        note: The text, or None.
    """
    if note is not None:
        figure.suptitle(note, x=0.995, ha="right", fontsize=8, style="italic", color=PALETTE[2])


def draw_title(axes: Axes, title: str) -> None:
    """Write the name of a panel above it.

    Args:
        axes: The panel.
        title: Its name.
    """
    axes.set_title(title, loc="left", pad=4)


def draw_facet_name(axes: Axes, permutation: str | None) -> None:
    """Write the name of a permutation treatment along the right edge of the last panel in its row.

    Args:
        axes: The panel.
        permutation: The treatment, a key of `PERMUTATIONS`.
    """
    place: dict[str, Any] = {"rotation": 270, "va": "center", "ha": "left"}
    name = PERMUTATIONS[permutation].label
    axes.text(1.02, 0.5, name, transform=axes.transAxes, fontsize=8, style="italic", **place)


def draw_facet_legend(
    figure: Figure, groups: Mapping[str | None, Sequence[Line2D]], more: Sequence[str | Line2D] = ()
) -> None:
    """Draw a legend above a figure: a column for the truth and one per permutation treatment.

    Args:
        figure: The figure.
        groups: Permutation treatment -> legend entries.
        more: Texts and entries below the truth.
    """
    rows = max(len(more), *map(len, groups.values()))
    handles: list[Artist] = [Patch(facecolor=TRUTH_FILL, edgecolor=TRUTH_COLOUR, label="truth")]
    handles += [_without_line(one) if isinstance(one, str) else one for one in more] + _padding(
        rows - len(more)
    )
    for permutation, lines in groups.items():
        title = _without_line(PERMUTATIONS[permutation].label)
        handles += [title, *lines, *_padding(rows - len(lines))]
    legend = figure.legend(handles=handles, loc="outside upper left", ncols=1 + len(groups))
    for text in legend.get_texts()[rows + 1 :: rows + 1]:
        text.set_fontstyle("italic")


def _padding(rows: int) -> list[Line2D]:
    """Empty entries that make a legend break its columns at the right place."""
    return [_without_line(" ") for _ in range(rows)]


def _without_line(text: str) -> Line2D:
    return Line2D([], [], linestyle="none", label=text)


def scaled_density_label(axes: Axes, highest: float, density: str, unit: str) -> str:
    """Label the ticks of a density in units of a power of ten.

    Args:
        axes: Axes whose vertical axis is labelled.
        highest: The highest density on the axis, above 0.
        density: Symbol of the density.
        unit: Unit of the variable.

    Returns:
        The label of the axis, with the power of ten and the unit.
    """
    power = math.floor(math.log10(highest))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 10.0**power:g}")
    factor = rf"$\mathrm{{10^{{{power}}}}}$ " if power else ""
    return rf"{density}  [{factor}$\mathrm{{{unit}^{{-1}}}}$]"


def save_figure(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Save a figure as PDF and PNG, without dates, so that the same figure gives the same bytes.

    Args:
        figure: The figure.
        pdf: Vector file.
        png: Bitmap for the report.
    """
    with journal_style(), _laid_out(figure):
        for path, metadata in ((pdf, {"CreationDate": None}), (png, {"Software": None})):
            with atomic_path(path) as temporary:
                figure.savefig(temporary, metadata=metadata)


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Place the axes once: each file would do it again, and draw everything twice."""
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    engine.execute(figure)
    # savefig sets the engine back to that of the style.
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
        yield
