"""One look for all figures: fonts, colours and names, and how a figure is saved."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hepdensity.files import atomic_path, write_json

# The font that mplhep brings has odd dates and lacks brackets, of which every figure would tell.
logging.getLogger("fontTools").setLevel(logging.ERROR)
logging.getLogger("matplotlib.mathtext").setLevel(logging.WARNING)

WIDTH = 7.0
"""Width of a figure over two columns [inch]."""

TRUTH_COLOUR = "#555555"
TRUTH_FILL = "#dddddd"
PALETTE = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#7a21dd", "#9c9ca1")
"""Told apart with any colour vision (Petroff 2021, arXiv:2107.02270)."""

OWN_COLOURS = (PALETTE[4], PALETTE[5], "#92dadd", "#6b3d00", "#b9ac70")
OWN_MARKERS = ("P", "X", "d", "p", "*", "<", ">")
"""Looks of models that a user has named; lengths without common divisor give 35 pairs."""

STOP_RULES = ("learning rate", "validations", "schedule")
"""Endings of a training that went as far as planned; the others are budgets that ran out."""

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


@dataclass(frozen=True)
class Variant:
    """How a model appears in figures.

    Attributes:
        label: Its name for readers.
        colour: Its colour.
        marker: Its marker.
    """

    label: str
    colour: str
    marker: str


VARIANTS: dict[str, Variant] = {
    "none": Variant("no permutation", PALETTE[2], "o"),
    "stochastic": Variant("stochastic permutation", PALETTE[0], "s"),
    "sort": Variant("sort surjection", PALETTE[1], "^"),
    "none-symmetrised": Variant("no permutation, symmetrised", PALETTE[3], "D"),
    "phase-space": Variant("phase space (ours)", "#008060", "v"),
    "truth": Variant("truth", TRUTH_COLOUR, ""),
}

TREATMENTS: dict[str, Variant] = {
    "dropout-likelihood": Variant("dropout, likelihood", PALETTE[2], "o"),
    "dropout-balanced": Variant("dropout, balanced", PALETTE[0], "s"),
    "dequantisation-uniform": Variant("dequantisation, uniform", "#ff9da7", "o"),
    "dequantisation-flow": Variant("dequantisation, flow", "#a0001e", "s"),
    "argmax-uniform": Variant("argmax, uniform", "#8ab4ff", "^"),
    "argmax-flow": Variant("argmax, flow", "#1f5fd6", "D"),
    "mixture-likelihood": Variant("mixture, likelihood", "#ff8a00", "h"),
    "mixture-balanced": Variant("mixture, balanced", "#a85400", "H"),
    "classifier": Variant("classifier", PALETTE[3], "8"),
    "phase-space-labels": Variant("phase space, labels (ours)", "#008060", "v"),
}
"""Looks of what models do with a varying dimension and with labels; a hue is a family.

Those of labels stay apart for readers with any kind of dichromacy. No figure shows them beside
`VARIANTS`, of which some have the same colours.
"""

PERMUTATIONS: dict[str | None, Variant] = {
    "none": VARIANTS["none"],
    "stochastic": VARIANTS["stochastic"],
    "sort": VARIANTS["sort"],
    None: Variant("exact permutation symmetry", "#008060", "v"),
}
"""Names and markers of permutation treatments; None is a model without one."""

_own_variants: dict[str, Variant] = {}


def treatment_of(model: str, permutation: str | None) -> str:
    """Name of a model without its permutation treatment.

    Args:
        model: Name of the model in the configuration, e.g. "mixture-balanced-sort".
        permutation: Its permutation treatment, None if it has none.
    """
    return model.removesuffix(f"-{permutation}")


def treatment_look(name: str) -> Variant:
    """Look of a treatment, the same for all its permutation treatments.

    Args:
        name: Name of the treatment, see `treatment_of`.
    """
    return TREATMENTS[name] if name in TREATMENTS else _own_variant(name)


def variant(name: str) -> Variant:
    """Look of a model; those that a user has named get the next one free when first asked for.

    Asked in the order of the configuration, they look the same in every figure.

    Args:
        name: Name of the model in the configuration.
    """
    if name in VARIANTS:
        return VARIANTS[name]
    for permutation in PERMUTATIONS:
        treatment = treatment_of(name, permutation)
        if treatment in TREATMENTS:
            look = TREATMENTS[treatment]
            ending = "" if treatment == name else f", {permutation}"
            return Variant(f"{look.label}{ending}", look.colour, look.marker)
    return _own_variant(name)


def _own_variant(name: str) -> Variant:
    if name not in _own_variants:
        i = len(_own_variants)
        colour, marker = OWN_COLOURS[i % len(OWN_COLOURS)], OWN_MARKERS[i % len(OWN_MARKERS)]
        _own_variants[name] = Variant(name, colour, marker)
    return _own_variants[name]


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
    """Write a number of events as people say it: 5000 -> 5k, 1000000 -> 1M.

    Args:
        value: The number.
    """
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return str(value)


def convergence_note(preset: str, ended_by: Iterable[str]) -> str | None:
    """Words for a figure whose models were not trained until a stop rule ended it.

    Args:
        preset: Name of the preset.
        ended_by: What ended each training.
    """
    return None if set(ended_by) <= set(STOP_RULES) else f"{preset} preset, not converged"


@contextmanager
def journal_style() -> Iterator[None]:
    """Draw with the project's settings, and leave those of matplotlib as they were."""
    settings: dict[Any, Any] = {**mplhep.style.ROOT, **_SETTINGS}
    with mpl.rc_context(settings):
        yield


def draw_note(figure: Figure, note: str | None) -> None:
    """Write a warning across the top of a figure.

    Args:
        figure: The figure.
        note: The words, or None.
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
    """Write the name of a permutation treatment along the right edge of the last panel of its row.

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
    """Draw a legend above a figure, a column per permutation treatment and one for the truth.

    Args:
        figure: The figure.
        groups: Permutation treatment -> its entries.
        more: Words and entries below the truth.
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
    """Empty entries, so that a legend breaks its columns where it should."""
    return [_without_line(" ") for _ in range(rows)]


def _without_line(text: str) -> Line2D:
    return Line2D([], [], linestyle="none", label=text)


def scaled_density_label(axes: Axes, highest: float, density: str, unit: str) -> str:
    """Label the ticks of a density in units of a power of ten.

    Args:
        axes: Whose vertical axis.
        highest: The highest density on it, above 0.
        density: How the density is written.
        unit: Unit of the variable.

    Returns:
        The label of the axis, with the power of ten and the unit.
    """
    power = math.floor(math.log10(highest))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 10.0**power:g}")
    factor = rf"$\mathrm{{10^{{{power}}}}}$ " if power else ""
    return rf"{density}  [{factor}$\mathrm{{{unit}^{{-1}}}}$]"


def save_figure(
    figure: Figure, pdf: str | Path, png: str | Path, provenance: Mapping[str, Any]
) -> None:
    """Save a figure twice, without dates, so that the same figure gives the same bytes.

    What made it goes into a JSON file beside it.

    Args:
        figure: The figure.
        pdf: Vector file.
        png: Bitmap for the report.
        provenance: Run record, see `hepdensity.provenance.record`.
    """
    with journal_style():
        for path, metadata in ((pdf, {"CreationDate": None}), (png, {"Software": None})):
            with atomic_path(path) as temporary:
                figure.savefig(temporary, metadata=metadata)
    write_json(Path(pdf).with_suffix(".json"), {"provenance": provenance})
