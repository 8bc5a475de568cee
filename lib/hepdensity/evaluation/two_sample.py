"""Classifier two-sample test: can a classifier distinguish two sets of events?

If it cannot, its area under the ROC curve (AUC) is 0.5 (Lopez-Paz and Oquab 2017,
arXiv:1610.06545). Unlike a likelihood, the test notices events that a model never samples, and it
needs no density.
"""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from hepdensity.evaluation.auc import auc_with_error
from hepdensity.evaluation.estimates import Estimate
from hepdensity.evaluation.limits import LEAST_EVENTS

_NO_MEANING = -1e9
"""Stands for NaN: scikit-learn cannot take a column that is NaN in all events of a part."""

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
    """AUC of a classifier trained on one half of the events and tested on the other, both ways.

    A fluctuation that both halves share shifts both AUCs in the same direction. The error of the
    average is therefore taken to be as large as that of one half.

    Args:
        first: features of events of label 0, shape ``(n, f)``; NaN where they have no meaning.
        second: features of events of label 1, shape ``(m, f)``. If n and m differ, a random part of
            the larger set is used.
        random: source of random numbers.

    Raises:
        ValueError: if there are too few events.
    """
    size = min(len(first), len(second)) // 2
    if size < LEAST_EVENTS // 2:
        raise ValueError(
            f"a classifier test needs {LEAST_EVENTS} events in each set, but there are"
            f" {len(first)} and {len(second)}; raise split.test or samples"
        )
    halves = [
        np.stack(np.split(values[random.permutation(len(values))[: 2 * size]], 2))
        for values in (np.where(np.isnan(given), _NO_MEANING, given) for given in (first, second))
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
