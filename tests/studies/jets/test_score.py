"""Eq. 7 by hand, and what it does not take."""

import numpy as np
import pytest

from hepdensity.studies.jets.score import anomaly_score, negative_log_likelihood


def test_by_hand() -> None:
    jet, particles, n = np.array([-2.0, 1.0]), np.array([30.0, -8.0]), np.array([10, 2])
    assert anomaly_score(jet, particles, n).tolist() == [2 - 3, -1 + 4]
    assert negative_log_likelihood(jet, particles).tolist() == [-28.0, 7.0]


def test_units_shift_the_score_by_a_constant() -> None:
    """Another unit of a constituent adds the same to each constituent, so N drops out."""
    random = np.random.default_rng(1)
    n = random.integers(1, 50, 20)
    jet, particles = random.normal(size=20), random.normal(size=20)
    moved = anomaly_score(jet, particles + 0.7 * n, n) - anomaly_score(jet, particles, n)
    assert moved == pytest.approx(np.full(20, -0.7))
    other = negative_log_likelihood(jet, particles + 0.7 * n)
    assert np.ptp(other - negative_log_likelihood(jet, particles)) > 10


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="jet 2 has no particles"):
        anomaly_score(np.zeros(2), np.zeros(2), np.array([3, 0]))
    with pytest.raises(ValueError, match="different shapes"):
        anomaly_score(np.zeros(2), np.zeros(3), np.ones(2))
