"""Scores of folds, joined."""

import numpy as np
import pytest

from hepdensity.evaluation.scores import Scores
from hepdensity.studies.darkmachines.evaluation.joining import (
    joined,
    joined_groups,
    joined_references,
)


def test_background_is_put_together_and_signals_are_shared_among_the_folds() -> None:
    folds = [np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])]
    np.testing.assert_array_equal(joined("test", folds), [1, 2, 3, 4, 5])
    folds = [np.arange(5.0), 10 + np.arange(5.0), 20 + np.arange(5.0)]
    np.testing.assert_array_equal(joined("gluino", folds), [0, 11, 22, 3, 14])


def test_all_groups_and_their_exactness() -> None:
    def fold(offset: float) -> dict[str, Scores]:
        arrays = {"log_likelihood": offset + np.arange(3.0), "curve": np.zeros((2, 3))}
        attributes = {"exact": False, "draws": np.array([1, 4]), "not_finite_log_likelihood": 0}
        return {name: Scores(arrays, attributes) for name in ("test", "signal")}

    found = joined_groups([fold(0), fold(10)])
    assert list(found["test"].arrays) == ["log_likelihood"]
    assert len(found["test"].arrays["log_likelihood"]) == 6
    np.testing.assert_array_equal(found["signal"].arrays["log_likelihood"], [0, 11, 2])
    assert found["signal"].attributes["exact"] is False
    assert found["signal"].attributes["draws"].tolist() == [1, 4]


def test_references_are_joined_by_their_group() -> None:
    one = {"met@test": np.array([1.0]), "met@a": np.array([5.0, 6.0])}
    two = {"met@test": np.array([2.0]), "met@a": np.array([7.0, 8.0])}
    names = {"supervised@test@a": np.array([9.0])}
    folds = [Scores({**part, **names}, {"seed": 1}) for part in (one, two)]
    found = joined_references(folds, "@").arrays
    np.testing.assert_array_equal(found["met@test"], [1, 2])
    np.testing.assert_array_equal(found["met@a"], [5, 8])
    np.testing.assert_array_equal(found["supervised@test@a"], [9, 9])


def test_folds_with_other_events_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers of events of group 'a'"):
        joined("a", [np.zeros(2), np.zeros(3)])
