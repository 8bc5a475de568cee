"""Which jets train, validate and test: no jet, and no event, is in two groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hepdensity.ingest.jet_file import JetNumbers, read_numbers
from hepdensity.physics.constituents import NO_PART, PARTS
from hepdensity.preprocessing.splits import split_by_position

UNUSED = -1
GROUPS = PARTS
"""Names of the groups; a code is a place in this list, or `UNUSED`."""


@dataclass(frozen=True)
class Wanted:
    """How many jets of a process are wanted.

    Attributes:
        test: Jets for testing.
        validation: Jets for validation; 0 for a process that is not trained on.
        train: Jets for training; 0 likewise.
    """

    test: int
    validation: int = 0
    train: int = 0

    def of(self, group: str) -> int:
        """Number of jets of a group."""
        return int(getattr(self, group))


def group_codes(path: str | Path, wanted: Wanted) -> np.ndarray:
    """Group of each jet of a file, a place in `GROUPS` or `UNUSED`, int8, shape (n,).

    If the source names the parts of its jets, each group takes the first jets of its part. Else
    groups follow each other in the file, test jets first, and a jet of the event of the last jet
    of the group before is not used.

    Args:
        path: File of jets of one process.
        wanted: How many are wanted.

    Raises:
        ValueError: If there are too few jets, some jets have a part and others none, or weights
            differ.
    """
    numbers = read_numbers(path)
    _check_weights(path, numbers)
    named = numbers.part != NO_PART
    if named.any() and not named.all():
        raise ValueError(
            f"{path}: {int((~named).sum())} of {len(named)} jets have no part of the data set and"
            " the others have one; give files of one kind for a process"
        )
    if named.any():
        return _by_part(path, numbers, wanted)
    return _by_position(path, numbers, wanted)


def _by_part(path: str | Path, numbers: JetNumbers, wanted: Wanted) -> np.ndarray:
    codes = np.full(len(numbers.part), UNUSED, dtype=np.int8)
    for code, group in enumerate(GROUPS):
        rows = np.flatnonzero(numbers.part == code)
        if len(rows) < wanted.of(group):
            raise ValueError(
                f"{path}: there are {len(rows)} jets of part {group}, but {wanted.of(group)} are"
                " needed; give more files, or lower split or n_train"
            )
        codes[rows[: wanted.of(group)]] = code
    return codes


def _by_position(path: str | Path, numbers: JetNumbers, wanted: Wanted) -> np.ndarray:
    n = len(numbers.part)
    codes = np.full(n, UNUSED, dtype=np.int8)
    if wanted.train:
        split = split_by_position(n, wanted.test, wanted.validation, wanted.train, str(path))
        parts = {"test": split.test, "validation": split.validation, "train": split.train}
    elif n < wanted.test:
        raise ValueError(
            f"{path}: there are {n} jets, but {wanted.test} are needed for testing; provide"
            f" {wanted.test - n} more, or lower split.test"
        )
    else:
        parts = {"test": slice(0, wanted.test)}
    for group, rows in parts.items():
        start, stop = rows.start, rows.stop
        if start and wanted.of(group):
            last = numbers.event_id[start - 1]
            while start < stop and numbers.event_id[start] == last:
                start += 1
        codes[start : min(stop, start + wanted.of(group))] = GROUPS.index(group)
    lacking = {group: wanted.of(group) - int((codes == i).sum()) for i, group in enumerate(GROUPS)}
    # The rest of an event may have been left out of validation; the training pool is the last.
    if lacking["train"] > 0:
        raise ValueError(
            f"{path}: {lacking['train']} training jets are missing; provide more, or lower split or"
            " n_train"
        )
    return codes


def _check_weights(path: str | Path, numbers: JetNumbers) -> None:
    weights = numbers.weight
    if len(weights) and not np.allclose(weights, weights[0]):
        raise ValueError(
            f"{path}: jets have different weights, from {weights.min():g} to {weights.max():g};"
            " unweight the events first"
        )
