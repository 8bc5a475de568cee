"""Bootstrap intervals: coverage on toys, pairing, weights."""

import numpy as np
import pytest
from scipy.stats import norm

from hepdensity.evaluation.anomaly import WORKING_POINTS
from hepdensity.evaluation.auc import auc_with_error
from hepdensity.evaluation.resampling import Evaluated, evaluate, geometric_mean, interval

SHIFT = 1.5
TRUE_EPS_S = {point: norm.sf(norm.isf(point) - SHIFT) for point in WORKING_POINTS}


def toy(random: np.random.Generator, background: int, signal: int, draws: int = 120) -> Evaluated:
    scores = {"toy": random.normal(SHIFT, size=signal)}
    return evaluate(random.normal(size=background), scores, draws=draws)["toy"]


def test_intervals_cover_the_truth() -> None:
    """68 % of 300 intervals, which has a standard error of 2.7 %."""
    random = np.random.default_rng(1)
    covered = np.zeros(3)
    for _ in range(300):
        result = toy(random, 3000, 500)
        values = result.resampled
        truths = (norm.cdf(SHIFT / np.sqrt(2)), TRUE_EPS_S[1e-2], TRUE_EPS_S[1e-2] / 0.1)
        for i, drawn in enumerate((values.auc, values.eps_s[:, 0], values.max_si_resolved)):
            low, high = interval(drawn)
            covered[i] += low <= truths[i] <= high
    assert covered / 300 == pytest.approx(np.full(3, 0.683), abs=4 * 0.027)


def test_intervals_of_weighted_events_cover_the_truth() -> None:
    """Background with weights: events of a wider distribution, weighted back."""
    random = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        background = random.normal(scale=1.5, size=3000)
        weights = np.exp(-(background**2) / 2 * (1 - 1 / 1.5**2))
        scores = {"toy": random.normal(SHIFT, size=500)}
        result = evaluate(background, scores, weights, draws=120)["toy"]
        low, high = interval(result.resampled.eps_s[:, 0])
        covered += low <= TRUE_EPS_S[1e-2] <= high
    assert covered / 300 == pytest.approx(0.683, abs=4 * 0.027)


def test_spread_of_the_auc_is_that_of_delong() -> None:
    random = np.random.default_rng(3)
    background, signal = random.normal(size=4000), random.normal(SHIFT, size=900)
    drawn = evaluate(background, {"toy": signal}, draws=600)["toy"].resampled.auc
    expected = auc_with_error(background, signal)
    assert drawn.mean() == pytest.approx(expected.value, abs=5 * expected.error / 600**0.5)
    assert drawn.std() == pytest.approx(expected.error, rel=0.12)


def test_scores_of_the_same_events_see_the_same_draws() -> None:
    random = np.random.default_rng(4)
    background, signal = random.normal(size=2000), random.normal(SHIFT, size=300)
    first = evaluate(background, {"a": signal}, draws=20, seed=5)["a"].resampled
    transformed = evaluate(np.exp(background), {"a": np.exp(signal)}, draws=20, seed=5)["a"]
    assert (first.max_si == transformed.resampled.max_si).all()
    assert (first.auc == transformed.resampled.auc).all()
    for other in (
        evaluate(background, {"a": signal}, draws=20, seed=6),
        evaluate(background, {"a": signal}, draws=20, seed=5, sample="other"),
    ):
        assert (first.auc != other["a"].resampled.auc).any()


def test_a_signal_does_not_depend_on_the_others() -> None:
    random = np.random.default_rng(5)
    background, signal = random.normal(size=2000), random.normal(SHIFT, size=300)
    alone = evaluate(background, {"a": signal}, draws=10)["a"].resampled
    both = evaluate(background, {"b": -signal, "a": signal}, draws=10)["a"].resampled
    assert (alone.eps_s == both.eps_s).all()


def test_unresolved_points_are_left_out() -> None:
    random = np.random.default_rng(6)
    few = toy(random, 500, 100, draws=10)
    assert few.value.max_si_resolved is None
    assert np.isnan(few.resampled.max_si_resolved).all()
    more = toy(random, 1500, 100, draws=10).resampled
    assert (more.max_si_resolved == more.eps_s[:, 0] * 10).all()
    assert (more.max_si >= more.max_si_resolved).all()


def test_events_without_weight_are_never_drawn_alone() -> None:
    weights = np.zeros(50)
    weights[7] = 1.0
    signals = {"a": np.arange(3.0) + 30}
    result = evaluate(np.arange(50.0), signals, weights, {"a": np.array([0, 1, 0])}, draws=30)
    assert (result["a"].resampled.auc == 1.0).all()


def test_geometric_mean_of_a_signal_that_is_not_seen() -> None:
    """No event passed: the mean counts half an event at 1e-2."""
    result = evaluate(np.arange(1000.0), {"a": np.zeros(50)}, draws=2)["a"]
    assert result.value.max_si == 0.0
    assert result.floor == pytest.approx(0.5 / 50 / 0.1)
    values = np.array([[0.0, 0.4], [0.9, 0.1]])
    floors = np.array([result.floor, 0.2])
    assert geometric_mean(values, floors) == pytest.approx([0.3, np.sqrt(0.4 * 0.2)])


def test_interval_has_no_bounds_if_a_draw_has_no_value() -> None:
    assert interval(np.array([1.0, np.nan, 2.0])) == (None, None)
    assert interval(np.array([1.0, np.inf, 2.0]), 0.9) == (1.0, np.inf)
