"""Split rows that may share an event, and rows whose source says what they are for.

Two jets of one event are correlated, so all rows of an event go to the same group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepdensity.physics.constituents import NO_PART, PARTS
from hepdensity.preprocessing.splits import split_by_position


@dataclass(frozen=True)
class Rows:
    """Rows of each group, rising, int64.

    Attributes:
        test: Test rows.
        validation: Validation rows.
        train: The training pool, of which a training takes the first rows.
    """

    test: np.ndarray
    validation: np.ndarray
    train: np.ndarray


def split_rows(
    event: np.ndarray, part: np.ndarray, test: int, validation: int, train: int, place: str
) -> Rows:
    """Split rows into test, validation and training rows.

    Rows whose source names their part stay in it: the first ones of each part are taken. Without
    names, test rows come first, then validation rows, then training rows, and the last event of a
    group takes all its rows with it, so that a group may have a few more rows than asked for.

    Args:
        event: Number of the event of each row; the rows of an event follow each other; shape (n,).
        part: Part of the source, a place in `PARTS` or `NO_PART`, shape (n,).
        test: Number of test rows.
        validation: Number of validation rows.
        train: Minimum size of the training pool, i.e. the largest n_train.
        place: Where the rows come from, for the error message.

    Raises:
        ValueError: If there are too few rows, only some rows have a named part, or an event is
            found in two groups.

    Example:
        >>> event, part = np.array([1, 1, 2, 3, 3, 4]), np.full(6, NO_PART)
        >>> rows = split_rows(event, part, 1, 1, 2, "file")
        >>> rows.test.tolist(), rows.validation.tolist(), rows.train.tolist()
        ([0, 1], [2], [3, 4, 5])
    """
    named = part != NO_PART
    if named.any():
        if not named.all():
            raise ValueError(
                f"{place}: the source names the part of {int(named.sum())} rows and not of the"
                f" other {int((~named).sum())}; do not mix such sources"
            )
        return _by_part(part, {"test": test, "validation": validation, "train": train}, place)
    # The slices check the numbers; events then move their edges.
    split = split_by_position(len(event), test, validation, train, place)
    first = _end_of_event(event, split.test.stop)
    second = _end_of_event(event, max(split.validation.stop, first + validation))
    rows = np.arange(len(event))
    found = Rows(rows[:first], rows[first:second], rows[second:])
    if len(found.train) < train:
        raise ValueError(
            f"{place}: {len(found.train)} rows are left for training, but {train} are needed;"
            " provide more, or lower split or n_train"
        )
    _refuse_shared_events(event, found, place)
    return found


def _end_of_event(event: np.ndarray, row: int) -> int:
    """First row at or after `row` at which another event begins."""
    while 0 < row < len(event) and event[row] == event[row - 1]:
        row += 1
    return row


def _by_part(part: np.ndarray, wanted: dict[str, int], place: str) -> Rows:
    found = {}
    for name, number in wanted.items():
        rows = np.flatnonzero(part == PARTS.index(name))
        if number < 1 or len(rows) < number:
            raise ValueError(
                f"{place}: the source names {len(rows)} {name} rows, and {number} are asked for;"
                " give its other files too, or ask for a number between 1 and what there is"
            )
        found[name] = rows if name == "train" else rows[:number]
    return Rows(**found)


def _refuse_shared_events(event: np.ndarray, rows: Rows, place: str) -> None:
    groups = (rows.test, rows.validation, rows.train)
    for i, one in enumerate(groups):
        for other in groups[i + 1 :]:
            shared = np.intersect1d(event[one], event[other])
            if len(shared):
                raise ValueError(
                    f"{place}: rows of event {shared[0]} are in two groups; put the rows of an"
                    " event side by side, and number the events of all files differently"
                )
