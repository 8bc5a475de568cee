"""Bands of curves: the curve itself, the same draws for the same events, and coverage on toys."""

import numpy as np
import pytest
from scipy.stats import norm

from hepdensity.evaluation.anomaly import signal_improvement, signal_improvement_curve
from hepdensity.evaluation.curve_bands import curve_with_bands, efficiencies
from hepdensity.evaluation.resampling import evaluate, interval

EPS_B = np.array([0.05, 0.1, 0.3])


def toy(seed: int, background: int = 2000, signal: int = 600) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=background), random.normal(1.5, size=signal)


def test_the_curve_is_that_of_the_events() -> None:
    background, signal = toy(1)
    found = curve_with_bands(background, signal, EPS_B, draws=2)
    assert found.auc == signal_improvement(background, signal).auc
    expected = signal_improvement_curve(background, signal)
    assert (found.curve.eps_s == expected.eps_s).all()
    assert found.curve.max_sic == expected.max_sic
    by_hand = [np.mean(signal > np.sort(background)[-1 - int(p * 2000)]) for p in EPS_B]
    assert efficiencies(found.curve, EPS_B) == pytest.approx(by_hand)
    assert efficiencies(found.curve, np.array([1e-9])).tolist() == [0.0]


def test_draws_are_those_of_other_intervals() -> None:
    """So that ratios of values from both are of the same events."""
    background, signal = toy(2)
    found = curve_with_bands(background, signal, EPS_B, draws=5, seed=3, names=("b", "s"))
    other = evaluate(background, {"s": signal}, draws=5, seed=3, sample="b")["s"]
    assert found.drawn_auc == pytest.approx(other.resampled.auc)
    moved = curve_with_bands(2 * background, 2 * signal, EPS_B, draws=5, seed=3, names=("b", "s"))
    assert (moved.drawn_max_sic == found.drawn_max_sic).all()


def test_bands_cover() -> None:
    """68 % intervals of eps_S at eps_B = 0.1 and of the AUC; 120 toys, binomial error 4.3 %."""
    truth = norm.sf(norm.isf(0.1) - 1.5), norm.cdf(1.5 / np.sqrt(2))
    inside = np.zeros(2)
    for seed in range(120):
        found = curve_with_bands(*toy(seed, 800, 300), EPS_B[1:2], draws=60, seed=seed)
        values = found.drawn_eps_s[:, 0], found.drawn_auc
        for i, (value, true) in enumerate(zip(values, truth, strict=True)):
            low, high = interval(value)
            assert low is not None and high is not None
            inside[i] += low <= true <= high
    assert (np.abs(inside / 120 - 0.68) < 0.13).all()


def test_too_few_background_events_have_no_largest_sic() -> None:
    found = curve_with_bands(*toy(4, 90), EPS_B, draws=3)
    assert found.curve.max_sic is None
    assert np.isnan(found.drawn_max_sic).all()
