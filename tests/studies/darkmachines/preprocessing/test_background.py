"""Split of weighted background events."""

import numpy as np
import pytest

from hepdensity.studies.darkmachines.preprocessing.background import (
    split_background,
    split_fold,
    unweighted,
)


def test_groups_share_no_event() -> None:
    weight = np.random.default_rng(1).uniform(0, 2, 5_000)
    groups = split_background(weight, test=0.3, validation=0.2, seed=1)
    assert groups.train is not None
    parts = [np.unique(part) for part in (groups.test, groups.validation, groups.train)]
    every = np.concatenate(parts)
    assert len(np.unique(every)) == len(every)
    assert len(groups.test) == 1_500


def test_training_rows_have_the_composition_of_the_weights() -> None:
    rare = np.arange(20_000) % 4 == 0
    weight = np.where(rare, 3.0, 0.5)
    groups = split_background(weight, test=0.1, validation=0.1, seed=2)
    assert groups.train is not None
    expected = weight[rare].sum() / weight.sum()
    share = rare[groups.train].mean()
    assert share == pytest.approx(expected, abs=4 * (expected / len(groups.train)) ** 0.5)
    assert rare[groups.test].mean() == pytest.approx(0.25, abs=0.05)


def test_there_are_as_many_rows_as_effective_events() -> None:
    generator = np.random.default_rng(3)
    weight = generator.exponential(1, 20_000)
    rows = unweighted(weight, generator)
    effective = weight.sum() ** 2 / np.square(weight).sum()
    assert len(rows) == pytest.approx(effective, rel=0.02)
    times = np.bincount(rows, minlength=len(weight))
    number = weight * weight.sum() / np.square(weight).sum()
    assert (np.abs(times - number) < 1).all()


def test_equal_weights_keep_each_event_once() -> None:
    groups = split_background(np.full(100, 0.2), test=0.5, validation=0.1, seed=3)
    every = np.concatenate([groups.test, groups.validation, groups.train])
    assert sorted(every.tolist()) == list(range(100))


def test_the_split_follows_from_the_seed() -> None:
    weight = np.random.default_rng(1).uniform(0, 2, 500)
    first, same, other = (split_background(weight, 0.3, 0.2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train, same.train)
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize("weight", [np.array([1.0, -0.5]), np.zeros(3)])
def test_weights_that_are_no_probabilities_are_refused(weight: np.ndarray) -> None:
    with pytest.raises(ValueError, match="weights of background events"):
        unweighted(weight, np.random.default_rng(1))


def test_each_event_is_a_test_event_of_one_fold_and_trains_only_others() -> None:
    weight = np.random.default_rng(5).uniform(0.5, 1.5, 900)
    tested = []
    for fold in range(3):
        groups = split_fold(weight, fold, 3, validation=0.2, seed=4)
        assert groups.train is not None
        for part in (groups.validation, groups.train):
            assert not set(part) & set(groups.test)
        assert not set(groups.validation) & set(groups.train)
        tested.append(groups.test)
    assert sorted(np.concatenate(tested).tolist()) == list(range(900))
