"""Splits by position."""

import numpy as np
import pytest

from hepdensity.preprocessing.splits import split_by_position


def test_parts_are_disjoint_and_complete() -> None:
    split = split_by_position(100, test=20, validation=10, train=50, place="file")
    rows = np.arange(100)
    parts = [rows[split.test], rows[split.validation], rows[split.train]]
    assert [len(part) for part in parts] == [20, 10, 70]
    assert (np.concatenate(parts) == rows).all()


def test_test_events_do_not_depend_on_the_rest() -> None:
    splits = [split_by_position(n, 20, n // 10, n // 2, "file") for n in (100, 1000)]
    assert splits[0].test == splits[1].test


def test_too_few_events() -> None:
    with pytest.raises(
        ValueError, match=r"^events\.h5: there are 100 events, but 130 are .* 30 more"
    ) as caught:
        split_by_position(100, test=20, validation=10, train=100, place="events.h5")
    assert str(caught.value).endswith("or lower split or n_train")


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 1, 1)])
def test_empty_parts_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="each must be at least 1"):
        split_by_position(10, *sizes, place="file")
