"""Which jets train, validate and test: no jet, and no event, is in two groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepdensity.ingest.jet_file import JetNumbers, read_numbers
from hepdensity.physics.constituents import NO_PART, PARTS
from hepdensity.preprocessing.event_splits import split_rows

UNUSED = -1
GROUPS = PARTS
"""Names of the groups; a code is a place in this list, or `UNUSED`."""


def trained_codes(path: str | Path, test: int, validation: int, train: int) -> np.ndarray:
    """Group of each jet of a process that is trained on, int8, shape (n,).

    Args:
        path: File of its jets.
        test: Number of test jets.
        validation: Number of validation jets.
        train: Number of training jets.

    Returns:
        Places in `GROUPS`, or `UNUSED`.

    Raises:
        ValueError: If there are too few jets, or their weights differ (see also
            `hepdensity.preprocessing.event_splits.split_rows`).
    """
    numbers = _numbers(path)
    rows = split_rows(numbers.event_id, numbers.part, test, validation, train, str(path))
    codes = np.full(len(numbers.part), UNUSED, dtype=np.int8)
    codes[rows.test[:test]] = GROUPS.index("test")
    codes[rows.validation[:validation]] = GROUPS.index("validation")
    codes[rows.train[:train]] = GROUPS.index("train")
    return codes


def untrained_codes(path: str | Path, test: int) -> np.ndarray:
    """The same for a process that is not trained on; its test jets are those of `trained_codes`.

    Args:
        path: File of its jets.
        test: Number of test jets.

    Raises:
        ValueError: If there are too few jets, or their weights differ.
    """
    numbers = _numbers(path)
    code = GROUPS.index("test")
    named = bool((numbers.part != NO_PART).any())
    rows = np.flatnonzero(numbers.part == code) if named else np.arange(len(numbers.part))
    if len(rows) < test:
        raise ValueError(
            f"{path}: there are {len(rows)} jets for testing, but {test} are needed; provide"
            f" {test - len(rows)} more, or lower split.test"
        )
    codes = np.full(len(numbers.part), UNUSED, dtype=np.int8)
    codes[rows[:test]] = code
    return codes


def _numbers(path: str | Path) -> JetNumbers:
    numbers = read_numbers(path)
    weights = numbers.weight
    if len(weights) and not np.allclose(weights, weights[0]):
        raise ValueError(
            f"{path}: jets have different weights, from {weights.min():g} to {weights.max():g};"
            " unweight the events first"
        )
    return numbers
