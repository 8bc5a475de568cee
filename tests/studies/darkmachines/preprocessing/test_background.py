"""Split of weighted background events."""

import numpy as np
import pytest

from hepdensity.studies.darkmachines.preprocessing.background import split_background


def test_groups_share_no_event_and_lose_only_what_is_counted() -> None:
    weight = np.random.default_rng(1).uniform(0, 2, 5_000)
    groups = split_background(weight, test=0.3, validation=0.2, seed=1)
    every = np.concatenate([groups.test, groups.validation, groups.train])
    assert len(np.unique(every)) == len(every)
    assert len(every) + groups.dropped == 5_000
    assert len(groups.test) == 1_500
    assert len(groups.validation) == round(0.2 * (len(groups.validation) + len(groups.train)))


def test_training_events_have_the_composition_of_the_weights() -> None:
    rare = np.arange(20_000) % 4 == 0
    weight = np.where(rare, 3.0, 0.5)
    groups = split_background(weight, test=0.1, validation=0.1, seed=2)
    expected = weight[rare].sum() / weight.sum()
    share = rare[groups.train].mean()
    assert share == pytest.approx(expected, abs=4 * (expected / len(groups.train)) ** 0.5)
    assert rare[groups.test].mean() == pytest.approx(0.25, abs=0.05)


def test_equal_weights_drop_nothing() -> None:
    assert split_background(np.full(100, 0.2), test=0.5, validation=0.1, seed=3).dropped == 0


def test_the_split_follows_from_the_seed() -> None:
    weight = np.random.default_rng(1).uniform(0, 2, 500)
    first, same, other = (split_background(weight, 0.3, 0.2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train, same.train)
    assert not np.array_equal(first.test, other.test)


@pytest.mark.parametrize("weight", [np.array([1.0, -0.5]), np.zeros(3)])
def test_weights_that_are_no_probabilities_are_refused(weight: np.ndarray) -> None:
    with pytest.raises(ValueError, match="weights of background events"):
        split_background(weight, 0.3, 0.2, 1)
