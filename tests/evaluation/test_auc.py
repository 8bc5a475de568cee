"""Area under the ROC curve and its error."""

import numpy as np
import pytest

from hepdensity.evaluation.auc import auc_with_error


def test_auc_by_hand() -> None:
    estimate = auc_with_error(np.array([1.0, 2.0, 4.0]), np.array([2.0, 5.0]))
    # 2 is above 1, and with 2 a tie; 5 is above all: (1 + 1/2 + 3) / 6
    assert estimate.value == pytest.approx(0.75)
    # Placements 1/2, 1 of the second set; 1, 3/4, 1/2 of the first.
    assert estimate.error == pytest.approx(np.sqrt(0.125 / 2 + 0.0625 / 3))


def test_error_of_the_auc_is_its_spread() -> None:
    random = np.random.default_rng(2)
    toys = [
        auc_with_error(random.normal(size=60), random.normal(0.7, 1.5, size=90)) for _ in range(600)
    ]
    values, errors = np.array([(toy.value, toy.error) for toy in toys]).T
    # Relative error of a spread from 600 toys: 1 / sqrt(1200).
    assert values.std() == pytest.approx(errors.mean(), rel=4 / np.sqrt(1200))


def test_scores_that_are_all_the_same_tell_nothing() -> None:
    estimate = auc_with_error(np.full(30, 0.5), np.full(30, 0.5))
    assert estimate.value == 0.5
    assert estimate.error == pytest.approx(np.sqrt(61 / 12 / 900))
