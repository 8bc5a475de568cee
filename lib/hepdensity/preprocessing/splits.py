"""Split events by position, so that the test events are the same for every training size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """Slices of a list of events: test events first, then validation, then training events.

    Attributes:
        test: Test events.
        validation: Validation events.
        train: The training pool, of which a training takes the first rows.
    """

    test: slice
    validation: slice
    train: slice


def split_by_position(events: int, test: int, validation: int, train: int, place: str) -> Split:
    """Split a list of events.

    Args:
        events: Number of available events.
        test: Number of test events.
        validation: Number of validation events.
        train: Minimum size of the training pool, i.e. the largest n_train.
        place: Where the events come from, for the error message.

    Raises:
        ValueError: If there are too few events, or a slice would be empty.
    """
    if min(test, validation, train) < 1:
        raise ValueError(
            f"split of {place}: test {test}, validation {validation} and training {train} events;"
            " each must be at least 1"
        )
    needed = test + validation + train
    if events < needed:
        raise ValueError(
            f"{place}: there are {events} events, but {needed} are needed ({test} test +"
            f" {validation} validation + {train} training); provide {needed - events} more (raise"
            " the number of generated events, or add input files), or lower split or n_train"
        )
    behind = test + validation
    return Split(slice(0, test), slice(test, behind), slice(behind, events))
