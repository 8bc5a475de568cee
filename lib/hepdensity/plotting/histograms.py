"""Binned densities with errors, their ratios, and functions to draw both."""

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
"""The paper's range for ratio panels, and wider ranges for models that need them."""

INSIDE_FRACTION = 0.8
"""Fraction of the bins that must lie within a ratio range."""


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
        """The density multiplied by a factor.

        Args:
            factor: The factor, e.g. the probability of this part of the events.
        """
        return BinnedDensity(self.edges, factor * self.density, factor * self.error)


@dataclass(frozen=True)
class Binning:
    """Uniform bins.

    Attributes:
        bins: Number of bins.
        low: Lower edge of the first bin.
        high: Upper edge of the last bin.
    """

    bins: int
    low: float
    high: float

    @property
    def edges(self) -> np.ndarray:
        """Bin edges, shape (bins + 1,)."""
        return np.linspace(self.low, self.high, self.bins + 1)


def binned_density(values: np.ndarray, binning: Binning, drawn: int) -> BinnedDensity:
    """Histogram a variable, normalised to all samples drawn.

    Samples out of range and dropped samples count in the normalisation, so the integral of the
    density is less than 1 by their fraction. Several values of one event (identical particles) are
    correlated, so the error treats the event as the unit.

    Args:
        values: One row per event, shape (n,) or (n, values per event).
        binning: The bins.
        drawn: Number of samples drawn, at least n.

    Raises:
        ValueError: If `drawn` is less than the number of events.

    Example:
        >>> density = binned_density(np.array([0.1, 0.2, 0.7]), Binning(2, 0.0, 1.0), drawn=4)
        >>> density.density.tolist()
        [1.0, 0.5]
        >>> density.error.round(3).tolist()
        [0.707, 0.5]
    """
    if drawn < len(values) or drawn < 1:
        raise ValueError(f"drawn = {drawn} is less than the number of events, {len(values)}")
    per_event = math.prod(values.shape[1:])
    owners = np.repeat(np.arange(len(values)), per_event)
    return binned_entries(values.ravel(), owners, binning, drawn * per_event)


def binned_entries(
    values: np.ndarray, owners: np.ndarray, binning: Binning, norm: float
) -> BinnedDensity:
    """Histogram entries of events; an event may have any number of entries.

    Args:
        values: Entries, shape (entries,).
        owners: Index of the event that each entry belongs to, shape (entries,).
        binning: The bins.
        norm: Number of entries for which the density would integrate to 1.
    """
    histogram: hist.Hist = hist.Hist(hist.axis.Regular(binning.bins, binning.low, binning.high))
    counts: np.ndarray = histogram.fill(values).values()
    scale = 1 / (norm * np.diff(binning.edges))
    error = np.sqrt(_sum_of_squared_counts(values, owners, binning))
    return BinnedDensity(binning.edges, counts * scale, error * scale)


def _sum_of_squared_counts(values: np.ndarray, owners: np.ndarray, binning: Binning) -> np.ndarray:
    """Sum over events of (entries of the event in the bin)^2, the variance of the bin's count."""
    position = (values - binning.low) / (binning.high - binning.low) * binning.bins
    inside = (position >= 0) & (position < binning.bins)
    keys = owners[inside] * binning.bins + position[inside].astype(int)
    unique, entries = np.unique(keys, return_counts=True)
    return np.bincount(unique % binning.bins, weights=entries**2.0, minlength=binning.bins)


def density_ratio(density: BinnedDensity, truth: BinnedDensity) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of a density to the truth, with the error of the density only; NaN if the truth is 0.

    Args:
        density: The numerator.
        truth: The denominator, in the same bins.
    """
    known = np.where(truth.density > 0, truth.density, np.nan)
    return density.density / known, density.error / known


def density_rows(
    density: BinnedDensity, truth: BinnedDensity, variable: str, labels: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows for the table of a figure: bins, density, truth and ratio with standard errors.

    Args:
        density: The density of a model.
        truth: The truth in the same bins.
        variable: Name of the variable, used for the columns of the bin edges.
        labels: Columns that all rows share, e.g. model and training-set size.
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
    """The value for a table, or None if it is not finite.

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
        axes: Axes to draw on.
        density: The density.
        colour: Colour of the line and the band.
        label: Name in the legend.
        linestyle: Line style.
    """
    look = {"color": colour, "linewidth": 1.1, "linestyle": linestyle}
    axes.stairs(density.density, density.edges, label=label, **look)
    _band(axes, density.edges, density.density, density.error, colour, 0.3)


def draw_truth(axes: Axes, truth: BinnedDensity, label: str | None = None) -> None:
    """Draw the truth as a filled area behind everything else.

    Args:
        axes: Axes to draw on.
        truth: The true density.
        label: Name in the legend.
    """
    axes.stairs(truth.density, truth.edges, fill=True, color=TRUTH_FILL, label=label, zorder=0)
    axes.stairs(truth.density, truth.edges, color=TRUTH_COLOUR, linewidth=0.9, zorder=0.5)
    _band(axes, truth.edges, truth.density, truth.error, TRUTH_COLOUR, 0.4)


def draw_ratio(axes: Axes, density: BinnedDensity, truth: BinnedDensity, colour: str) -> None:
    """Draw the ratio to the truth as steps, with the error of the density as a band.

    Args:
        axes: Ratio panel.
        density: The numerator.
        truth: The denominator.
        colour: Colour of the line and the band.
    """
    ratio, error = density_ratio(density, truth)
    axes.stairs(ratio, density.edges, baseline=None, color=colour, linewidth=1.0)
    _band(axes, density.edges, ratio, error, colour, 0.3)


def draw_ratio_frame(axes: Axes, truth: BinnedDensity) -> None:
    """Draw a line at one, with the relative error of the truth as a band.

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
    """Narrowest range that shows nearly all bins of every ratio.

    Args:
        ratios: Ratios to the truth, NaN if undefined.
        ranges: Ranges from narrow to wide; the last one is used if all are too narrow.
        fraction: Fraction of the bins of each ratio that must lie inside.
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
