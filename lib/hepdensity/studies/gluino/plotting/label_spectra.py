"""Spectra of events with a given label (Verheyen 2022, arXiv:2205.01697, figures 12 and 13).

Densities integrate to the fraction of events that have the label, so they show both a wrong
fraction and a wrong shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hepdensity.physics.events import Events
from hepdensity.plotting.histograms import (
    BinnedDensity,
    Binning,
    binned_entries,
    density_ratio,
    density_rows,
    draw_density,
    draw_ratio,
    draw_ratio_frame,
    draw_truth,
    ratio_range,
)
from hepdensity.plotting.style import (
    WIDTH,
    draw_facet_legend,
    draw_facet_name,
    draw_note,
    draw_title,
    journal_style,
    scaled_density_label,
)
from hepdensity.studies.gluino.plotting.labelled_samples import (
    LEG_NAMES,
    Configuration,
    LabelledSample,
    facets,
    legend_lines,
    read_labelled_inputs,
    select,
)

COLOUR_ORDERS = tuple(Configuration.colour(array) for array in ("13024", "20134", "10234"))
"""Colour orders of figure 12, as in the paper."""

HELICITIES = tuple(Configuration.helicity(signs) for signs in ("++-+-+", "++-++-", "++-+++"))
"""Helicity configurations of figure 13, as in the paper."""

RATIO_RANGES = ((0.5, 1.5), (0.0, 2.0))
"""The paper's range for ratio panels, and a wider range for models that need it."""

KINDS = {"helicity": "helicities", "colour": "colour trace"}
"""Kind of a label -> its name in titles."""

_FACET_HEIGHT = 3.0


@dataclass(frozen=True)
class Variable:
    """A variable to histogram.

    Attributes:
        name: Its name in the table.
        symbol: Its symbol.
        unit: Its unit.
        binning: The bins.
        function: Function from momenta (n, 4, 4) to values (n,).
    """

    name: str
    symbol: str
    unit: str
    binning: Binning
    function: Callable[[np.ndarray], np.ndarray]

    @property
    def label(self) -> str:
        """Label of its axis."""
        return f"${self.symbol}$ [{self.unit}]"


def delta_psi(momenta: np.ndarray) -> np.ndarray:
    """Angle between the plane of gluinos 1 and 2 and the plane of their sum and gluino 3 [rad].

    Args:
        momenta: Gluino momenta (E, px, py, pz), shape (n, 4, 4).

    Returns:
        Angle between the normals p1 x p2 and (p1 + p2) x p3, from 0 to pi, shape (n,).
    """
    first, second, third = (momenta[:, i, 1:] for i in range(3))
    one, other = np.cross(first, second), np.cross(first + second, third)
    # Unlike the arc cosine of their product, this is accurate for nearly parallel normals.
    sine = np.linalg.norm(np.cross(one, other), axis=1)
    angle: np.ndarray = np.arctan2(sine, (one * other).sum(axis=1))
    return angle


ENERGY = Variable(
    "energy", r"E_{\mathrm{1}}", "GeV", Binning(25, 601.0, 950.0), lambda p: p[:, 0, 0]
)
"""Energy of gluino 1, with bins as in the paper."""

DELTA_PSI = Variable(
    "delta_psi",
    r"\mathrm{\Delta}\psi_{\mathrm{(12)3}}",
    "rad",
    Binning(25, 0.0, math.pi),
    delta_psi,
)
"""Angle between planes, with bins as in the paper."""


