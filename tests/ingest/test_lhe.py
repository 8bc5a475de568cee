"""LHE ingestion compared with MadGraph's files, and one clear error for every invalid input."""

import gzip
import os
import re
import threading
import time
import tracemalloc
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepdensity.files import read_provenance
from hepdensity.generate.lhe_writer import write_lhe
from hepdensity.ingest import lhe, lhe_events
from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.ingest.validation import Tolerance
from hepdensity.physics.colour_order import lehmer_decode
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import rambo

N_EVENTS = 5
EVENT_START = "<event>\n"


def write_sample(
    path: Path,
    n: int = N_EVENTS,
    n_out: int = 4,
    mass: float = 600.0,
    sqrt_s: float = 3000.0,
    cross_section: tuple[float, float] = (2.0, 0.1),
    seed: int = 3,
) -> Path:
    numbers = np.random.default_rng(seed)
    momenta, _ = rambo(n, n_out, sqrt_s, mass, torch.Generator().manual_seed(seed))
    events = Events(
        momenta=momenta.numpy(),
        sqrt_s=sqrt_s,
        mass=mass,
        source="lhe",
        helicities=numbers.choice([-1, 1], (n, 2 + n_out)),
        colour_order=lehmer_decode(numbers.integers(0, 6, n), 2 + n_out),
        alpha_s=np.full(n, 0.118),
        cross_section=cross_section[0],
        cross_section_error=cross_section[1],
    )
    write_lhe(path, events)
    return path


def ingest(tmp_path: Path, *paths: Path, process: str = "four_gluino", workers: int = 1) -> Events:
    output = tmp_path / "out" / "events.h5"
    ingest_lhe(paths, output, process, {"seed": None}, workers=workers)
    return read_events(output)


# ---------------------------------------------------------------------------- MadGraph's files


def test_madgraph_file_agrees_with_the_reference_sample(shared_data: Path, tmp_path: Path) -> None:
    madgraph = shared_data / "madgraph"
    events = ingest(tmp_path, madgraph / "gg_4gluino_2k.lhe.gz")
    assert (len(events), events.sqrt_s, events.mass) == (2000, 3000.0, 607.7137)
    assert (events.cross_section, events.cross_section_error) == (1.832189e-4, 8.237527e-8)
    with h5py.File(madgraph / "gg_4gluino_300k.h5") as file:
        momenta = file["three_momenta"][:]
        labels = {name: file[name][:] for name in ("helicities", "colour_order", "alpha_s")}
    ours, theirs = match_events(events.momenta[:, :, 1:], momenta)
    assert len(ours) == 773
    assert events.helicities is not None and events.colour_order is not None
    assert events.alpha_s is not None
    np.testing.assert_array_equal(events.helicities[ours], labels["helicities"][theirs])
    np.testing.assert_array_equal(events.colour_order[ours], labels["colour_order"][theirs])
    np.testing.assert_allclose(events.alpha_s[ours], labels["alpha_s"][theirs], rtol=1e-6)


