"""Find reconstructed events that occur twice, in one file or across files.

Two events are the same if MET, its azimuth and the types and momenta of all objects are equal as
stored. Names, weights and numbers of events do not count: a file that was made again under another
name, or with another weight, is the same sample.

An event of two jets has ten numbers of six digits. Even if only 10^15 combinations of them were
likely, one in twenty samples of ten million genuine events would have a chance repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hepdensity.ingest.object_file import count_objects, iterate_objects, read_objects
from hepdensity.ingest.repeats import (
    RepeatFinder,
    place_of,
    refuse_repeated_events,
    refuse_same_files,
)
from hepdensity.physics.objects import MOST_OBJECTS, ObjectEvents

logger = logging.getLogger(__name__)

MOST_REPEATED = 0.01
"""Default for the largest fraction of repeated events."""

_COMPARED = "MET and objects"


def object_words(events: ObjectEvents) -> np.ndarray:
    """What makes two events the same, as 64-bit words.

    Args:
        events: The events.

    Returns:
        Words, uint64, shape (n, words).
    """
    # Adding 0 turns -0 into 0; the bits of NaN depend on who wrote the file.
    header = np.column_stack([events.met, events.met_phi]) + 0.0
    columns = [events.energy, events.pt, events.eta, events.phi]
    momenta = np.hstack([np.where(events.present, values, 0) + 0.0 for values in columns])
    types = np.zeros((len(events), 8 * -(-MOST_OBJECTS // 8)), dtype=np.int8)
    types[:, :MOST_OBJECTS] = events.type
    parts = [header.view(np.uint64), momenta.astype(np.float32).view(np.uint64)]
    return np.hstack([*parts, types.view(np.uint64)])


def refuse_repeated_objects(paths: Sequence[str | Path]) -> None:
    """Reject event files that have an event twice, in one file or in two of them.

    Args:
        paths: Files written by `hepdensity.ingest.object_file.ObjectWriter`.

    Raises:
        ValueError: If a file is given twice or an event occurs twice; names both places.
    """
    finder, files = _searched(paths)
    refuse_repeated_events(finder, _word_reader(files), files, _COMPARED)


def first_occurrences(
    paths: Sequence[str | Path], most_repeated: float = MOST_REPEATED
) -> list[np.ndarray]:
    """Which events to keep so that none occurs twice in all files together.

    An event is left out if the same one stands before it, in its file or in an earlier one; so an
    event that is given for training and for test stays in the file that is named first. The number
    left out is logged. Events are compared by hashes of 64 bits, so one of ten million genuine
    events is left out with a probability of 3e-6.

    Args:
        paths: Files written by `hepdensity.ingest.object_file.ObjectWriter`.
        most_repeated: Largest fraction of all events that may be left out.

    Returns:
        For each file, whether to keep each event, bool, shape (n,).

    Raises:
        ValueError: If a file is given twice, or more events are repeated than allowed.
    """
    finder, files = _searched(paths)
    candidates = finder.candidates()
    total = sum(count for _, count in files)
    if len(candidates) > most_repeated * total:
        (other, other_number), (path, number) = (place_of(int(i), files) for i in candidates[0])
        told = f"{len(candidates)} of {total} events occur twice, first event {number}"
        problem = f"{told}, which is event {other_number} of {other}"
        remedy = f"remove one of the samples; at most the fraction {most_repeated:g} is left out"
        raise ValueError(f"{path}: {problem}; {remedy}")
    kept = np.ones(total, dtype=bool)
    kept[candidates[:, 1]] = False
    if len(candidates):
        logger.warning("%d of %d events occur twice and are left out", len(candidates), total)
    return np.split(kept, np.cumsum([count for _, count in files])[:-1])


def _searched(paths: Sequence[str | Path]) -> tuple[RepeatFinder, list[tuple[Path, int]]]:
    """A finder with all events of the files, and the files with their numbers of events."""
    refuse_same_files(paths, "the event files")
    finder = RepeatFinder()
    for path in paths:
        for events in iterate_objects(path):
            finder.add(object_words(events))
    return finder, [(Path(path), count_objects(path)) for path in paths]


def _word_reader(files: Sequence[tuple[Path, int]]) -> Callable[[int], np.ndarray]:
    """Function that reads the words of one event by its number among those of all files."""

    def read_words(index: int) -> np.ndarray:
        path, number = place_of(index, files)
        return object_words(read_objects(path, number - 1, number))

    return read_words
