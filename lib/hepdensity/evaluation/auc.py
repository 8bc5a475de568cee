"""Area under the ROC curve (AUC) of a score."""

import numpy as np
from scipy import stats

from hepdensity.evaluation.estimates import Estimate


def auc_with_error(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Probability that a score of the second set exceeds one of the first; ties count half.

    The standard error follows DeLong et al. (Biometrics 44 (1988) 837). If all scores are equal, it
    is the error of random scores.

    Args:
        first: scores, shape ``(n,)``.
        second: scores, shape ``(m,)``.

    Example:
        >>> result = auc_with_error(np.array([0.1, 0.4, 0.5]), np.array([0.3, 0.6, 0.9]))
        >>> round(result.value, 3), round(result.error, 3)
        (0.778, 0.248)
    """
    n, m = len(first), len(second)
    both = np.concatenate((first, second))
    if np.ptp(both) == 0:
        return Estimate(0.5, float(np.sqrt((n + m + 1) / (12 * n * m))))
    ranks = stats.rankdata(both)
    below = (ranks[n:] - stats.rankdata(second)) / n
    above = 1 - (ranks[:n] - stats.rankdata(first)) / m
    variance = below.var(ddof=1) / m + above.var(ddof=1) / n
    return Estimate(float(below.mean()), float(np.sqrt(variance)))