def energy_by_colour(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 12.

    Args:
        files: `samples` and `summaries` of the trainings, and `events`.
        settings: `runs` (the trainings) and `preset`.
    """
    return energy_by_colour_figure(*read_labelled_inputs(files, settings))


def delta_psi_by_helicity(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 13.

    Args:
        files: `samples` and `summaries` of the trainings, and `events`.
        settings: `runs` (the trainings) and `preset`.
    """
    return delta_psi_by_helicity_figure(*read_labelled_inputs(files, settings))


def energy_by_colour_figure(
    samples: Sequence[LabelledSample], truth: Events, note: str | None = None
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw the energy of gluino 1 for three colour orders (figure 12).

    Args:
        samples: One per model.
        truth: Labelled events.
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    return _draw(samples, truth, COLOUR_ORDERS, ENERGY, note)


def delta_psi_by_helicity_figure(
    samples: Sequence[LabelledSample], truth: Events, note: str | None = None
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw the angle between planes of gluinos for three helicity configurations (figure 13).

    Args:
        samples: One per model.
        truth: Labelled events.
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    return _draw(samples, truth, HELICITIES, DELTA_PSI, note)


def _density(
    events: Events, configuration: Configuration, variable: Variable, symmetric: bool = True
) -> BinnedDensity:
    selection = select(events, configuration, symmetric)
    values = variable.function(selection.momenta(events))
    norm = selection.events * selection.relabellings
    return binned_entries(values, selection.owner, variable.binning, norm)


def _draw(
    samples: Sequence[LabelledSample],
    truth: Events,
    configurations: Sequence[Configuration],
    variable: Variable,
    note: str | None,
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw one column per configuration, and panels with ratios per permutation treatment."""
    expected = [_density(truth, one, variable) for one in configurations]
    found = {
        sample.model: [
            _density(sample.events, one, variable, sample.symmetric) for one in configurations
        ]
        for sample in samples
    }
    with journal_style():
        figure = _draw_facets(facets(samples), found, expected, configurations, variable)
        draw_note(figure, note)
    rows = [
        density_rows(density, true, variable.name, {**sample.columns, "configuration": one.name})
        for sample in samples
        for density, true, one in zip(found[sample.model], expected, configurations, strict=True)
    ]
    return figure, [row for group in rows for row in group]


def _draw_facets(
    shown: Mapping[str | None, Sequence[LabelledSample]],
    found: Mapping[str, Sequence[BinnedDensity]],
    expected: Sequence[BinnedDensity],
    configurations: Sequence[Configuration],
    variable: Variable,
) -> Figure:
    figure = Figure(figsize=(WIDTH, 0.9 + _FACET_HEIGHT * len(shown)))
    shape = (2 * len(shown), len(configurations))
    heights = [2.2, 1] * len(shown)
    axes = figure.subplots(*shape, sharex=True, sharey="row", squeeze=False, height_ratios=heights)
    for i, (permutation, members) in enumerate(shown.items()):
        block = axes[2 * i : 2 * i + 2]
        lines = [(found[member.model], member.look.colour) for member in members]
        _draw_facet(block, lines, expected, variable)
        for panel, one in zip(block[0], configurations, strict=True):
            draw_title(panel, f"{KINDS[one.kind]} {one.title}")
        draw_facet_name(block[0, -1], permutation)
    for panel in axes[-1]:
        panel.set_xlabel(variable.label)
    entries = {permutation: legend_lines(members) for permutation, members in shown.items()}
    draw_facet_legend(figure, entries, LEG_NAMES)
    return figure


def _draw_facet(
    block: np.ndarray,
    lines: Sequence[tuple[Sequence[BinnedDensity], str]],
    expected: Sequence[BinnedDensity],
    variable: Variable,
) -> None:
    """Draw panels side by side, each above its ratio panel; a line has one density per panel."""
    for j, (upper, lower) in enumerate(block.T):
        draw_truth(upper, expected[j])
        draw_ratio_frame(lower, expected[j])
        for densities, colour in lines:
            draw_density(upper, densities[j], colour)
            draw_ratio(lower, densities[j], expected[j], colour)
    pairs = [pair for densities, _ in lines for pair in zip(densities, expected, strict=True)]
    # With few events, it is possible that none has the label.
    highest = max(float(density.density.max()) for pair in pairs for density in pair) or 1.0
    upper, lower = block[:, 0]
    upper.set_xlim(variable.binning.low, variable.binning.high)
    upper.set_ylim(0, 1.08 * highest)
    lower.set_ylim(*ratio_range([density_ratio(*pair)[0] for pair in pairs], RATIO_RANGES))
    density = rf"$\mathrm{{(1/}}N\mathrm{{)}}\;dN/d{variable.symbol}$"
    upper.set_ylabel(scaled_density_label(upper, highest, density, variable.unit))
    lower.set_ylabel("model / truth", loc="center")
