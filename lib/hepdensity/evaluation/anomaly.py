"""How well an anomaly score separates a signal from background: AUC, signal efficiencies, Max SI.

Scores are high for anomalous events. A *working point* is a background efficiency eps_B; the signal
efficiency eps_S there is the largest one whose threshold lets pass at most the fraction eps_B of
the background **sample**: a step of the ROC curve, never interpolated. The threshold is a score t
of a background event, and events with a score above t pass. Ties are handled conservatively:

- Background events with equal scores pass together or not at all.
- A signal event with the same score as the threshold does not pass.
- An infinite score (an event that a density calls impossible) is the largest score of all. If more
  than the fraction eps_B of the background has it, no event passes.

Since the best of all thresholds is taken, the efficiency of the background in nature is on average
larger than eps_B by up to one event of the sample. This matters only where few background events
pass, so a working point is *resolved* if at least `RESOLVED` effective ones do.

SI = eps_S / sqrt(eps_B), and Max SI is the largest SI of the working points (Verheyen 2022,
arXiv:2205.01697, eq. 22; Aarrestad et al. 2021, arXiv:2105.14027).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

WORKING_POINTS = (1e-2, 1e-3, 1e-4)
"""Background efficiencies eps_B (Aarrestad et al. 2021, arXiv:2105.14027)."""

RESOLVED = 10.0
"""Effective number of background events above the threshold of a resolved working point."""

RANDOM_GUESS = math.sqrt(max(WORKING_POINTS))
"""Max SI of a score that says nothing: eps_S = eps_B at every working point."""

_ROUNDING = 1e-9
"""Relative rounding error of sums of weights: 0.01 * 1000 events must be 10 events."""


@dataclass(frozen=True)
class SignalImprovement:
    """How well a score separates a signal from background.

    Attributes:
        auc: Area under the ROC curve; ties count half.
        eps_s: Background efficiency eps_B -> signal efficiency.
        threshold: eps_B -> score that events must exceed.
        events_above: eps_B -> effective number of background events above the threshold,
            (sum w)^2 / sum w^2.
        resolved: eps_B -> whether that number is at least `RESOLVED`.
        max_si: Largest eps_S / sqrt(eps_B).
        max_si_resolved: The same over the resolved working points; None if there are none.
    """

    auc: float
    eps_s: dict[float, float]
    threshold: dict[float, float]
    events_above: dict[float, float]
    resolved: dict[float, bool]
    max_si: float
    max_si_resolved: float | None


def signal_improvement(
    background: np.ndarray,
    signal: np.ndarray,
    weights: np.ndarray | None = None,
    signal_weights: np.ndarray | None = None,
) -> SignalImprovement:
    """Separate a signal from background with an anomaly score.

    Args:
        background: Scores of background events, high = anomalous, shape (n,); may be infinite.
        signal: Scores of signal events, shape (m,).
        weights: Weights of the background events, shape (n,); all 1 if None.
        signal_weights: Weights of the signal events, shape (m,); all 1 if None.

    Raises:
        ValueError: If there are no events, a score is NaN, or a weight is negative or not finite.

    Example:
        >>> result = signal_improvement(np.arange(1000.0), np.array([500.0, 995.5, 2000.0]))
        >>> round(result.auc, 3), round(result.eps_s[1e-2], 3), round(result.max_si, 2)
        (0.832, 0.667, 33.33)
        >>> result.resolved
        {0.01: True, 0.001: False, 0.0001: False}
    """
    ranking = Ranking(background, weights)
    placed = ranking.place(signal, signal_weights)
    return ranking.improvement(placed)


@dataclass(frozen=True)
class ImprovementCurve:
    """Signal improvement SIC = eps_S / sqrt(eps_B) at every threshold.

    Attributes:
        eps_b: Fraction of background above each threshold, rising, shape (k,).
        eps_s: Fraction of signal above it, shape (k,).
        certain: Whether enough background events are above it, bool, shape (k,).
    """

    eps_b: np.ndarray
    eps_s: np.ndarray
    certain: np.ndarray

    @property
    def sic(self) -> np.ndarray:
        """eps_S / sqrt(eps_B), shape (k,)."""
        ratio: np.ndarray = self.eps_s / np.sqrt(self.eps_b)
        return ratio

    @property
    def max_sic(self) -> float | None:
        """Largest SIC where enough background events pass; None if that is nowhere."""
        return float(self.sic[self.certain].max()) if self.certain.any() else None

    @property
    def max_sic_anywhere(self) -> float | None:
        """Largest SIC of all thresholds that one background event passes, or None if none does.

        Mikuni and Nachman 2024 (arXiv:2306.03933) define the maximum so.
        """
        return float(self.sic.max()) if len(self.eps_b) else None


def signal_improvement_curve(
    background: np.ndarray, signal: np.ndarray, least_background: int = 100
) -> ImprovementCurve:
    """SIC at every score of a background event.

    Events with a score above the threshold pass. With few background events above it, SIC is mostly
    fluctuation: 1 of n events at eps_S = 0.05 gives 0.05 sqrt(n).

    Args:
        background: Scores of background events, high = anomalous, shape (n,); may be infinite.
        signal: Scores of signal events, shape (m,).
        least_background: Number of background events that must pass for `max_sic`.

    Raises:
        ValueError: See `signal_improvement`; or if `least_background` is below 1.

    Example:
        >>> curve = signal_improvement_curve(np.arange(200.0), np.array([50.5, 99.5, 300.0]))
        >>> round(curve.max_sic, 3), round(curve.max_sic_anywhere, 3)
        (1.159, 4.714)
    """
    if least_background < 1:
        raise ValueError(f"least_background is {least_background}; it must be at least 1")
    ranking = Ranking(background)
    return ranking.curve(ranking.place(signal), ranking.weights, None, least_background)


class Ranking:
    """Background events from the most to the least anomalous.

    Sorted once, it serves many signals, and resampled weights of the same events.
    """

    def __init__(self, background: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Sort the events.

        Args:
            background: Scores, high = anomalous, shape (n,).
            weights: Weights, shape (n,); all 1 if None.

        Raises:
            ValueError: See `signal_improvement`.
        """
        background = checked_scores(background, "background")
        self.order = np.argsort(-background, kind="stable")
        self.weights = checked_weights(weights, len(background), "background")[self.order]
        self._scores = background[self.order]
        starts = np.flatnonzero(np.r_[True, self._scores[1:] != self._scores[:-1]])
        lengths = np.diff(np.r_[starts, len(background)])
        self._tied = len(starts) < len(background)
        self._first = np.repeat(starts, lengths)

    def place(self, signal: np.ndarray, weights: np.ndarray | None = None) -> PlacedSignal:
        """Find the places of signal events among the background events.

        Args:
            signal: Scores, high = anomalous, shape (m,).
            weights: Weights, shape (m,); all 1 if None.

        Raises:
            ValueError: See `signal_improvement`.
        """
        signal = checked_scores(signal, "signal")
        order = np.argsort(-signal, kind="stable")
        falling, scores = -self._scores, -signal[order]
        return PlacedSignal(
            order=order,
            weights=checked_weights(weights, len(signal), "signal")[order],
            above=np.searchsorted(falling, scores, side="left"),
            not_below=np.searchsorted(falling, scores, side="right"),
        )

    def cumulated(self, weights: np.ndarray) -> np.ndarray:
        """Sums of the weights of the first 0, 1, ..., n events of the ranking, shape (n + 1,)."""
        return np.concatenate(([0.0], np.cumsum(weights, dtype=np.float64)))

    def threshold_places(self, cumulated: np.ndarray) -> np.ndarray:
        """Place of the event whose score is the threshold, for each working point, shape (3,).

        Args:
            cumulated: From `cumulated`.
        """
        above = cumulated[self._first] if self._tied else cumulated[:-1]
        limits = np.array(WORKING_POINTS) * cumulated[-1] * (1 + _ROUNDING)
        places: np.ndarray = np.searchsorted(above, limits, side="right") - 1
        return places

    def curve(
        self,
        signal: PlacedSignal,
        weights: np.ndarray,
        signal_weights: np.ndarray | None,
        least_background: int,
    ) -> ImprovementCurve:
        """SIC at every distinct score of the background that something passes.

        Args:
            signal: From `place`.
            weights: Weights of the background in the order of the ranking, shape (n,).
            signal_weights: Weights of the signal in its order, shape (m,); its own if None.
            least_background: Number of background events that must pass.
        """
        cumulated = self.cumulated(weights)
        places = np.unique(self._first)
        places = places[cumulated[places] > 0]
        above = cumulated[places]
        return ImprovementCurve(
            eps_b=above / cumulated[-1],
            eps_s=signal.efficiencies(places, signal_weights),
            certain=above >= least_background * (1 - _ROUNDING),
        )

    def improvement(self, signal: PlacedSignal) -> SignalImprovement:
        """Evaluate a signal with the weights of the background itself."""
        cumulated = self.cumulated(self.weights)
        places = self.threshold_places(cumulated)
        eps_s = dict(zip(WORKING_POINTS, signal.efficiencies(places).tolist(), strict=True))
        above = [effective_number(self.weights[: self._first[place]]) for place in places]
        events_above = dict(zip(WORKING_POINTS, above, strict=True))
        resolved = {
            point: bool(number >= RESOLVED * (1 - _ROUNDING))
            for point, number in events_above.items()
        }
        certain = {point: value for point, value in eps_s.items() if resolved[point]}
        return SignalImprovement(
            auc=signal.auc(cumulated),
            eps_s=eps_s,
            threshold=dict(zip(WORKING_POINTS, self._scores[places].tolist(), strict=True)),
            events_above=events_above,
            resolved=resolved,
            max_si=max_si(eps_s),
            max_si_resolved=max_si(certain) if certain else None,
        )


