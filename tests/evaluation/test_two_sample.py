"""Classifier two-sample tests."""

import numpy as np
import pytest

from hepdensity.evaluation.limits import LEAST_EVENTS
from hepdensity.evaluation.two_sample import cross_fitted_auc


def test_samples_of_one_distribution_are_not_told_apart() -> None:
    random = np.random.default_rng(5)
    toys = [
        cross_fitted_auc(random.normal(size=(300, 3)), random.normal(size=(300, 3)), random)
        for _ in range(40)
    ]
    pulls = np.array([(toy.value - 0.5) / toy.error for toy in toys])
    assert abs(pulls.mean()) < 4 / np.sqrt(40)
    # The AUCs of the two halves are not fully correlated, so the error is slightly too large.
    assert 0.5 < pulls.std() < 1.4


def test_a_shift_is_found() -> None:
    random = np.random.default_rng(6)
    first, second = random.normal(size=(4_000, 2)), random.normal(size=(6_000, 2))
    second[:, 1] += 0.5
    estimate = cross_fitted_auc(first, second, random)
    # The best AUC is Phi(0.5 / sqrt(2)) = 0.638.
    assert 0.638 - 0.03 < estimate.value < 0.638 + 4 * estimate.error
    assert estimate.value > 0.5 + 4 * estimate.error


def test_features_may_have_a_meaning_for_few_events_or_none() -> None:
    random = np.random.default_rng(8)
    first, second = random.normal(size=(2, 200, 4))
    first[:, 1] = second[:, 1] = np.nan
    first[1:, 2] = second[:, 2] = np.nan
    estimate = cross_fitted_auc(first, second, np.random.default_rng(1))
    assert abs(estimate.value - 0.5) < 4 * estimate.error
    second[::2, 3] = np.nan
    told_apart = cross_fitted_auc(first, second, np.random.default_rng(1))
    assert told_apart.value > 0.5 + 4 * told_apart.error


def test_same_random_numbers_same_result() -> None:
    random = np.random.default_rng(7)
    first, second = random.normal(size=(2, 100, 3))
    one, other = (cross_fitted_auc(first, second, np.random.default_rng(1)) for _ in range(2))
    assert one == other


def test_too_few_events_are_refused() -> None:
    random = np.random.default_rng(8)
    first, second = random.normal(size=(50, 2)), random.normal(size=(LEAST_EVENTS, 2))
    cross_fitted_auc(first, second, random)
    with pytest.raises(ValueError, match=r"needs 40 events .* 50 and 39; raise split\.test"):
        cross_fitted_auc(first, second[1:], random)
