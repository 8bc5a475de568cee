"""Find input files and events that are given twice; they could end up in both training and test.

Two events are the same if the stored momenta of all particles and all labels are equal. How often
does this happen by chance among N genuine events? There are N^2 / 2 pairs. Two-gluino events are
the worst case, because a direction is their only continuous quantity. MadGraph writes 11 digits, so
there are 4 pi p^2 / (1e-7 GeV)^2 = 2e21 directions at p = 1.4 TeV, and the probability of a chance
repeat is 2e-10 for a million events (2e-8 for ten million). If the direction comes from two random
numbers of 24 bits, as in RANMAR, there are only 2^48 = 3e14 directions and the probability is 2e-3
for a million events, times the probability that the labels agree. Four gluinos have 8 continuous
quantities, so no chance repeat is expected. MadGraph's 300 000 and 30 000 reference events have
none, even in single precision.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.validation import input_error
from hepdensity.physics.events import Events

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

    def add(self, events: Events) -> None:
        """Add events.

        Args:
            events: The events that follow those already added.
        """
        self._hashes.append(_hash(_words(events)))

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
    finder: RepeatFinder, events: str | Path, files: Sequence[tuple[Path, int]]
) -> None:
    """Reject events that occur twice in an event file.

    Args:
        finder: Finder to which all events of the file have been added.
        events: The event file; events with equal hashes are compared exactly.
        files: The input files it was made from, in order, with their numbers of events.

    Raises:
        ValueError: If an event occurs twice; names the file and the event number of both.
    """
    candidates = finder.candidates()
    repeats = _confirmed(candidates, events)
    first = next(repeats, None)
    if first is None:
        return
    (path, number), (other, other_number) = (_place(i, files) for i in reversed(first))
    problem = f"it has the same momenta and labels as event {other_number} of {other}"
    if len(candidates) > 1:
        problem += f" (the first of {len(candidates)} repeated events)"
    remedy = "remove the repeated events"
    if other != path:
        remedy = "remove one of the files, or generate one of them again with another random seed"
    raise input_error(path, number, problem, remedy)


def _confirmed(candidates: np.ndarray, events: str | Path) -> Iterator[tuple[int, int]]:
    for earlier, later in candidates.tolist():
        one, two = (_words(read_events(events, i, i + 1)) for i in (earlier, later))
        if np.array_equal(one, two):
            yield earlier, later


def _place(index: int, files: Sequence[tuple[Path, int]]) -> tuple[Path, int]:
    """Input file and event number, counted from 1, of an event in the event file."""
    ends = np.cumsum([count for _, count in files])
    i = int(np.searchsorted(ends, index, side="right"))
    return files[i][0], index - int(ends[i]) + files[i][1] + 1


def _words(events: Events) -> np.ndarray:
    """Momenta and labels of events as 64-bit words, shape (n, words)."""
    momenta = events.momenta.reshape(len(events), -1) + 0.0  # turns -0 into 0
    parts = [momenta.view(np.uint64)]
    for labels in (events.helicities, events.colour_order):
        if labels is not None:
            padded = np.zeros((len(events), 8 * -(-labels.shape[1] // 8)), dtype=np.int8)
            padded[:, : labels.shape[1]] = labels
            parts.append(padded.view(np.uint64))
    return np.hstack(parts)


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
