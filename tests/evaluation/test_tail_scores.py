"""Combination of scores by background tail probabilities."""

import numpy as np
import pytest

from hepdensity.evaluation.anomaly import signal_improvement
from hepdensity.evaluation.tail_scores import BackgroundTail, CombinedScore


def test_tail_by_hand() -> None:
    tail = BackgroundTail.fit(np.array([0.0, 1.0, 1.0, 2.0, 3.0, 5.0]), top=0.5)
    assert tail.scores.tolist() == [0.0, 1.0, 2.0]
    assert np.exp(-tail.surprise) == pytest.approx([1, 5 / 6, 3 / 6])
    assert tail.scale == pytest.approx((1 + 3) / 2)
    given = np.array([-np.inf, -1.0, 0.0, 1.0, 2.0, 4.0, np.inf])
    expected = [0, 0, 0, np.log(6 / 5), np.log(2), np.log(2) + 1, np.inf]
    assert tail(given) == pytest.approx(expected)


def test_exponential_background_has_its_own_score_as_surprise() -> None:
    """P(x > t) = exp(-t / 3), far beyond the sample too."""
    tail = BackgroundTail.fit(np.random.default_rng(1).exponential(3.0, size=200_000))
    assert tail(np.array([1.0, 6.0, 30.0, 60.0])) == pytest.approx(
        np.array([1.0, 6.0, 30.0, 60.0]) / 3, rel=0.06
    )


def test_tail_does_not_change_the_ranking() -> None:
    random = np.random.default_rng(2)
    background, signal = random.normal(size=20_000), random.normal(1.0, size=2000)
    tail = BackgroundTail.fit(random.normal(size=20_000))
    first = signal_improvement(background, signal)
    second = signal_improvement(tail(background), tail(signal))
    assert second.auc == pytest.approx(first.auc, abs=1e-4)
    assert second.eps_s == pytest.approx(first.eps_s, abs=2e-3)


def test_weights_count_like_repeated_events() -> None:
    values, times = np.array([0.0, 1.0, 2.0, 7.0]), np.array([5, 3, 2, 1])
    first = BackgroundTail.fit(values, times, top=0.2)
    second = BackgroundTail.fit(np.repeat(values, times), top=0.2)
    assert first.surprise == pytest.approx(second.surprise)
    assert first.scale == pytest.approx(second.scale)


def test_infinite_background_counts_in_all_tails() -> None:
    tail = BackgroundTail.fit(np.array([0.0, 1.0, np.inf, np.inf]), top=0.1)
    given = np.array([0.0, 1.0, 1.5, np.inf])
    assert np.exp(-tail(given)) == pytest.approx([1.0, 0.75, 0.5, 0.5])


def test_another_score_ranks_events_that_a_density_calls_impossible() -> None:
    """4 % of the background is impossible, so nothing is known at 1e-2 from the density alone."""
    random = np.random.default_rng(4)
    background = {name: random.normal(size=20_000) for name in "ab"}
    background["a"][:800] = np.inf
    signal = {"a": np.full(500, np.inf), "b": random.normal(2.0, size=500)}
    combined = CombinedScore.fit(background)
    assert signal_improvement(background["a"], signal["a"]).max_si == 0.0
    assert signal_improvement(combined(background), combined(signal)).eps_s[1e-2] > 0.5


def test_scores_without_any_finite_value_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no finite score is exceeded by 0\.01"):
        BackgroundTail.fit(np.full(3, np.inf))


def test_independent_scores_together_are_better_than_each() -> None:
    random = np.random.default_rng(3)
    background = {name: random.normal(size=30_000) for name in "ab"}
    signal = {name: random.normal(1.5, size=2000) for name in "ab"}
    combined = CombinedScore.fit({name: random.normal(size=30_000) for name in "ab"})
    alone = signal_improvement(background["a"], signal["a"])
    both = signal_improvement(combined(background), combined(signal))
    assert both.auc > alone.auc + 0.03
    assert both.max_si > 1.3 * alone.max_si


def test_missing_and_invalid_scores_are_refused() -> None:
    combined = CombinedScore.fit({"a": np.arange(200.0), "b": np.arange(200.0)})
    with pytest.raises(ValueError, match="needs b, which these events lack"):
        combined({"a": np.zeros(3)})
    with pytest.raises(ValueError, match="1 of 1 scores are NaN"):
        combined({"a": np.zeros(1), "b": np.full(1, np.nan)})
