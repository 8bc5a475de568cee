"""Binned densities with errors, their ratios, and how both are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
from matplotlib.axes import Axes

from hepdensity.plotting.style import TRUTH_COLOUR, TRUTH_FILL

RATIO_RANGES = ((0.8, 1.2), (0.5, 1.5), (0.0, 2.0))
"""The paper's range of ratio panels, and wider ones for models that need them."""

INSIDE_FRACTION = 0.8
"""Fraction of the bins that a ratio range must show."""


@dataclass(frozen=True)
class BinnedDensity:
    """A density in bins.

    Attributes:
        edges: Bin edges, shape (bins + 1,).
        density: Fraction of all samples per bin, divided by the bin width, shape (bins,).
        error: Its standard error, shape (bins,).
    """

    edges: np.ndarray
    density: np.ndarray
    error: np.ndarray

    def scaled(self, factor: float) -> BinnedDensity:
        """The density of a part of the whole.

        Args:
            factor: What it would integrate to, had it integrated to 1.
        """
        return BinnedDensity(self.edges, factor * self.density, factor * self.error)


@dataclass(frozen=True)
class Binning:
    """Uniform bins.

    Attributes:
        bins: Their number.
        low: Lower edge of the first.
        high: Upper edge of the last.
    """

    bins: int
    low: float
    high: float

    @property
    def edges(self) -> np.ndarray:
        """Bin edges, shape (bins + 1,)."""
        return np.linspace(self.low, self.high, self.bins + 1)


def binned_density(values: np.ndarray, binning: Binning, drawn: int) -> BinnedDensity:
    """Histogram a variable, normalised to all samples, wherever they are.

    Samples out of range and samples that never became events count in the normalisation, so that a
    density integrates to less than 1 by their fraction. Several values of one event (identical
    particles) are correlated: the error takes the event as the unit.

    Args:
        values: One row per event, shape (n,) or (n, values per event).
        binning: The bins.
        drawn: Number of samples that were drawn, at least n.

    Raises:
        ValueError: If fewer were drawn than there are.
    """
    if drawn < len(values) or drawn < 1:
        raise ValueError(f"{len(values)} events, but only {drawn} are said to be drawn")
    per_event = math.prod(values.shape[1:])
    owners = np.repeat(np.arange(len(values)), per_event)
    return binned_entries(values.ravel(), owners, binning, drawn * per_event)


def binned_entries(
    values: np.ndarray, owners: np.ndarray, binning: Binning, norm: float
) -> BinnedDensity:
    """Histogram entries that belong to events, any number of them to one event.

    Args:
        values: Entries, shape (entries,).
        owners: Event that each belongs to, 0-based, shape (entries,).
        binning: The bins.
        norm: Number of entries at which the density would integrate to 1.
    """
    histogram: hist.Hist = hist.Hist(hist.axis.Regular(binning.bins, binning.low, binning.high))
    counts: np.ndarray = histogram.fill(values).values()
    scale = 1 / (norm * np.diff(binning.edges))
    error = np.sqrt(_sum_of_squared_counts(values, owners, binning))
    return BinnedDensity(binning.edges, counts * scale, error * scale)


def _sum_of_squared_counts(values: np.ndarray, owners: np.ndarray, binning: Binning) -> np.ndarray:
    """Sum over events of (entries of the event in the bin)^2: the variance of the bin's count."""
    position = (values - binning.low) / (binning.high - binning.low) * binning.bins
    inside = (position >= 0) & (position < binning.bins)
    keys = owners[inside] * binning.bins + position[inside].astype(int)
    unique, entries = np.unique(keys, return_counts=True)
    return np.bincount(unique % binning.bins, weights=entries**2.0, minlength=binning.bins)


