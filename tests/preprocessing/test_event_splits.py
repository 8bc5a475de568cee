"""Splits of rows by event and by the parts that the source names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepdensity.physics.constituents import NO_PART
from hepdensity.preprocessing.event_splits import Rows, split_rows


def unnamed(n: int) -> np.ndarray:
    return np.full(n, NO_PART, dtype=np.int8)


@given(st.lists(st.integers(1, 3), min_size=12, max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_no_event_is_in_two_groups(counts: list[int], test: int, validation: int) -> None:
    event = np.repeat(np.arange(len(counts)) + 7, counts)
    rows = split_rows(event, unnamed(len(event)), test, validation, 2, "file")
    groups = [rows.test, rows.validation, rows.train]
    np.testing.assert_array_equal(np.concatenate(groups), np.arange(len(event)))
    events = [set(event[of].tolist()) for of in groups]
    assert sum(map(len, events)) == len(set().union(*events)) == len(counts)
    assert test <= len(rows.test) <= test + 2
    assert validation <= len(rows.validation) <= validation + 2
    assert len(rows.train) >= 2


def test_named_parts_are_respected() -> None:
    part = np.array([2, 0, 1, 0, 2, 2, 1, 0], dtype=np.int8)
    rows = split_rows(np.zeros(8), part, 2, 1, 3, "file")
    assert [of.tolist() for of in vars(rows).values()] == [[0, 4], [2], [1, 3, 7]]
    assert isinstance(rows, Rows)


@pytest.mark.parametrize(
    ("part", "numbers", "message"),
    [
        (
            [0] * 6,
            (1, 1, 2),
            "a.h5: the source names 0 test rows, and 1 are asked for; give its ot",
        ),
        ([0, 0, 1, 2, 2, 2], (1, 1, 3), "names 2 train rows, and 3 are asked for"),
        ([0, 0, 1, 2, 2, 2], (0, 1, 2), "names 3 test rows, and 0 are asked for"),
        ([0, 0, 1, 2, 2, -1], (1, 1, 2), "the part of 5 rows and not of the other 1; do not mix"),
        ([-1] * 6, (2, 2, 3), "there are 6 events, but 7 are needed"),
        ([-1] * 6, (1, 1, 3), "2 rows are left for training, but 3 are needed"),
    ],
)
def test_too_few_rows(part: list[int], numbers: tuple[int, int, int], message: str) -> None:
    event = np.array([1, 1, 2, 2, 3, 3])
    with pytest.raises(ValueError, match=message):
        split_rows(event, np.array(part), *numbers, "a.h5")


def test_rows_of_an_event_far_apart() -> None:
    event = np.array([1, 2, 3, 4, 1, 5])
    with pytest.raises(ValueError, match=r"a\.h5: rows of event 1 are in two groups; put the rows"):
        split_rows(event, unnamed(6), 1, 1, 2, "a.h5")
