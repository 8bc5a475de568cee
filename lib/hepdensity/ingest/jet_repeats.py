"""Find jets that occur twice, in one file or across files.

Two jets are the same if the transverse momenta of their ten hardest constituents are equal as
stored. Labels, weights, numbers and directions do not count, so that a jet is found again in a file
that was made under another name or with another axis. Ten numbers of seven digits tell any two
genuine jets apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hepdensity.ingest.jet_file import count_jets, iterate_jets, read_jets
from hepdensity.ingest.repeats import RepeatFinder, place_of, refuse_same_files
from hepdensity.ingest.validation import place_error
from hepdensity.physics.constituents import ConstituentJets

_COMPARED = 10


def jet_words(jets: ConstituentJets) -> np.ndarray:
    """What makes two jets the same, as 64-bit words.

    Args:
        jets: The jets.

    Returns:
        Words, uint64, shape (n, words).
    """
    hardest = jets.constituents[:, :_COMPARED, 2]
    pt = np.zeros((len(jets), _COMPARED), dtype=np.float32)
    pt[:, : hardest.shape[1]] = np.nan_to_num(hardest)
    return pt.view(np.uint64)


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
    read_words = _word_reader(files)
    for pair in finder.candidates().tolist():
        one, again = (read_words(jet) for jet in pair)
        if np.array_equal(one, again):
            (other, first), (path, second) = (place_of(jet, files) for jet in pair)
            problem = f"it has the same constituents as jet {first} of {other}"
            remedy = "remove one of the files, or make one of them again with another seed"
            raise place_error(path, f"jet {second}", problem, remedy)


def _word_reader(files: Sequence[tuple[Path, int]]) -> Callable[[int], np.ndarray]:
    """Function that reads the words of one jet by its number among those of all files."""

    def read_words(index: int) -> np.ndarray:
        path, number = place_of(index, files)
        return jet_words(read_jets(path, number - 1, number))

    return read_words
