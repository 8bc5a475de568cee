"""Find gluino events that occur twice.

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

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.repeats import RepeatFinder, refuse_repeated_events
from hepdensity.physics.events import Events


def gluino_words(events: Events) -> np.ndarray:
    """Momenta and labels of events as 64-bit words.

    Args:
        events: The events.

    Returns:
        Words, uint64, shape (n, words).
    """
    momenta = events.momenta.reshape(len(events), -1) + 0.0  # turns -0 into 0
    parts = [momenta.view(np.uint64)]
    for labels in (events.helicities, events.colour_order):
        if labels is not None:
            padded = np.zeros((len(events), 8 * -(-labels.shape[1] // 8)), dtype=np.int8)
            padded[:, : labels.shape[1]] = labels
            parts.append(padded.view(np.uint64))
    return np.hstack(parts)


def refuse_repeated_gluinos(
    finder: RepeatFinder, path: str | Path, files: Sequence[tuple[Path, int]]
) -> None:
    """Reject events that occur twice in an event file.

    Args:
        finder: Finder to which the words of all events of the file have been added.
        path: The event file; events with equal hashes are compared exactly.
        files: The input files it was made from, in order, with their numbers of events.

    Raises:
        ValueError: If an event occurs twice; names the file and the event number of both.
    """

    def read_words(index: int) -> np.ndarray:
        return gluino_words(read_events(path, index, index + 1))

    refuse_repeated_events(finder, read_words, files, "momenta and labels")
