"""Fractions of helicities and colour orders (Verheyen 2022, arXiv:2205.01697, figure 11).

Fractions refer to valid samples: unphysical and invalid samples count neither in the numerator nor
in the denominator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from hepdensity.physics.events import Events
from hepdensity.plotting.histograms import finite, ratio_range
from hepdensity.plotting.style import (
    TRUTH_COLOUR,
    TRUTH_FILL,
    WIDTH,
    draw_facet_legend,
    draw_facet_name,
    draw_note,
    journal_style,
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

HELICITIES = tuple(
    Configuration.helicity(signs) for signs in ("++++++", "+++++-", "++++--", "+++---", "++----")
)
"""Helicity configurations of the figure, as in the paper."""

COLOUR_ORDERS = tuple(
    Configuration.colour(array) for array in ("01234", "10234", "20134", "30124", "40123")
)
"""Colour orders of the figure, as in the paper: gluon b takes each position in the trace."""

GROUPS = {
    "helicities of a, b, 1, 2, 3, 4": HELICITIES,
    "legs along the colour trace": COLOUR_ORDERS,
}
"""Label of the axis -> configurations on it."""

RATIO_RANGES = ((0.8, 1.2), (0.5, 1.5), (0.0, 2.0), (0.0, 4.0))
"""The paper's range for ratio panels, and wider ranges for models that need them."""

_FACET_HEIGHT = 2.9
_WIDTH_OF_MODELS = 0.7
"""Fraction of the width of a configuration over which the models are spread."""


@dataclass(frozen=True)
class Fractions:
    """Fractions of events that have certain labels.

    Attributes:
        value: The fractions, shape (labels,).
        error: Their standard errors, shape (labels,).
    """

    value: np.ndarray
    error: np.ndarray

    def ratio(self, truth: Fractions) -> Fractions:
        """Ratio to the truth, with the error of these fractions only; NaN if the truth is 0.

        Args:
            truth: Fractions of the same labels.
        """
        known = np.where(truth.value > 0, truth.value, np.nan)
        return Fractions(self.value / known, self.error / known)


def fractions_of(
    events: Events, configurations: Sequence[Configuration], symmetric: bool = True
) -> Fractions:
    """Fraction of events with each of several labels.

    Args:
        events: Labelled events.
        configurations: The labels.
        symmetric: Whether to average over the relabellings of the gluinos.
    """
    found = [select(events, one, symmetric).fraction() for one in configurations]
    return Fractions(*np.array(found).T)


