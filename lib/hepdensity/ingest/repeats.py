"""Find input files and events that are given twice; they could end up in both training and test.

Events are compared through rows of 64-bit words that hold all their numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from hepdensity.ingest.validation import input_error

_SEED = np.uint64(0x9E3779B97F4A7C15)


def refuse_same_files(paths: Sequence[str | Path], setting: str) -> None:
    """Reject a file that is listed twice, even under another spelling or through a link.

    Args:
        paths: The files; they need not exist.
        setting: The setting that lists them.

    Raises:
        ValueError: If a file is listed twice; names both entries.
    """
    known: dict[tuple[int, int], str | Path] = {}
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue  # The error comes when the file is read.
        key = (status.st_dev, status.st_ino)
        if key in known:
            problem = f"this is the same file as {known[key]}"
            raise ValueError(f"{path}: {problem}; list it only once in {setting}")
        known[key] = path


class RepeatFinder:
    """Collects a 64-bit hash of each event and finds equal hashes.

    The hashes take 8 bytes per event, and the search for equal ones needs the same again.
    """

    def __init__(self) -> None:
        """Start without events."""
        self._hashes: list[np.ndarray] = []

    def add(self, words: np.ndarray) -> None:
        """Add events.

        Args:
            words: Numbers of the events that follow those already added, uint64, shape (n, words).
        """
        self._hashes.append(_hash(words))

    def candidates(self) -> np.ndarray:
        """Find events with equal hashes.

        Returns:
            Pairs (earlier, later) of event numbers, counted from 0 and sorted by the later one,
            shape (pairs, 2). Each event is paired with the previous one of the same hash.
        """
        hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint64)
        self._hashes = [hashes]
        ordered = np.sort(hashes)
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if len(repeated) == 0:
            return np.empty((0, 2), dtype=np.int64)
        index = np.flatnonzero(np.isin(hashes, repeated))
        index = index[np.argsort(hashes[index], kind="stable")]
        pairs = np.column_stack([index[:-1], index[1:]])
        pairs = pairs[hashes[pairs[:, 0]] == hashes[pairs[:, 1]]]
        return pairs[np.argsort(pairs[:, 1])]


def refuse_repeated_events(
    finder: RepeatFinder,
    read_words: Callable[[int], np.ndarray],
    files: Sequence[tuple[Path, int]],
    compared: str,
) -> None:
    """Reject events that occur twice.

    Args:
        finder: Finder to which all events have been added.
        read_words: Function that gives the words of one event by its number, counted from 0; events
            with equal hashes are compared exactly.
        files: The input files of the events, in order, with their numbers of events.
        compared: What the words hold, e.g. "momenta".

    Raises:
        ValueError: If an event occurs twice; names the file and the event number of both.
    """
    candidates = finder.candidates()
    first = next(_confirmed(candidates, read_words), None)
    if first is None:
        return
    (path, number), (other, other_number) = (place_of(i, files) for i in reversed(first))
    problem = f"it has the same {compared} as event {other_number} of {other}"
    if len(candidates) > 1:
        problem += f" (the first of {len(candidates)} repeated events)"
    remedy = "remove the repeated events"
    if other != path:
        remedy = "remove one of the files, or generate one of them again with another random seed"
    raise input_error(path, number, problem, remedy)


def _confirmed(
    candidates: np.ndarray, read_words: Callable[[int], np.ndarray]
) -> Iterator[tuple[int, int]]:
    for earlier, later in candidates.tolist():
        if np.array_equal(read_words(earlier), read_words(later)):
            yield earlier, later


def place_of(index: int, files: Sequence[tuple[Path, int]]) -> tuple[Path, int]:
    """Input file of an event and its number there, counted from 1.

    Args:
        index: Number of the event among those of all files, counted from 0.
        files: The input files, in order, with their numbers of events.
    """
    ends = np.cumsum([count for _, count in files])
    i = int(np.searchsorted(ends, index, side="right"))
    return files[i][0], index - int(ends[i]) + files[i][1] + 1


def _hash(words: np.ndarray) -> np.ndarray:
    """Hash rows of words, shape (n,), mixing in each word as in SplitMix64."""
    state = np.full(len(words), _SEED)
    for column in words.T:
        state ^= column
        state += _SEED
        state ^= state >> np.uint64(30)
        state *= np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(27)
        state *= np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state
