"""Published results of the Dark Machines challenge as lines of figure 14."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hepdensity.evaluation.anomaly import WORKING_POINTS
from hepdensity.studies.darkmachines.published import (
    DM_FLOW,
    DM_FLOW_NO_ENERGY,
    flow_results,
    max_si_of_models,
)

COLOUR = "#3f7f3f"
"""Green, as in the paper."""

_FLOWS = {"DM flow, published": DM_FLOW, "... without energies": DM_FLOW_NO_ENERGY}
_COMBINED = {"Deep SVDD + DM flow, publ.": "Combined-AVG-DeepSVDD-Flow"}

PUBLISHED = (*_FLOWS, *_COMBINED)
"""Names of the lines, from top to bottom."""

_SMALLEST = 0.03
"""Smaller values are drawn here; published ones are rounded to 0.01 or 0."""


def draw_published(axes: Axes, channel: str, heights: Mapping[str, float]) -> None:
    """Draw the published results of a channel, if it is one of the challenge.

    Filled diamonds are the SI of the two larger working points, open ones that of all three. For
    combined models only the median and the range over signals are known.

    Args:
        axes: The panel.
        channel: Name of the channel.
        heights: Name of a line -> its vertical position.
    """
    for name, y in heights.items():
        if name in _FLOWS:
            _draw_flow(axes, channel, _FLOWS[name], y)
            continue
        spread = max_si_of_models()[_COMBINED[name]].get(channel)
        if spread is not None:
            axes.plot([max(spread.least, _SMALLEST), spread.most], [y, y], color=COLOUR,
                      linewidth=0.8)  # fmt: skip
            _draw_bar(axes, spread.median, y)


def _draw_flow(axes: Axes, channel: str, model: str, y: float) -> None:
    results = flow_results(model).get(channel, {})
    two = {signal: one.max_si(WORKING_POINTS[:2]) for signal, one in results.items()}
    three = {signal: one.max_si() for signal, one in results.items()}
    for values, filled in ((three, "white"), (two, COLOUR)):
        places = [max(value, _SMALLEST) for value in values.values()]
        axes.plot(places, [y] * len(places), marker="D", linestyle="none", color=COLOUR,
                  markerfacecolor=filled, markersize=3.2, markeredgewidth=0.7)  # fmt: skip
    if two:
        _draw_bar(axes, median(two.values()), y)


def _draw_bar(axes: Axes, value: float, y: float) -> None:
    look: dict[str, Any] = {"markersize": 8, "markeredgewidth": 1.6, "zorder": 4}
    axes.plot([max(value, _SMALLEST)], [y], marker="|", color="black", **look)


def published_legend(drawn: bool) -> list[list[Line2D]]:
    """Columns of the legend for the published results.

    Args:
        drawn: Whether they are drawn; otherwise there are none.
    """
    look: dict[str, Any] = {"marker": "D", "color": COLOUR, "linestyle": "none", "markersize": 4}
    two, three = (rf"published, $\epsilon_B \geq 10^{{{power}}}$" for power in (-3, -4))
    entries = [
        Line2D([], [], label=two, **look),
        Line2D([], [], label=three, markerfacecolor="white", **look),
    ]
    return [entries] if drawn else []
