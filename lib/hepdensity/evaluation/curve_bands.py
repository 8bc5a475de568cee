"""Bootstrap bands of ROC and signal-improvement curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepdensity.evaluation.anomaly import ImprovementCurve, Ranking
from hepdensity.evaluation.resampling import DRAWS, drawn_weights


@dataclass(frozen=True)
class CurveWithBands:
    """A curve, its area and its largest SIC, for the events and for resampled ones.

    Attributes:
        curve: The curve of the events themselves.
        auc: Area under the ROC curve.
        drawn_auc: The same for resampled events, shape (draws,).
        drawn_max_sic: Largest SIC where enough background passes, shape (draws,); NaN if nowhere.
        eps_b: Background efficiencies of the bands, shape (k,).
        drawn_eps_s: Signal efficiencies there, shape (draws, k).
    """

    curve: ImprovementCurve
    auc: float
    drawn_auc: np.ndarray
    drawn_max_sic: np.ndarray
    eps_b: np.ndarray
    drawn_eps_s: np.ndarray

    @property
    def drawn_sic(self) -> np.ndarray:
        """SIC at the background efficiencies of the bands, shape (draws, k)."""
        ratio: np.ndarray = self.drawn_eps_s / np.sqrt(self.eps_b)
        return ratio


def curve_with_bands(
    background: np.ndarray,
    signal: np.ndarray,
    eps_b: np.ndarray,
    least_background: int = 100,
    draws: int = DRAWS,
    seed: int = 0,
    names: tuple[str, str] = ("background", "signal"),
) -> CurveWithBands:
    """SIC at every threshold, with values for resampled events.

    Args:
        background: Scores of background events, high = anomalous, shape (n,); may be infinite.
        signal: Scores of signal events, shape (m,).
        eps_b: Background efficiencies of the bands, above 0 and at most 1, shape (k,).
        least_background: Number of background events that must pass for the largest SIC.
        draws: Number of resamplings.
        seed: Seed of the draws.
        names: Names of the two samples. Scores of the same events must use the same names, which
            give them the same draws.

    Raises:
        ValueError: See `hepdensity.evaluation.anomaly.signal_improvement`.
    """
    ranking = Ranking(background)
    placed = ranking.place(signal)
    curve = ranking.curve(placed, ranking.weights, None, least_background)
    of_background = drawn_weights(ranking.weights, ranking.order, seed, names[0])
    of_signal = drawn_weights(placed.weights, placed.order, seed, ": ".join(names))
    auc, largest = np.empty(draws), np.empty(draws)
    eps_s = np.empty((draws, len(eps_b)))
    for draw in range(draws):
        weights, own = next(of_background), next(of_signal)
        drawn = ranking.curve(placed, weights, own, least_background)
        auc[draw] = placed.auc(ranking.cumulated(weights), own)
        sic = drawn.max_sic
        largest[draw] = np.nan if sic is None else sic
        eps_s[draw] = efficiencies(drawn, eps_b)
    return CurveWithBands(
        curve=curve,
        auc=placed.auc(ranking.cumulated(ranking.weights)),
        drawn_auc=auc,
        drawn_max_sic=largest,
        eps_b=eps_b,
        drawn_eps_s=eps_s,
    )


def efficiencies(curve: ImprovementCurve, eps_b: np.ndarray) -> np.ndarray:
    """Signal efficiency at the largest eps_B of the curve up to each value; 0 if there is none.

    Args:
        curve: The curve.
        eps_b: Background efficiencies, shape (k,).
    """
    place = np.searchsorted(curve.eps_b, eps_b, side="right") - 1
    found: np.ndarray = np.where(place >= 0, curve.eps_s[np.maximum(place, 0)], 0.0)
    return found
