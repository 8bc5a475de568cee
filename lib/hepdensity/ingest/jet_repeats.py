"""Find jets that occur twice, in one file or across files.

Two jets are the same if their constituents and their momenta are equal as stored. Labels, weights
and numbers do not count: a file that was made again under another name is the same sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hepdensity.ingest.jet_file import count_jets, iterate_jets, read_jets
from hepdensity.ingest.repeats import (
    RepeatFinder,
    place_of,
    refuse_repeated_events,
    refuse_same_files,
)
from hepdensity.physics.constituents import ConstituentJets


def jet_words(jets: ConstituentJets) -> np.ndarray:
    """What makes two jets the same, as 64-bit words.

    The first constituents tell jets apart, so files with different numbers of places are compared
    by what both have.

    Args:
        jets: The jets.

    Returns:
        Words, uint64, shape (n, words).
    """
    hardest = jets.constituents[:, :_COMPARED, 2]
    pt = np.zeros((len(jets), _COMPARED), dtype=np.float32)
    # Azimuths and axes may depend on how the jet was made; transverse momenta do not.
    pt[:, : hardest.shape[1]] = np.nan_to_num(hardest) + np.float32(0)
    return pt.view(np.uint64)


_COMPARED = 10
"""Constituents that are compared: ten numbers of seven digits."""


def refuse_repeated_jets(paths: Sequence[str | Path]) -> None:
    """Reject files that have a jet twice, in one file or in two of them.

    Args:
        paths: Files written by `hepdensity.ingest.jet_file.JetWriter`.

    Raises:
        ValueError: If a file is given twice or a jet occurs twice; names both places.
    """
    refuse_same_files(paths, "the files of jets")
    finder = RepeatFinder()
    for path in paths:
        for jets in iterate_jets(path):
            finder.add(jet_words(jets))
    files = [(Path(path), count_jets(path)) for path in paths]
    refuse_repeated_events(finder, _word_reader(files), files, "constituents")


def _word_reader(files: Sequence[tuple[Path, int]]) -> Callable[[int], np.ndarray]:
    """Function that reads the words of one jet by its number among those of all files."""

    def read_words(index: int) -> np.ndarray:
        path, number = place_of(index, files)
        return jet_words(read_jets(path, number - 1, number))

    return read_words
