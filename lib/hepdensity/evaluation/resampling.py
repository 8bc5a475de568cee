"""Bootstrap intervals for AUC, signal efficiencies and Max SI.

Background and signal events are drawn again with replacement, as many as there are. Draws depend on
the seed and on the name of a sample only, so two scores of the same events see the same draws:
their ratio is far more certain than each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from hepdensity.evaluation.anomaly import WORKING_POINTS, PlacedSignal, Ranking, SignalImprovement

DRAWS = 200
"""Usual number of draws."""

LEVEL = 0.6827
"""Usual probability content of an interval: one standard deviation to both sides."""

Interval = tuple[float, float] | tuple[None, None]

_SI = 1 / np.sqrt(np.array(WORKING_POINTS))


@dataclass(frozen=True)
class Resampled:
    """Values of the same score for resampled events.

    Attributes:
        auc: Shape (draws,).
        eps_s: Shape (draws, 3), one column per working point.
        max_si: Shape (draws,).
        max_si_resolved: The largest SI of the points that the original sample resolves, shape
            (draws,); NaN if there are none.
    """

    auc: np.ndarray
    eps_s: np.ndarray
    max_si: np.ndarray
    max_si_resolved: np.ndarray


@dataclass(frozen=True)
class Evaluated:
    """A score of a signal: values and resampled values.

    Attributes:
        value: Values for the events themselves.
        resampled: Values for resampled events.
        events: Number of signal events.
    """

    value: SignalImprovement
    resampled: Resampled
    events: int

    @property
    def floor(self) -> float:
        """SI of half a signal event at the largest working point; it stands for an SI of 0."""
        return float(0.5 / self.events * _SI.min())


def evaluate(
    background: np.ndarray,
    signals: Mapping[str, np.ndarray],
    weights: np.ndarray | None = None,
    signal_weights: Mapping[str, np.ndarray | None] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    sample: str = "background",
) -> dict[str, Evaluated]:
    """Separate signals from one background sample, with resampled values.

    Args:
        background: Scores, high = anomalous, shape (n,).
        signals: Name -> scores, shape (m,).
        weights: Weights of the background events, shape (n,); all 1 if None.
        signal_weights: Name -> weights of the signal events; all 1 where missing or None.
        draws: Number of resamplings, at least 1.
        seed: Seed of the draws.
        sample: Name of the background sample. Scores of the same events must use the same names.

    Raises:
        ValueError: See `hepdensity.evaluation.anomaly.signal_improvement`.
    """
    ranking = Ranking(background, weights)
    given = signal_weights or {}
    placed = {name: ranking.place(scores, given.get(name)) for name, scores in signals.items()}
    values = {name: ranking.improvement(signal) for name, signal in placed.items()}
    raw = _resample(ranking, placed, draws, seed, sample)
    return {
        name: Evaluated(value, _resampled(*raw[name], value), len(signals[name]))
        for name, value in values.items()
    }


def _resample(
    ranking: Ranking, placed: Mapping[str, PlacedSignal], draws: int, seed: int, sample: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """AUC, shape (draws,), and eps_S, shape (draws, 3), of each signal."""
    raw = {name: (np.empty(draws), np.empty((draws, len(WORKING_POINTS)))) for name in placed}
    of_signals = {
        name: drawn_weights(signal.weights, signal.order, seed, f"{sample}: {name}")
        for name, signal in placed.items()
    }
    of_background = drawn_weights(ranking.weights, ranking.order, seed, sample)
    for draw in range(draws):
        cumulated = ranking.cumulated(next(of_background))
        places = ranking.threshold_places(cumulated)
        for name, signal in placed.items():
            weights = next(of_signals[name])
            auc, eps_s = raw[name]
            auc[draw] = signal.auc(cumulated, weights)
            eps_s[draw] = signal.efficiencies(places, weights)
    return raw


def drawn_weights(
    weights: np.ndarray, order: np.ndarray, seed: int, name: str
) -> Iterator[np.ndarray]:
    """Weights times the number of times that each event was drawn, draw by draw.

    Args:
        weights: Weights of ranked events, shape (n,).
        order: Index of each in the original sample, on which the draws depend, shape (n,).
        seed: Seed of the draws.
        name: Name of the sample.
    """
    random = np.random.default_rng([seed, crc32(name.encode())])
    original = np.empty_like(weights)
    original[order] = weights
    possible = np.flatnonzero(original)  # Draws of events without weight alone have no sum.
    while True:
        drawn = possible[random.integers(len(possible), size=len(possible))]
        yield weights * np.bincount(drawn, minlength=len(weights))[order]


def _resampled(auc: np.ndarray, eps_s: np.ndarray, value: SignalImprovement) -> Resampled:
    improvements = eps_s * _SI
    resolved = [value.resolved[point] for point in WORKING_POINTS]
    certain = improvements[:, resolved]
    return Resampled(
        auc=auc,
        eps_s=eps_s,
        max_si=improvements.max(axis=1),
        max_si_resolved=certain.max(axis=1) if any(resolved) else np.full(len(auc), np.nan),
    )


def interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """Central interval of resampled values, which may be infinite; no bounds if one is NaN.

    Args:
        values: Shape (draws,).
        level: Probability content.

    Example:
        >>> interval(np.arange(101.0), 0.9)
        (5.0, 95.0)
    """
    if np.isnan(values).any():
        return None, None
    bounds = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(values, bounds, method="inverted_cdf")  # Values may be infinite.
    return float(low), float(high)


def geometric_mean(values: np.ndarray, floors: np.ndarray) -> np.ndarray:
    """Geometric mean over signals of Max SI; a value below its floor counts as the floor.

    Args:
        values: Shape (signals, ...).
        floors: `Evaluated.floor` of each signal, shape (signals,).

    Example:
        >>> geometric_mean(np.array([1.0, 0.0, 10.0]), np.full(3, 0.1)).round(6)
        np.float64(1.0)
    """
    raised = np.maximum(values, floors.reshape(-1, *[1] * (values.ndim - 1)))
    mean: np.ndarray = np.exp(np.log(raised).mean(axis=0))
    return mean
