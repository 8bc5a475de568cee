"""AUC, signal efficiencies and Max SI, against hand-worked cases and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from hepdensity.evaluation.anomaly import (
    RANDOM_GUESS,
    WORKING_POINTS,
    Ranking,
    max_si,
    signal_improvement,
    signal_improvement_curve,
)


def normal(seed: int, mean: float, events: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, size=events)


def test_by_hand() -> None:
    """Of 1,000 background events 0 ... 999, ten may pass at 1e-2, one at 1e-3, none at 1e-4."""
    signal = np.array([5.5, 989.0, 989.5, 998.0, 998.5, 999.0, 999.5, 2000.0])
    result = signal_improvement(np.arange(1000.0), signal)
    assert result.threshold == {1e-2: 989.0, 1e-3: 998.0, 1e-4: 999.0}
    assert result.eps_s == {1e-2: 6 / 8, 1e-3: 4 / 8, 1e-4: 2 / 8}
    assert result.events_above == {1e-2: 10.0, 1e-3: 1.0, 1e-4: 0.0}
    assert result.resolved == {1e-2: True, 1e-3: False, 1e-4: False}
    assert result.max_si == pytest.approx(25.0)
    assert result.max_si_resolved == pytest.approx(7.5)
    below = [6, 989.5, 990, 998.5, 999, 999.5, 1000, 1000]
    assert result.auc == pytest.approx(sum(below) / 8 / 1000)


@pytest.mark.parametrize("events", [1000, 7000, 10_000, 21_000, 30_000])
def test_rounding_takes_no_event_from_a_working_point(events: int) -> None:
    result = signal_improvement(np.arange(float(events)), np.array([0.0]))
    assert result.events_above[1e-2] == events // 100
    assert result.events_above[1e-3] == events // 1000


@pytest.mark.parametrize("decimals", [1, 12])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_scikit_learn(decimals: int, weighted: bool) -> None:
    background, signal = normal(1, 0, 23_456).round(decimals), normal(2, 1.5, 789).round(decimals)
    random = np.random.default_rng(3)
    weights = random.exponential(size=len(background)) if weighted else np.ones(len(background))
    own = random.exponential(size=len(signal)) if weighted else np.ones(len(signal))
    result = signal_improvement(background, signal, weights, own)
    labels = np.repeat([0, 1], [len(background), len(signal)])
    both, used = np.concatenate([background, signal]), np.concatenate([weights, own])
    assert result.auc == pytest.approx(roc_auc_score(labels, both, sample_weight=used))
    fpr, tpr, _ = roc_curve(labels, both, sample_weight=used, drop_intermediate=False)
    for point in WORKING_POINTS:
        assert result.eps_s[point] == pytest.approx(tpr[fpr <= point * (1 + 1e-9)].max())
    assert result.max_si == pytest.approx(max_si(result.eps_s))


def test_tied_background_passes_together_or_not_at_all() -> None:
    background = np.concatenate([np.zeros(970), np.full(20, 1.0), np.full(10, 2.0)])
    result = signal_improvement(background, np.array([1.0, 1.5, 2.0, 3.0]))
    assert result.threshold == {1e-2: 1.0, 1e-3: 2.0, 1e-4: 2.0}
    assert result.eps_s == {1e-2: 0.75, 1e-3: 0.25, 1e-4: 0.25}
    one_more = signal_improvement(np.append(background, 2.0), np.array([1.0, 1.5, 2.0, 3.0]))
    assert one_more.threshold[1e-2] == 2.0
    assert one_more.eps_s[1e-2] == 0.25
    assert one_more.resolved[1e-2] is False


def test_a_constant_score_says_nothing() -> None:
    result = signal_improvement(np.zeros(2000), np.zeros(10))
    assert result.auc == 0.5
    assert result.max_si == 0.0
    assert result.max_si_resolved is None


def test_a_random_score_has_the_max_si_of_a_guess() -> None:
    result = signal_improvement(normal(1, 0, 400_000), normal(2, 0, 400_000))
    assert result.max_si_resolved == pytest.approx(RANDOM_GUESS, rel=0.05)
    assert result.auc == pytest.approx(0.5, abs=0.004)


def test_a_perfect_score() -> None:
    result = signal_improvement(np.zeros(20_000) + np.arange(20_000) * 1e-6, np.full(3, 9.0))
    assert result.auc == 1.0
    assert result.max_si == pytest.approx(100.0)
    assert result.max_si_resolved == pytest.approx(1000**0.5)


def test_impossible_events_are_the_most_anomalous() -> None:
    background = np.arange(1000.0)
    background[:10] = np.inf
    signal = np.array([-np.inf, 500.0, np.inf, np.inf])
    result = signal_improvement(background, signal)
    assert result.eps_s == {1e-2: 0.5, 1e-3: 0.0, 1e-4: 0.0}
    assert result.threshold[1e-2] == 999.0
    background[10] = np.inf  # Now 1.1 % of the background looks impossible.
    assert signal_improvement(background, signal).max_si == 0.0
    assert signal_improvement(background, signal).auc == pytest.approx(
        (0 + 489.5 / 1000 + 2 * (989 + 5.5) / 1000) / 4
    )


def test_weights_are_those_of_repeated_events() -> None:
    background, signal = normal(4, 0, 3000), normal(5, 2, 400)
    times = np.random.default_rng(6).integers(0, 4, size=3000)
    own = np.random.default_rng(7).integers(1, 3, size=400)
    weighted = signal_improvement(background, signal, times, own)
    repeated = signal_improvement(np.repeat(background, times), np.repeat(signal, own))
    assert weighted.auc == pytest.approx(repeated.auc)
    assert weighted.eps_s == pytest.approx(repeated.eps_s)
    assert weighted.threshold == repeated.threshold


def test_few_large_weights_resolve_little() -> None:
    """30 events pass at 1e-2, but one of them carries almost all of their weight."""
    weights = np.ones(100_000)
    weights[-1] = 970.0
    result = signal_improvement(np.arange(100_000.0), np.array([0.0]), weights)
    assert result.events_above[1e-2] == pytest.approx((970 + 39) ** 2 / (970**2 + 39), rel=1e-3)
    assert not any(result.resolved.values())
    assert not any(signal_improvement(np.arange(1e5), np.zeros(1), weights * 1e-200).resolved[p]
                   for p in WORKING_POINTS)  # fmt: skip


def test_the_scale_of_scores_and_weights_does_not_matter() -> None:
    background, signal = normal(8, 0, 5000), normal(9, 1, 500)
    weights = np.random.default_rng(1).random(5000)
    first = signal_improvement(background, signal, weights)
    second = signal_improvement(np.exp(background), np.exp(signal), weights * 1e-6)
    assert first.eps_s == second.eps_s
    assert first.auc == pytest.approx(second.auc)


def test_one_ranking_serves_many_signals() -> None:
    background = normal(10, 0, 4000)
    ranking = Ranking(background)
    for mean in (0.5, 1.5):
        signal = normal(11, mean, 300)
        assert ranking.improvement(ranking.place(signal)) == signal_improvement(background, signal)


@pytest.mark.parametrize(
    ("background", "signal", "weights", "message"),
    [
        ([0.0, np.nan, np.nan], [1.0], None, r"background: 2 of 3 scores are NaN"),
        ([0.0], [1.0, np.nan], None, r"signal: 1 of 2 scores are NaN"),
        ([], [1.0], None, r"background: scores of shape \(0,\)"),
        ([0.0], [], None, r"signal: scores of shape \(0,\)"),
        ([[0.0]], [1.0], None, r"background: scores of shape \(1, 1\)"),
        ([0.0, 1.0], [1.0], [1.0], r"background: 2 scores but weights of shape \(1,\)"),
        ([0.0, 1.0], [1.0], [1.0, -1.0], r"1 of 2 weights are negative or not finite"),
        ([0.0, 1.0], [1.0], [np.nan, np.inf], r"2 of 2 weights are negative or not finite"),
        ([0.0, 1.0], [1.0], [0.0, 0.0], r"no weight"),
    ],
)
def test_invalid_values_are_refused(
    background: list[float], signal: list[float], weights: list[float] | None, message: str
) -> None:
    given = None if weights is None else np.array(weights)
    with pytest.raises(ValueError, match=message):
        signal_improvement(np.array(background), np.array(signal), given)


def test_curve_by_hand() -> None:
    """Background 1, 2, 2, 3, 4: above 3 is one event, above the pair two, above 1 four."""
    curve = signal_improvement_curve(np.array([2.0, 1, 3, 2, 4]), np.array([2.0, 2.5, 3.5, 5]), 2)
    assert curve.eps_b.tolist() == [1 / 5, 2 / 5, 4 / 5]
    assert curve.eps_s.tolist() == [2 / 4, 3 / 4, 4 / 4]
    assert curve.certain.tolist() == [False, True, True]
    assert curve.max_sic == pytest.approx(0.75 / np.sqrt(0.4))
    assert curve.max_sic_anywhere == pytest.approx(max(0.5 / np.sqrt(0.2), 0.75 / np.sqrt(0.4)))


def test_curve_is_that_of_scikit_learn() -> None:
    background, signal = normal(1, 0, 3000), normal(2, 1.5, 800)
    curve = signal_improvement_curve(background, signal)
    labels = np.r_[np.zeros(3000), np.ones(800)]
    scores = np.r_[background, signal]
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    largest: dict[int, float] = {}
    for x, y in zip(fpr, tpr, strict=True):
        largest[round(x * 3000)] = max(largest.get(round(x * 3000), 0), y)
    expected = [largest[round(x * 3000)] for x in curve.eps_b]
    np.testing.assert_allclose(curve.eps_s, expected)
    known = {k / 3000: y for k, y in largest.items() if k}
    # Thresholds are scores of background events, so the last event itself never passes.
    anywhere = max(y / np.sqrt(x) for x, y in known.items() if x < 1)
    assert curve.max_sic_anywhere == pytest.approx(anywhere)
    assert curve.max_sic == pytest.approx(
        max(y / np.sqrt(x) for x, y in known.items() if 100 / 3000 <= x < 1)
    )


def test_curve_without_enough_background() -> None:
    assert signal_improvement_curve(np.arange(50.0), np.array([60.0])).max_sic is None
    same = signal_improvement_curve(np.ones(50), np.array([2.0]), 1)
    assert (same.max_sic, same.max_sic_anywhere) == (None, None)
    with pytest.raises(ValueError, match="least_background is 0"):
        signal_improvement_curve(np.arange(5.0), np.array([1.0]), 0)


def test_infinite_scores_pass_together() -> None:
    background = np.array([np.inf, np.inf, 3.0, 2.0])
    curve = signal_improvement_curve(background, np.array([np.inf, 2.5]), 1)
    assert curve.eps_b.tolist() == [0.5, 0.75]
    assert curve.eps_s.tolist() == [0.5, 1.0]
