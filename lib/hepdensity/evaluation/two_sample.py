"""Classifier two-sample test: can a trained classifier tell two samples apart?

Its area under the ROC curve (AUC) is 0.5 if it cannot (Lopez-Paz and Oquab 2017, arXiv:1610.06545).
Unlike a likelihood it sees what is missing from samples, and needs no density of the events.
"""

import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier

from hepdensity.evaluation.likelihood import Estimate
from hepdensity.evaluation.limits import LEAST_EVENTS

_SETTINGS = {
    "max_iter": 500,
    "learning_rate": 0.05,
    "min_samples_leaf": 20,
    "early_stopping": True,
    "n_iter_no_change": 40,
    "validation_fraction": 0.15,
}


def cross_fitted_auc(
    first: np.ndarray, second: np.ndarray, random: np.random.Generator
) -> Estimate:
    """AUC of a classifier that is trained on one half and tested on the other, and vice versa.

    A fluctuation that both halves share moves both AUCs alike, so averaging them does not make the
    error smaller than that of one half.

    Args:
        first: features of events of label 0, shape ``(n, f)``.
        second: features of events of label 1, shape ``(m, f)``; of the larger sample a random part
            is used.
        random: source of random numbers.

    Raises:
        ValueError: if there are too few events.
    """
    size = min(len(first), len(second)) // 2
    if size < LEAST_EVENTS // 2:
        raise ValueError(
            f"a classifier test needs {LEAST_EVENTS} events of each sample, but there are"
            f" {len(first)} and {len(second)}; raise split.test or samples"
        )
    halves = [
        np.stack(np.split(values[random.permutation(len(values))[: 2 * size]], 2))
        for values in (first, second)
    ]
    folds = []
    for train, test in ((0, 1), (1, 0)):
        classifier = HistGradientBoostingClassifier(
            **_SETTINGS, random_state=int(random.integers(2**31))
        )
        labels = np.repeat([0, 1], size)
        classifier.fit(np.concatenate([half[train] for half in halves]), labels)
        scores = [classifier.predict_proba(half[test])[:, 1] for half in halves]
        folds.append(auc_with_error(*scores))
    return Estimate(
        float(np.mean([fold.value for fold in folds])),
        float(np.sqrt(np.mean([fold.error**2 for fold in folds]))),
    )


def auc_with_error(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Probability that a score of the second sample is above one of the first, ties half.

    The standard error is that of DeLong et al. (Biometrics 44 (1988) 837), or if all scores are
    the same that of random ones.

    Args:
        first: scores, shape ``(n,)``.
        second: scores, shape ``(m,)``.
    """
    n, m = len(first), len(second)
    if np.ptp(np.concatenate((first, second))) == 0:
        # Nothing learnt: the error is that of random scores.
        return Estimate(0.5, float(np.sqrt((n + m + 1) / (12 * n * m))))
    ranks = stats.rankdata(np.concatenate((first, second)))
    below = (ranks[n:] - stats.rankdata(second)) / n
    above = 1 - (ranks[:n] - stats.rankdata(first)) / m
    variance = below.var(ddof=1) / m + above.var(ddof=1) / n
    return Estimate(float(below.mean()), float(np.sqrt(variance)))
