"""Rows of words that occur twice are found; equal hashes alone do not count."""

from pathlib import Path

import numpy as np
import pytest

from hepdensity.ingest import repeats
from hepdensity.ingest.repeats import RepeatFinder, place_of, refuse_repeated_events

WORDS = np.random.default_rng(1).integers(0, 2**63, (6, 3)).astype(np.uint64)
FILES = [(Path("a"), 2), (Path("b"), 0), (Path("c"), 4)]


def test_no_events() -> None:
    assert len(RepeatFinder().candidates()) == 0


def test_each_event_is_paired_with_the_one_before_it() -> None:
    finder = RepeatFinder()
    finder.add(WORDS[:4])
    finder.add(WORDS[[1, 4, 1]])
    assert finder.candidates().tolist() == [[1, 4], [4, 6]]
    finder.add(WORDS[:1])
    assert finder.candidates().tolist() == [[1, 4], [4, 6], [0, 7]]


def test_place_of_an_event() -> None:
    assert [place_of(i, FILES) for i in (0, 1, 2, 5)] == [
        (Path("a"), 1),
        (Path("a"), 2),
        (Path("c"), 1),
        (Path("c"), 4),
    ]


def test_error_names_both_places() -> None:
    words = WORDS[[0, 1, 2, 3, 0, 4]]
    finder = RepeatFinder()
    finder.add(words)
    with pytest.raises(ValueError, match="c: event 3: it has the same numbers as event 1 of a; "):
        refuse_repeated_events(finder, lambda i: words[i], FILES, "numbers")


def test_equal_hashes_are_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_hash", lambda words: np.zeros(len(words), np.uint64))
    finder = RepeatFinder()
    finder.add(WORDS)
    assert len(finder.candidates()) == 5
    refuse_repeated_events(finder, lambda i: WORDS[i], FILES, "numbers")