def density_ratio(density: BinnedDensity, truth: BinnedDensity) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of a density to the truth, with the error of the density only; NaN where no truth is.

    Args:
        density: The numerator.
        truth: The denominator, in the same bins.
    """
    known = np.where(truth.density > 0, truth.density, np.nan)
    return density.density / known, density.error / known


def density_rows(
    density: BinnedDensity, truth: BinnedDensity, variable: str, labels: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of a figure's table: bins, density, truth and ratio with their standard errors.

    Args:
        density: The density of a model.
        truth: The truth in the same bins.
        variable: Name of the variable, for the columns of the bin edges.
        labels: What the rows have in common, e.g. model and training-set size.
    """
    ratio, ratio_error = density_ratio(density, truth)
    columns = {
        f"{variable}_low": density.edges[:-1],
        f"{variable}_high": density.edges[1:],
        "density": density.density,
        "density_error": density.error,
        "truth": truth.density,
        "truth_error": truth.error,
        "ratio": ratio,
        "ratio_error": ratio_error,
    }
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        {**labels, **{name: finite(v) for name, v in zip(columns, row, strict=True)}}
        for row in values
    ]


def finite(value: float) -> float | None:
    """The value for a table: None if it is not finite.

    Args:
        value: Any number.
    """
    return value if np.isfinite(value) else None


def draw_density(
    axes: Axes,
    density: BinnedDensity,
    colour: str,
    label: str | None = None,
    linestyle: Any = "-",
) -> None:
    """Draw a density as steps with its error as a band.

    Args:
        axes: Where to draw.
        density: What to draw.
        colour: In which colour.
        label: Under which name in the legend.
        linestyle: With which line.
    """
    look = {"color": colour, "linewidth": 1.1, "linestyle": linestyle}
    axes.stairs(density.density, density.edges, label=label, **look)
    _band(axes, density.edges, density.density, density.error, colour, 0.3)


def draw_truth(axes: Axes, truth: BinnedDensity, label: str | None = None) -> None:
    """Draw the truth as a filled area, behind everything.

    Args:
        axes: Where to draw.
        truth: What to draw.
        label: Under which name in the legend.
    """
    axes.stairs(truth.density, truth.edges, fill=True, color=TRUTH_FILL, label=label, zorder=0)
    axes.stairs(truth.density, truth.edges, color=TRUTH_COLOUR, linewidth=0.9, zorder=0.5)
    _band(axes, truth.edges, truth.density, truth.error, TRUTH_COLOUR, 0.4)


def draw_ratio(axes: Axes, density: BinnedDensity, truth: BinnedDensity, colour: str) -> None:
    """Draw the ratio to the truth as steps with the error of the density as a band.

    Args:
        axes: Ratio panel.
        density: The numerator.
        truth: The denominator.
        colour: In which colour.
    """
    ratio, error = density_ratio(density, truth)
    axes.stairs(ratio, density.edges, baseline=None, color=colour, linewidth=1.0)
    _band(axes, density.edges, ratio, error, colour, 0.3)


def draw_ratio_frame(axes: Axes, truth: BinnedDensity) -> None:
    """Draw the line at one and the relative error of the truth around it.

    Args:
        axes: Ratio panel.
        truth: The denominator of the panel.
    """
    _, error = density_ratio(truth, truth)
    axes.axhline(1, color=TRUTH_COLOUR, linewidth=0.8, zorder=0.5)
    _band(axes, truth.edges, np.ones_like(error), error, TRUTH_COLOUR, 0.3)


def ratio_range(
    ratios: Sequence[np.ndarray],
    ranges: Sequence[tuple[float, float]] = RATIO_RANGES,
    fraction: float = INSIDE_FRACTION,
) -> tuple[float, float]:
    """Narrowest of the ranges that shows nearly all bins of every ratio.

    Args:
        ratios: Ratios to the truth, NaN where there is none.
        ranges: From narrow to wide; the last one is taken if none suffices.
        fraction: Fraction of the bins of each ratio that must be inside.
    """
    known = [ratio[np.isfinite(ratio)] for ratio in ratios]
    for low, high in ranges[:-1]:
        inside = [((ratio >= low) & (ratio <= high)).sum() for ratio in known]
        if all(n >= fraction * len(ratio) for n, ratio in zip(inside, known, strict=True)):
            return low, high
    return ranges[-1]


def _band(
    axes: Axes, edges: np.ndarray, centre: np.ndarray, error: np.ndarray, colour: str, alpha: float
) -> None:
    low, high = centre - error, centre + error
    axes.fill_between(
        edges,
        np.append(low, low[-1]),
        np.append(high, high[-1]),
        step="post",
        color=colour,
        alpha=alpha,
        linewidth=0,
    )
