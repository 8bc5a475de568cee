"""Combine anomaly scores: the sum of -log of their background tail probabilities.

The tail probability of a score is the fraction of background with at least this score. It puts
scores of any unit on one scale, and its sum over scores is Fisher's combination of p-values (as if
the scores were independent, which the background decides: the sum is a score like any other).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hepdensity.evaluation.anomaly import checked_scores, checked_weights

TOP = 0.01
"""Fraction of the background beyond which the tail is exponential."""


@dataclass(frozen=True)
class BackgroundTail:
    """-log of the tail probability of a score, fitted on background that is not used for testing.

    Up to the score that the fraction `TOP` exceeds, it is interpolated between the scores of the
    sample; beyond, it rises linearly with the mean excess of the sample as its scale.

    Attributes:
        scores: Distinct finite scores up to the last one, rising, shape (k,).
        surprise: -log of their tail probabilities [nats], shape (k,).
        scale: Mean excess over the last score; 0 if nothing exceeds it.
        most: -log of the fraction of background with an infinite score [nats], which no score
            exceeds; infinite if there is none.
    """

    scores: np.ndarray
    surprise: np.ndarray
    scale: float
    most: float

    @classmethod
    def fit(
        cls, background: np.ndarray, weights: np.ndarray | None = None, top: float = TOP
    ) -> BackgroundTail:
        """Fit the tail of a background sample.

        Args:
            background: Scores of validation or tuning events, high = anomalous, shape (n,).
                Infinite ones count in the tail of every score.
            weights: Weights of the events; all 1 if None.
            top: Fraction beyond which the tail is exponential.

        Raises:
            ValueError: If a score is NaN, a weight is invalid, or no score is finite.
        """
        background = checked_scores(background, "background of a combined score")
        weights = checked_weights(weights, len(background), "background of a combined score")
        values, places = np.unique(background, return_inverse=True)
        of_values = np.bincount(places, weights)
        tail = np.cumsum(of_values[::-1])[::-1] / of_values.sum()
        # Tail probabilities fall with the score: the last one of at least `top` begins the tail.
        usable = np.isfinite(values) & (tail >= top)
        if not usable.any():
            raise ValueError(
                f"background of a combined score: no finite score is exceeded by {top:g} of the"
                " events; use a score that is finite for almost all background events"
            )
        start = values[usable][-1]
        beyond = np.isfinite(values) & (values > start)
        total = of_values[beyond].sum()
        scale = float(of_values[beyond] @ (values[beyond] - start) / total) if total else 0.0
        impossible = of_values[np.isposinf(values)].sum() / of_values.sum()
        most = -np.log(impossible) if impossible > 0 else np.inf
        return cls(values[usable], -np.log(tail[usable]), scale, float(most))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """-log of the tail probability [nats], shape (n,).

        An infinite score is infinitely surprising only if no background event of the fit has one.

        Args:
            scores: Scores of any events, shape (n,); may be infinite.

        Raises:
            ValueError: If a score is NaN.
        """
        scores = checked_scores(scores, "events of a combined score")
        inside = np.interp(scores, self.scores, self.surprise)
        excess = np.maximum(scores - self.scores[-1], 0.0)
        beyond = np.zeros(len(scores))
        if self.scale > 0:
            beyond = excess / self.scale
        else:
            beyond[excess > 0] = np.inf
        return np.asarray(np.minimum(inside + beyond, self.most))


@dataclass(frozen=True)
class CombinedScore:
    """Sum of the surprises of several scores [nats].

    Attributes:
        tails: Name of a score -> its background tail.
    """

    tails: Mapping[str, BackgroundTail]

    @classmethod
    def fit(
        cls, background: Mapping[str, np.ndarray], weights: np.ndarray | None = None
    ) -> CombinedScore:
        """Fit the tail of each score.

        Args:
            background: Name -> scores of the same validation or tuning events, shape (n,).
            weights: Weights of the events; all 1 if None.

        Raises:
            ValueError: See `BackgroundTail.fit`.
        """
        return cls(
            {name: BackgroundTail.fit(scores, weights) for name, scores in background.items()}
        )

    def __call__(self, scores: Mapping[str, np.ndarray]) -> np.ndarray:
        """The combined score, shape (n,), high = anomalous.

        Args:
            scores: Name -> scores of the same events, shape (n,), for every name of the fit.

        Raises:
            ValueError: If a score is missing or NaN.
        """
        missing = sorted(set(self.tails) - set(scores))
        if missing:
            raise ValueError(f"the combined score needs {missing[0]}, which these events lack")
        return np.asarray(sum(tail(scores[name]) for name, tail in self.tails.items()))
