"""Split a sample by position, so that the test events are the same for every training size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """Slices of a sample: test events first, validation next, the rest to train on.

    Attributes:
        test: Test events.
        validation: Validation events.
        train: The training pool, of which a training takes the first rows.
    """

    test: slice
    validation: slice
    train: slice


def split_by_position(events: int, test: int, validation: int, train: int, place: str) -> Split:
    """Split a sample.

    Args:
        events: Number of events there are.
        test: Number of test events.
        validation: Number of validation events.
        train: Least size of the training pool, the largest n_train wanted.
        place: Where the events are, for the error.

    Raises:
        ValueError: If there are too few events, or a slice would be empty.
    """
    if min(test, validation, train) < 1:
        raise ValueError(
            f"split of {place}: test {test}, validation {validation} and training {train} events;"
            " each must be at least 1"
        )
    wanted = test + validation + train
    if events < wanted:
        raise ValueError(
            f"{place}: {events} events, but {wanted} are asked for ({test} test + {validation}"
            f" validation + {train} training); provide {wanted - events} more (generation events of"
            " the preset, or more input files), or lower split or n_train"
        )
    behind = test + validation
    return Split(slice(0, test), slice(test, behind), slice(behind, events))
