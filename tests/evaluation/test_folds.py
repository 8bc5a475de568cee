"""Folds of events, and scores by the model that did not see an event."""

import numpy as np
import pytest

from hepdensity.evaluation.folds import cross_fitted, fold_of, hashed, training_folds


def test_folds_are_balanced_and_independent_of_order() -> None:
    events = np.arange(50_000)
    folds = fold_of(events, 5)
    assert np.bincount(folds) == pytest.approx(np.full(5, 10_000), abs=4 * 90)
    moved = np.random.default_rng(1).permutation(events)
    assert (fold_of(moved, 5) == folds[moved]).all()
    assert (fold_of(events[:10], 5) == folds[:10]).all()


def test_another_seed_gives_an_independent_division() -> None:
    events = np.arange(40_000)
    together = np.zeros((4, 4))
    np.add.at(together, (fold_of(events, 4), fold_of(events, 4, seed=1)), 1)
    assert together == pytest.approx(np.full((4, 4), 2500), abs=5 * 50)


def test_hash_has_no_pattern_of_its_own() -> None:
    values = hashed(np.arange(-20_000, 20_000), 3)
    assert len(np.unique(values)) == 40_000
    assert np.mean(values / 2.0**64) == pytest.approx(0.5, abs=0.006)
    assert abs(np.corrcoef(values[1:] / 2.0**64, values[:-1] / 2.0**64)[0, 1]) < 0.02


def test_each_event_is_trained_on_validated_and_tested_in_turn() -> None:
    folds = fold_of(np.arange(1000), 4)
    seen = np.zeros((3, 1000), dtype=int)
    for fold in range(4):
        train, validation = training_folds(folds, fold, 4)
        assert not (train & validation).any()
        assert not ((train | validation) & (folds == fold)).any()
        seen += np.stack([train, validation, folds == fold])
    assert (seen == [[2], [1], [1]]).all()


def test_every_event_gets_the_score_of_the_model_that_did_not_see_it() -> None:
    folds = np.array([0, 2, 1, 2])
    scores = [np.arange(4.0) + 10 * fold for fold in range(3)]
    assert cross_fitted(scores, folds).tolist() == [0.0, 21.0, 12.0, 23.0]


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="1 folds; set at least 2"):
        fold_of(np.arange(3), 1)
    with pytest.raises(ValueError, match="at least 3"):
        training_folds(np.zeros(2, dtype=int), 0, 2)
    with pytest.raises(ValueError, match="scores of 2 models for 3 events, but 3 events in 3"):
        cross_fitted([np.zeros(3), np.zeros(3)], np.array([0, 1, 2]))
