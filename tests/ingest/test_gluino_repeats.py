"""Gluino events that are given twice are found, even among many; genuine events pass."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from lhe_texts import document, events_text

from hepdensity.ingest import lhe, repeats
from hepdensity.ingest.event_file import write_events
from hepdensity.ingest.gluino_repeats import gluino_words, refuse_repeated_gluinos
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.ingest.repeats import RepeatFinder
from hepdensity.physics.events import Events


def saved(path: Path, events: str) -> Path:
    path.write_text(document(events))
    return path


def ingest(tmp_path: Path, *paths: Path | str, workers: int = 1) -> None:
    ingest_lhe(paths, tmp_path / "out" / "events.h5", "two_gluino", {}, workers=workers)


@pytest.mark.parametrize("kind", ["same", "dot", "symlink", "hard link"])
def test_one_file_under_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a.lhe", events_text())
    saved(tmp_path / "b.lhe", events_text(seed=2))
    other = {"same": "a.lhe", "dot": "./a.lhe"}.get(kind, "c.lhe")
    if kind == "symlink":
        Path(other).symlink_to("a.lhe")
    if kind == "hard link":
        os.link("a.lhe", other)
    with pytest.raises(ValueError) as caught:
        ingest(tmp_path, "a.lhe", "b.lhe", other)
    listed = "list it only once in gluino.lhe.two_gluino"
    assert str(caught.value) == f"{other}: this is the same file as a.lhe; {listed}"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("merge", [1, 2, 50_000])
def test_two_files_of_one_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, merge: int
) -> None:
    monkeypatch.setattr(lhe, "MERGE_EVENTS", merge)
    one = saved(tmp_path / "one.lhe", events_text(2, 5) + events_text(3, 1))
    two = saved(tmp_path / "two.lhe", events_text(4, 2) + events_text(3, 1))
    with pytest.raises(ValueError, match=r"two\.lhe: event 5: ") as caught:
        ingest(tmp_path, one, two, workers=workers)
    same = f"it has the same momenta and labels as event 3 of {one}"
    same += " (the first of 3 repeated events); "
    assert f"{two}: event 5: {same}remove one of the files" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_repeated_in_one_file(tmp_path: Path) -> None:
    text = events_text(3)
    first = text[: text.index("</event>")] + "</event>\n"
    path = saved(tmp_path / "a.lhe", text + first)
    with pytest.raises(ValueError, match=r"a\.lhe: event 4: .* as event 1 of .*; remove the rep"):
        ingest(tmp_path, path)


def test_sign_of_zero_and_other_weights_do_not_matter(tmp_path: Path) -> None:
    momenta = np.array([[1500.0, 0.0, 0.0, 1374.7727], [1500.0, -0.0, 0.0, -1374.7727]])
    lines = [events_text(1), events_text(1).replace("4 1 1 ", "4 1 2 ")]
    with pytest.raises(ValueError, match="event 2: it has the same momenta"):
        ingest(tmp_path, saved(tmp_path / "a.lhe", "".join(lines)))
    finder = RepeatFinder()
    for sign in (1, -1):
        finder.add(gluino_words(events_of(np.stack([momenta]) * [1, sign, 1, 1])))
    assert finder.candidates().tolist() == [[0, 1]]


def test_other_labels_make_another_event(tmp_path: Path) -> None:
    text = events_text(1)
    ingest(tmp_path, saved(tmp_path / "a.lhe", text + text.replace(" 0 -1\n", " 0 1\n")))


def events_of(momenta: np.ndarray, **labels: Any) -> Events:
    return Events(momenta=momenta, sqrt_s=3000.0, mass=600.0, source="lhe", **labels)


def test_equal_hashes_are_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_hash", lambda words: np.zeros(len(words), np.uint64))
    events = events_of(np.random.default_rng(1).normal(size=(6, 4, 4)))
    write_events(tmp_path / "e.h5", events, {})
    finder = RepeatFinder()
    finder.add(gluino_words(events))
    assert len(finder.candidates()) == 5
    refuse_repeated_gluinos(finder, tmp_path / "e.h5", [(Path("a"), 6)])


@pytest.mark.parametrize("change", ["momentum", "helicity", "colour"])
def test_hash_sees_every_number(change: str) -> None:
    numbers = np.random.default_rng(2)
    momenta = np.repeat(numbers.normal(size=(1, 4, 4)), 17, axis=0)
    helicities = np.ones((17, 6), dtype=np.int8)
    order = np.tile(np.arange(6), (17, 1))
    for i in range(16):
        if change == "momentum":
            momenta[i].flat[i] = np.nextafter(momenta[i].flat[i], np.inf)
        elif change == "helicity":
            helicities[i, i % 6] = -1
        else:
            order[i, 1:] = np.roll(order[i, 1:], i % 5)
    finder = RepeatFinder()
    finder.add(gluino_words(events_of(momenta, helicities=helicities, colour_order=order)))
    distinct = {"momentum": 17, "helicity": 7, "colour": 5}[change]
    assert len(finder.candidates()) == 17 - distinct


@pytest.mark.parametrize("name", ["gg_4gluino_300k", "gg_2gluino_30k"])
def test_madgraph_has_no_accidental_repeats(shared_data: Path, name: str) -> None:
    """In single precision, chance repeats would be more frequent than in a file."""
    with h5py.File(shared_data / "madgraph" / f"{name}.h5") as file:
        momenta = np.pad(file["three_momenta"][:], ((0, 0), (0, 0), (1, 0)))
    finder = RepeatFinder()
    finder.add(gluino_words(events_of(momenta)))
    assert len(finder.candidates()) == 0
    finder.add(gluino_words(events_of(momenta[7:8])))
    assert finder.candidates().tolist() == [[7, len(momenta)]]