@dataclass(frozen=True)
class PlacedSignal:
    """Signal events, the most anomalous first, and their places among background events.

    Attributes:
        order: Index of each event in the original sample, shape (m,).
        weights: Their weights, shape (m,).
        above: Number of background events with a higher score, shape (m,).
        not_below: Number of background events with a higher or the same score, shape (m,).
    """

    order: np.ndarray
    weights: np.ndarray
    above: np.ndarray
    not_below: np.ndarray

    def efficiencies(self, places: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Fraction of the signal with a score above thresholds.

        Args:
            places: From `Ranking.threshold_places`.
            weights: Other weights than those of the signal, in its order, shape (m,).
        """
        used = self.weights if weights is None else weights
        cumulated = np.concatenate(([0.0], np.cumsum(used, dtype=np.float64)))
        passing = cumulated[np.searchsorted(self.not_below, places, side="right")]
        fractions: np.ndarray = passing / cumulated[-1]
        return fractions

    def auc(self, cumulated: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Area under the ROC curve; ties count half.

        Args:
            cumulated: From `Ranking.cumulated`.
            weights: Other weights than those of the signal, in its order, shape (m,).
        """
        used = self.weights if weights is None else weights
        higher = used @ cumulated[self.above] + used @ cumulated[self.not_below]
        return float(1 - higher / (2 * used.sum() * cumulated[-1]))


def max_si(eps_s: Mapping[float, float]) -> float:
    """Largest eps_S / sqrt(eps_B).

    Args:
        eps_s: Background efficiency -> signal efficiency, at least one.

    Example:
        >>> round(max_si({1e-2: 0.5, 1e-3: 0.2}), 3)
        6.325
    """
    return max(value / math.sqrt(point) for point, value in eps_s.items())


def checked_scores(scores: np.ndarray, name: str) -> np.ndarray:
    """Scores as float64, shape (n,).

    Args:
        scores: The scores; may be infinite.
        name: What they are of, for messages.

    Raises:
        ValueError: If there are none or some are NaN.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise ValueError(
            f"{name}: scores of shape {scores.shape}; give one score per event, and at least one"
        )
    missing = int(np.isnan(scores).sum())
    if missing:
        raise ValueError(
            f"{name}: {missing} of {len(scores)} scores are NaN; give impossible events the score"
            " infinity, and find out why a model has no value"
        )
    return scores


def checked_weights(weights: np.ndarray | None, events: int, name: str) -> np.ndarray:
    """Weights as float64, shape (n,); all 1 if None.

    Args:
        weights: The weights.
        events: Number n of events.
        name: What they are of, for messages.

    Raises:
        ValueError: If their number is wrong, one is negative or not finite, or all are zero.
    """
    if weights is None:
        return np.ones(events)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (events,):
        raise ValueError(f"{name}: {events} scores but weights of shape {weights.shape}; give both")
    bad = int((~np.isfinite(weights) | (weights < 0)).sum())
    if bad or not weights.any():
        told = f"{bad} of {events} weights are negative or not finite" if bad else "no weight"
        raise ValueError(f"{name}: {told}; give weights of at least 0, and one above 0")
    return weights


def effective_number(weights: np.ndarray) -> float:
    """(sum w)^2 / sum w^2 of weights, shape (n,); 0 if there are none."""
    if not weights.any():
        return 0.0
    relative = weights / weights.max()
    return float(relative.sum() ** 2 / (relative**2).sum())
