"""Artefacts survive a round trip, and nothing half-written is left behind."""

import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from hepdensity import files
from hepdensity.files import (
    atomic_path,
    expanded,
    identity,
    open_input,
    read_json,
    read_provenance,
    read_table,
    write_json,
    write_table,
)
from hepdensity.ingest.event_file import EventWriter, count_events, read_events, write_events
from hepdensity.physics.events import Events


def random_events(n: int = 50) -> Events:
    numbers = np.random.default_rng(1)
    return Events(
        momenta=numbers.normal(size=(n, 4, 4)),
        sqrt_s=3000.0,
        mass=607.7137,
        source="lhe",
        helicities=numbers.choice([-1, 1], (n, 6)),
        colour_order=np.pad(
            numbers.permuted(np.tile(np.arange(1, 6), (n, 1)), axis=1), ((0, 0), (1, 0))
        ),
        weights=numbers.uniform(size=n),
        alpha_s=numbers.uniform(0.08, 0.09, n),
        cross_section=1.8e-4,
        cross_section_error=1e-7,
    )


def assert_same(one: Events, other: Events) -> None:
    for field in fields(Events):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)
        else:
            assert first == second, field.name


@pytest.mark.parametrize(
    "events",
    [
        random_events(),
        replace(random_events(), helicities=None, colour_order=None, alpha_s=None, weights=None),
        replace(random_events(), source="model", drawn=80, invalid=4, cross_section=None),
        replace(random_events(), momenta=np.ones((0, 4, 4)), helicities=None, colour_order=None,
                alpha_s=None, weights=None),
    ],
    ids=["all", "no labels", "model samples", "no events"],
)  # fmt: skip
def test_events_round_trip(tmp_path: Path, events: Events) -> None:
    write_events(tmp_path / "new" / "events.h5", events, {"seed": 3})
    assert_same(read_events(tmp_path / "new" / "events.h5"), events)
    assert read_provenance(tmp_path / "new" / "events.h5") == {"seed": 3}


def test_part_of_events(tmp_path: Path) -> None:
    events = random_events()
    write_events(tmp_path / "events.h5", events, {})
    part = read_events(tmp_path / "events.h5", 10, 13)
    np.testing.assert_array_equal(part.momenta, events.momenta[10:13])
    assert part.alpha_s is not None and events.alpha_s is not None
    np.testing.assert_array_equal(part.alpha_s, events.alpha_s[10:13])
    assert count_events(tmp_path / "events.h5") == 50


def test_pieces_make_one_file(tmp_path: Path) -> None:
    events = random_events()
    write_events(tmp_path / "whole.h5", events, {})
    with EventWriter(tmp_path / "pieces.h5", {}) as writer:
        for start in range(0, 50, 20):
            writer.append(read_events(tmp_path / "whole.h5", start, start + 20))
        writer.set_cross_section(2.0, 0.5)
    joined = read_events(tmp_path / "pieces.h5")
    assert (joined.cross_section, joined.cross_section_error) == (2.0, 0.5)
    assert_same(joined, replace(events, cross_section=2.0, cross_section_error=0.5))


@pytest.mark.parametrize(
    "change",
    [{"mass": 500.0}, {"sqrt_s": 4000.0}, {"alpha_s": None}],
    ids=["mass", "energy", "labels"],
)
def test_pieces_must_fit(tmp_path: Path, change: dict) -> None:
    with EventWriter(tmp_path / "pieces.h5", {}) as writer:
        writer.append(random_events())
        with pytest.raises(ValueError, match="cannot be added"):
            writer.append(replace(random_events(), **change))


def test_other_files_are_no_event_files(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.h5: cannot be opened as HDF5"):
        read_events(tmp_path / "text.h5")
    with pytest.raises(ValueError, match=r"absent\.h5"):
        count_events(tmp_path / "absent.h5")


def test_atomic_path_keeps_suffixes_and_renames(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "events.lhe.gz"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffixes[-2:] == [".lhe", ".gz"]
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_atomic_path_leaves_the_old_file_on_error(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_json_round_trip(tmp_path: Path) -> None:
    content = {"a": np.float64(0.1), "b": [np.int64(2), None], "c": np.arange(2), "d": tmp_path}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == {
        "a": 0.1,
        "b": [2, None],
        "c": [0, 1],
        "d": str(tmp_path),
    }


def test_json_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    with pytest.raises(TypeError, match="set cannot be written"):
        write_json(tmp_path / "a.json", {"a": {1}})
    assert list(tmp_path.iterdir()) == []


def test_broken_json_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a": 1})[:-1])
    with pytest.raises(ValueError, match=r"a\.json: not a JSON file"):
        read_json(tmp_path / "a.json")


def test_table_round_trip(tmp_path: Path) -> None:
    rows = [
        {"model": "none", "n_train": 5000, "value": 0.1 + 0.2, "error": None, "exact": True},
        {
            "model": "with, comma",
            "n_train": np.int64(7),
            "value": np.float64(1e-300),
            "error": -1.5,
            "exact": False,
        },
    ]
    write_table(tmp_path / "a.csv", rows)
    assert read_table(tmp_path / "a.csv") == rows


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 1}]], ids=["no rows", "other columns"])
def test_tables_that_are_none(tmp_path: Path, rows: list[dict]) -> None:
    with pytest.raises(ValueError, match=r"a\.csv"):
        write_table(tmp_path / "a.csv", rows)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------- input files


def test_identity_tells_content_and_place(tmp_path: Path) -> None:
    one, two, link = (tmp_path / name for name in ("one", "two", "link"))
    one.write_bytes(b"abc")
    two.write_bytes(b"abd")
    link.symlink_to("one")
    first = identity(link)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert first == {"path": str(one.resolve()), "size": 3, "sha256": digest}
    assert json.loads(json.dumps(first)) == first == identity(one)
    link.unlink()
    link.symlink_to("two")
    os.utime(two, (0, 0))  # an older file in its place
    assert identity(link)["sha256"] != digest


def test_identity_of_a_large_file_is_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "DIGEST_BYTES", 2)
    path = tmp_path / "large"
    path.write_bytes(b"abc")
    os.utime(path, ns=(5, 7_000_000_000))
    assert identity(path) == {"path": str(path.resolve()), "size": 3, "mtime_ns": 7_000_000_000}


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a").touch()
    assert expanded("~/a") == tmp_path / "a"
    assert expanded("b/~") == Path("b/~")
    assert identity("~/a")["size"] == 0
    with pytest.raises(ValueError, match="~nobody-at-all/a: there is no such user; write"):
        expanded("~nobody-at-all/a")


@pytest.mark.parametrize("read", [identity, open_input], ids=["identity", "open"])
def test_what_is_no_file_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    loose, loop = tmp_path / "loose", tmp_path / "loop"
    loose.symlink_to("gone")
    loop.symlink_to("loop")
    for path, message in {
        tmp_path / "absent": "absent: no such file; correct the path",
        tmp_path: "this is a folder; give the path of a file in it",
        loose: "loose: a link to gone, which does not exist; correct the path",
        loop: "loop: cannot be read .*; check the path and its permissions",
    }.items():
        with pytest.raises(ValueError, match=message):
            read(path)


def test_a_pipe_has_no_identity(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: this is a pipe or a device"):
        identity(tmp_path / "pipe")