def match_events(momenta: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check that pairs of events are equal, to the float32 precision of the reference."""
    known = {row.round(1).tobytes(): i for i, row in enumerate(reference[:, 0])}
    keys = momenta[:, 0].astype(np.float32).round(1)
    pairs = [(i, known[key.tobytes()]) for i, key in enumerate(keys) if key.tobytes() in known]
    ours, theirs = np.array(pairs).T
    same = np.abs(momenta[ours] - reference[theirs]).max(axis=(1, 2)) < 1e-3
    return ours[same], theirs[same]


def test_madgraph_two_gluinos(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "madgraph" / "gg_2gluino_2k.lhe.gz"
    events = ingest(tmp_path, path, process="two_gluino")
    assert (len(events), events.cross_section) == (2000, 4.573865)
    np.testing.assert_allclose(events.momenta.sum(axis=1), [[3000.0, 0, 0, 0]] * 2000, atol=1e-6)
    assert events.alpha_s is not None and events.weights is not None
    np.testing.assert_allclose(events.alpha_s, 0.0831493)
    np.testing.assert_allclose(events.weights, 1.0)


# ---------------------------------------------------------------------------- several files


def test_files_in_parallel_keep_their_order(tmp_path: Path) -> None:
    paths = [write_sample(tmp_path / f"{n}.lhe.gz", n) for n in (3, 6, 4)]
    events = ingest(tmp_path, *paths, workers=2)
    alone = [ingest(tmp_path / path.stem, path).momenta for path in paths]
    np.testing.assert_array_equal(events.momenta, np.concatenate(alone))
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "events.h5"]
    assert read_provenance(tmp_path / "out" / "events.h5") == {"seed": None}


def test_error_in_one_of_parallel_files(tmp_path: Path) -> None:
    good = write_sample(tmp_path / "good.lhe")
    bad = edit_event(write_sample(tmp_path / "bad.lhe"), 2, set_field(2, 12, "9"))
    with pytest.raises(ValueError, match=r"bad\.lhe: event 2: a helicity"):
        ingest(tmp_path, good, bad, workers=2)
    assert list((tmp_path / "out").iterdir()) == []


def test_killed_worker(tmp_path: Path) -> None:
    """Kill a worker that waits for a pipe, as happens when memory runs out."""
    good = write_sample(tmp_path / "good.lhe")
    pipe = tmp_path / "pipe.lhe"
    os.mkfifo(pipe)
    killer = threading.Thread(target=kill_reader_of_second_file, args=[tmp_path / "out"])
    killer.start()
    with pytest.raises(ValueError, match="was killed") as caught:
        ingest(tmp_path, good, pipe, workers=2)
    killer.join()
    assert f"{pipe}: the process that was reading this file was killed" in str(caught.value)
    assert "use fewer threads (--set-threads ingest_lhe=1)" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def kill_reader_of_second_file(folder: Path) -> None:
    for _ in range(3000):
        time.sleep(0.01)
        if list(folder.glob(".ingest_*/.*.1.h5")) and list(folder.glob(".ingest_*/0.h5")):
            break
    time.sleep(0.5)
    for worker in active_children():
        worker.kill()


@pytest.mark.parametrize(
    ("second", "expected"),
    [((2.0, 0.1), (2.0, 0.1)), ((5.0, 0.2), (4.0, 0.13743685))],
    ids=["pieces of one run", "independent runs"],
)
def test_cross_sections_combine(
    tmp_path: Path, second: tuple[float, float], expected: tuple[float, float]
) -> None:
    paths = [
        write_sample(tmp_path / "1.lhe", 4),
        write_sample(tmp_path / "2.lhe", 8, cross_section=second),
    ]
    events = ingest(tmp_path, *paths)
    assert (events.cross_section, events.cross_section_error) == pytest.approx(expected)


def test_weights_are_relative_to_their_file(tmp_path: Path) -> None:
    one = edit(write_sample(tmp_path / "1.lhe", 2), "6 1 1 -1", "6 1 3e-4 -1")
    two = write_sample(tmp_path / "2.lhe", 2, seed=4)
    two.write_text(two.read_text().replace("6 1 1 -1", "6 1 2 -1", 1))
    events = ingest(tmp_path, one, two)
    assert events.weights is not None
    np.testing.assert_allclose(events.weights, [1, 1, 4 / 3, 2 / 3])


# ---------------------------------------------------------------------------- conventions


def test_gluon_along_minus_z_may_come_first(tmp_path: Path) -> None:
    straight = write_sample(tmp_path / "straight.lhe")
    lines = straight.read_text().splitlines(keepends=True)
    for i in [i for i, line in enumerate(lines) if line == EVENT_START]:
        lines[i + 2], lines[i + 3] = lines[i + 3], lines[i + 2]
    swapped = tmp_path / "swapped.lhe"
    swapped.write_text("".join(lines))
    one, two = ingest(tmp_path / "1", straight), ingest(tmp_path / "2", swapped)
    for name in ("momenta", "helicities", "colour_order"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_any_tolerance(tmp_path: Path) -> None:
    path = edit(write_sample(tmp_path / "a.lhe"), r"(1000021 .*) 600 ", r"\1 600.01 ")
    ingest_lhe([path], tmp_path / "a.h5", "four_gluino", {}, tolerance=Tolerance(mass=1e-4))
    with pytest.raises(ValueError, match=r"off its mass shell of 600\.01 GeV by more than 1e-06"):
        ingest_lhe([path], tmp_path / "a.h5", "four_gluino", {}, tolerance=Tolerance(mass=1e-6))


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lhe_events, "BLOCK_EVENTS", 200)
    monkeypatch.setattr(lhe, "MERGE_EVENTS", 200)
    peaks = []
    for n in (1000, 4000):
        path = write_sample(tmp_path / f"{n}.lhe", n, n_out=2)
        tracemalloc.start()
        ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


# ---------------------------------------------------------------------------- bad input


def edit(path: Path, pattern: str, replacement: str) -> Path:
    """Replace a pattern everywhere."""
    changed, count = re.subn(pattern, replacement, path.read_text())
    assert count > 0
    path.write_text(changed)
    return path


def edit_event(path: Path, number: int, change: Callable[[list[str]], None]) -> Path:
    """Change the lines of one event: line 0 is its information, then its particles."""
    head, *events = path.read_text().split(EVENT_START)
    lines = events[number - 1].splitlines(keepends=True)
    change(lines)
    events[number - 1] = "".join(lines)
    path.write_text(EVENT_START.join([head, *events]))
    return path


def set_field(line: int, column: int, value: str) -> Callable[[list[str]], None]:
    def change(lines: list[str]) -> None:
        fields = lines[line].split()
        fields[column] = value
        lines[line] = " ".join(fields) + "\n"

    return change


def scale_momenta(lines: list[str]) -> None:
    """Change the beam energy by scaling the whole event, including the mass."""
    for i in range(1, 7):
        fields = lines[i].split()
        fields[6:11] = [f"{1.1 * float(value):.17g}" for value in fields[6:11]]
        lines[i] = " ".join(fields) + "\n"


def change_mass(lines: list[str]) -> None:
    for i in range(3, 7):
        set_field(i, 10, "650")(lines)


def shift_energy(lines: list[str]) -> None:
    """Put two gluinos off their mass shell while momentum stays conserved."""
    for i, shift in ((3, 1.0), (4, -1.0)):
        set_field(i, 9, f"{float(lines[i].split()[9]) + shift:.17g}")(lines)


def drop_particle(lines: list[str]) -> None:
    del lines[6]
    set_field(0, 0, "5")(lines)


def swap_tags(lines: list[str]) -> None:
    """Exchange two anticolour tags, which turns one loop into two."""
    first, second = lines[3].split()[5], lines[4].split()[5]
    set_field(3, 5, second)(lines)
    set_field(4, 5, first)(lines)


BAD_EVENTS: dict[str, tuple[Callable[[list[str]], None], str]] = {
    "particle missing": (drop_particle, "5 particles, but gg -> 4 gluinos has 6"),
    "particles miscounted": (set_field(0, 0, "7"), "6 particles, but its first line announces 7"),
    "fields missing": (
        lambda lines: lines.__setitem__(4, "1000021 1 1\n"),
        "a line has too few columns",
    ),
    "not a number": (set_field(3, 6, "abc"), "could not convert string to float: 'abc'"),
    "another particle": (set_field(5, 0, "1000022"), "21 21 1000021 1000021 1000022 1000021 are"),
    "decayed gluino": (set_field(5, 1, "2"), "are not two incoming gluons and the gluinos"),
    "nan momentum": (set_field(3, 8, "nan"), "are not finite numbers"),
    "infinite energy": (set_field(4, 9, "inf"), "are not finite numbers"),
    "nan mass": (set_field(3, 10, "nan"), "are not finite numbers"),
    "momentum not conserved": (set_field(3, 6, "123.4"), "momentum is not conserved within 1e-06"),
    "off mass shell": (shift_energy, "off its mass shell of 600 GeV by more than 1e-06; set the"),
    "mass column zero": (set_field(4, 10, "0"), "the gluino mass must be positive .mass column"),
    "mass column negative": (set_field(4, 10, "-600"), "the gluino mass must be positive"),
    "Breit-Wigner mass": (
        set_field(3, 10, "601.5"),
        "a gluino mass of (601.5|600) GeV differs from .*; set the gluino width to zero in the par",
    ),
    "boosted": (
        set_field(1, 9, "1400"),
        r"not massless along \+z and -z; use gluon beams of fixed energy \(lpp1 = lpp2 = 0",
    ),
    "gluon not along z": (set_field(1, 6, "40.0"), "not in the centre-of-mass frame"),
    "massive gluon": (set_field(1, 8, "1400.0"), "not massless along"),
    "helicity 9": (set_field(2, 12, "9"), "neither \\+1 nor -1; 9 means that it was not"),
    "helicity nan": (set_field(6, 12, "nan"), "neither \\+1 nor -1"),
    "open colour line": (set_field(4, 4, "599"), "no(t form| single) .*closed order"),
    "two colour loops": (swap_tags, "do not form a single closed order"),
    "no colour": (set_field(3, 4, "0"), "do not form a single closed order"),
    "no coupling": (set_field(0, 5, "0"), "alpha_s .AQCDUP. is not a positive number"),
    "negative weight": (set_field(0, 2, "-1"), "weight .XWGTUP. is not a positive number"),
}


@pytest.mark.parametrize("number", [1, 3], ids=["first event", "third event"])
@pytest.mark.parametrize(("change", "message"), BAD_EVENTS.values(), ids=list(BAD_EVENTS))
def test_bad_event(
    tmp_path: Path, change: Callable[[list[str]], None], message: str, number: int
) -> None:
    path = edit_event(write_sample(tmp_path / "bad.lhe"), number, change)
    with pytest.raises(ValueError, match=rf"bad\.lhe: event {number}: .*{message}"):
        ingest(tmp_path, path)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_mass, "a gluino mass of 650 GeV differs from the 600 GeV of event 1"),
        (scale_momenta, r"sqrt\(s\) differs from the 3000 GeV of event 1"),
    ],
    ids=["masses", "energies"],
)
def test_events_that_do_not_belong_together(
    tmp_path: Path, change: Callable[[list[str]], None], message: str
) -> None:
    path = edit_event(write_sample(tmp_path / "bad.lhe"), 3, change)
    with pytest.raises(ValueError, match=rf"bad\.lhe: event 3: {message}"):
        ingest(tmp_path, path)
    assert list((tmp_path / "out").iterdir()) == []


def boosted(lines: list[str]) -> None:
    """Boost an event as in proton collisions, where the gluons have different energies."""
    rapidity = 0.2
    for i in range(1, 7):
        pz, energy = (float(value) for value in lines[i].split()[8:10])
        cosh, sinh = np.cosh(rapidity), np.sinh(rapidity)
        set_field(i, 8, f"{cosh * pz + sinh * energy:.17g}")(lines)
        set_field(i, 9, f"{cosh * energy + sinh * pz:.17g}")(lines)


def test_events_of_proton_beams(tmp_path: Path) -> None:
    path = edit_event(write_sample(tmp_path / "bad.lhe"), 2, boosted)
    with pytest.raises(ValueError, match=r"event 2: the event is not in the .*; use gluon beams"):
        ingest(tmp_path, path)


def test_rounded_masses_ask_for_digits(tmp_path: Path) -> None:
    path = edit(write_sample(tmp_path / "a.lhe"), r"(1000021 .*) 600 ", r"\1 600.01 ")
    with pytest.raises(ValueError, match=r"off its mass shell of 600.01 .*; write .* more digits"):
        ingest(tmp_path, path)


def test_the_first_of_several_bad_events_is_named(tmp_path: Path) -> None:
    path = edit_event(write_sample(tmp_path / "bad.lhe"), 4, set_field(3, 6, "nan"))
    path = edit_event(path, 2, set_field(2, 12, "9"))
    path = edit_event(path, 5, drop_particle)
    with pytest.raises(ValueError, match=r"event 2: a helicity"):
        ingest(tmp_path, path)


def test_bad_event_of_a_later_block_has_the_right_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lhe_events, "BLOCK_EVENTS", 2)
    path = edit_event(write_sample(tmp_path / "bad.lhe"), 5, set_field(2, 12, "9"))
    with pytest.raises(ValueError, match=r"event 5: a helicity"):
        ingest(tmp_path, path)


def test_another_process(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "two.lhe", n_out=2)
    with pytest.raises(ValueError, match=r"two\.lhe: event 1: 4 particles, but gg -> 4 gluinos"):
        ingest(tmp_path, path)


@pytest.mark.parametrize(
    "settings", [{"mass": 650.0}, {"sqrt_s": 3100.0}], ids=["masses", "energies"]
)
def test_files_that_do_not_belong_together(tmp_path: Path, settings: dict[str, float]) -> None:
    one = write_sample(tmp_path / "one.lhe")
    two = write_sample(tmp_path / "two.lhe", **settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"two\.lhe: .* but .*one\.lhe has 3000 GeV"):
        ingest(tmp_path, one, two)
    assert list((tmp_path / "out").iterdir()) == []


def test_no_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no LHE files for four_gluino; list them in gluino"):
        ingest(tmp_path)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.lhe: no such file; correct the path"):
        ingest(tmp_path, tmp_path / "absent.lhe")


def test_an_old_result_survives_a_failed_run(tmp_path: Path) -> None:
    good = write_sample(tmp_path / "good.lhe")
    ingest(tmp_path, good)
    before = (tmp_path / "out" / "events.h5").read_bytes()
    with pytest.raises(ValueError, match="spin column"):
        ingest(tmp_path, edit_event(good, 2, set_field(2, 12, "9")))
    assert (tmp_path / "out" / "events.h5").read_bytes() == before


@pytest.mark.parametrize("name", ["a.lhe", "a.lhe.gz"], ids=["plain", "gzip"])
def test_file_without_events(tmp_path: Path, name: str) -> None:
    text = write_sample(tmp_path / "full.lhe").read_text()
    content = (text.split(EVENT_START)[0] + "</LesHouchesEvents>\n").encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(ValueError, match=r"the file has no events"):
        ingest(tmp_path, path)
    assert list((tmp_path / "out").iterdir()) == []