def discrete_marginals(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw figure 11.

    Args:
        files: `samples` and `summaries` of the trainings, and `events`.
        settings: `runs` (the trainings) and `preset`.
    """
    return discrete_marginals_figure(*read_labelled_inputs(files, settings))


def discrete_marginals_figure(
    samples: Sequence[LabelledSample], truth: Events, note: str | None = None
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw fractions of helicity configurations and colour orders (figure 11).

    Args:
        samples: One per model.
        truth: Labelled events.
        note: Text to write on the figure.

    Returns:
        The figure and the rows of its table.
    """
    expected = [fractions_of(truth, group) for group in GROUPS.values()]
    found = {
        sample.model: [
            fractions_of(sample.events, group, sample.symmetric) for group in GROUPS.values()
        ]
        for sample in samples
    }
    with journal_style():
        figure = _draw_facets(facets(samples), found, expected)
        draw_note(figure, note)
    return figure, [row for sample in samples for row in _rows(sample, found, expected)]


def _draw_facets(
    shown: Mapping[str | None, Sequence[LabelledSample]],
    found: Mapping[str, Sequence[Fractions]],
    expected: Sequence[Fractions],
) -> Figure:
    """Draw one column per kind of label, and panels with ratios per permutation treatment."""
    figure = Figure(figsize=(WIDTH, 0.9 + _FACET_HEIGHT * len(shown)))
    shape, heights = (2 * len(shown), len(GROUPS)), [1.8, 1] * len(shown)
    axes = figure.subplots(*shape, sharex="col", squeeze=False, height_ratios=heights)
    for i, (permutation, members) in enumerate(shown.items()):
        for j, (upper, lower) in enumerate(axes[2 * i : 2 * i + 2].T):
            points = [(member, found[member.model][j]) for member in members]
            _draw_panel(upper, lower, points, expected[j])
        axes[2 * i, 0].set_ylabel("fraction of events")
        axes[2 * i + 1, 0].set_ylabel("model / truth", loc="center")
        draw_facet_name(axes[2 * i, -1], permutation)
    for panel, (label, group) in zip(axes[-1], GROUPS.items(), strict=True):
        panel.set_xlabel(label)
        panel.set_xticks(range(len(group)), [one.title for one in group])
    entries = {key: legend_lines(members, points=True) for key, members in shown.items()}
    draw_facet_legend(figure, entries, LEG_NAMES)
    return figure


def _draw_panel(
    upper: Axes,
    lower: Axes,
    points: Sequence[tuple[LabelledSample, Fractions]],
    truth: Fractions,
) -> None:
    """Draw the fractions of several models side by side, above their ratios to the truth."""
    edges = np.arange(len(truth.value) + 1) - 0.5
    upper.stairs(truth.value, edges, fill=True, color=TRUTH_FILL, zorder=0)
    upper.stairs(truth.value, edges, color=TRUTH_COLOUR, linewidth=0.9, zorder=0.5)
    lower.axhline(1, color=TRUTH_COLOUR, linewidth=0.8, zorder=0.5)
    for axes, centre, error in (
        (upper, truth.value, truth.error),
        (lower, np.ones_like(truth.value), truth.ratio(truth).error),
    ):
        bars: dict[str, Any] = {"color": TRUTH_COLOUR, "alpha": 0.35, "linewidth": 0}
        axes.bar(range(len(centre)), 2 * error, width=1, bottom=centre - error, **bars)
    shifts = _WIDTH_OF_MODELS * ((np.arange(len(points)) + 0.5) / len(points) - 0.5)
    for shift, (sample, found) in zip(shifts, points, strict=True):
        ratio = found.ratio(truth)
        for axes, values in ((upper, found), (lower, ratio)):
            axes.errorbar(
                np.arange(len(truth.value)) + shift,
                values.value,
                yerr=values.error,
                color=sample.look.colour,
                marker=sample.look.marker,
                linestyle="none",
                markersize=4,
            )
    _set_ranges(upper, lower, [found for _, found in points], truth)


def _set_ranges(upper: Axes, lower: Axes, found: Sequence[Fractions], truth: Fractions) -> None:
    every = np.concatenate([truth.value, *(fractions.value for fractions in found)])
    positive = every[every > 0] if (every > 0).any() else np.ones(1)
    upper.set_ylim(positive.min() / 2, positive.max() * 1.6)
    upper.set_yscale("log")
    upper.set_xlim(-0.5, len(truth.value) - 0.5)
    upper.xaxis.set_minor_locator(NullLocator())
    upper.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    upper.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    upper.yaxis.set_minor_formatter(NullFormatter())
    ratios = [fractions.ratio(truth).value for fractions in found]
    lower.set_ylim(*ratio_range(ratios, RATIO_RANGES, fraction=1))


def _rows(
    sample: LabelledSample, found: Mapping[str, Sequence[Fractions]], expected: Sequence[Fractions]
) -> list[dict[str, Any]]:
    rows = []
    for group, own, truth in zip(GROUPS.values(), found[sample.model], expected, strict=True):
        ratio = own.ratio(truth)
        for i, one in enumerate(group):
            rows.append({
                **sample.columns,
                "label": one.kind,
                "configuration": one.name,
                "fraction": own.value[i],
                "fraction_error": own.error[i],
                "truth": truth.value[i],
                "truth_error": truth.error[i],
                "ratio": finite(ratio.value[i]),
                "ratio_error": finite(ratio.error[i]),
            })  # fmt: skip
    return rows
