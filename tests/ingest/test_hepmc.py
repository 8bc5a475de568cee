"""HepMC: files of both versions, written by pyhepmc, and what is wrong with bad ones."""

import gzip
import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyhepmc
import pytest
from hepmc_files import write_hepmc
from particle_events import part_of, particles_of, spray

from hepdensity.ingest.hepmc import read_hepmc, read_particles
from hepdensity.ingest.irregular import NO_MET
from hepdensity.physics.detector.card import ATLAS
from hepdensity.physics.detector.objects import objects_of
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.objects import ObjectEvents
from hepdensity.physics.particles import Particles
from hepdensity.physics.selection import SHORTENED, Selection

N = 6
PARTICLES = spray(N, 11, per_event=40)


def write(path: Path, particles: Particles = PARTICLES, **how: Any) -> Path:
    return write_hepmc(path, particles, **how)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hepmc") / "signal.one.hepmc")


def assert_same(found: Particles, expected: Particles) -> None:
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    np.testing.assert_array_equal(found.pdg_id, expected.pdg_id)
    np.testing.assert_array_equal(found.final, expected.final)
    for name in ("px", "py", "pz", "energy"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-13)


@pytest.mark.parametrize("version", ["hepmc2", "hepmc3"])
@pytest.mark.parametrize("unit", [pyhepmc.Units.GEV, pyhepmc.Units.MEV], ids=["GeV", "MeV"])
def test_particles(tmp_path: Path, version: str, unit: pyhepmc.Units) -> None:
    """Beams and top quarks are no particles of the detector; partons are kept for flavours."""
    (found,) = read_particles(write(tmp_path / "x", version=version, unit=unit))
    assert_same(found, PARTICLES)
    assert found.event_id.tolist() == list(range(N))
    assert found.weight.tolist() == [1.0] * N


@pytest.mark.parametrize("version", ["hepmc2", "hepmc3"])
def test_first_weight_counts(tmp_path: Path, version: str) -> None:
    path = write(tmp_path / "x", version=version, weights=[0.25, 7.0])
    (found,) = read_particles(path)
    assert found.weight.tolist() == [0.25] * N


def test_compressed_and_in_chunks(tmp_path: Path, file: Path) -> None:
    packed = tmp_path / "no-suffix"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    chunks = list(read_particles(packed, chunk_events=4))
    assert [len(chunk) for chunk in chunks] == [4, 2]
    for chunk, (start, stop) in zip(chunks, [(0, 4), (4, 6)], strict=True):
        assert_same(chunk, part_of(PARTICLES, start, stop))
        assert chunk.event_id.tolist() == list(range(start, stop))


def test_files_one_after_the_other(tmp_path: Path, file: Path) -> None:
    both = tmp_path / "both"
    both.write_bytes(2 * file.read_bytes())
    (found,) = read_particles(both)
    assert len(found) == 2 * N
    assert found.event_id.tolist() == list(range(2 * N))


def test_events_through_the_detector(file: Path) -> None:
    counts: Counter[str] = Counter()
    (found,) = read_hepmc(file, seed=3, counts=counts)
    (particles,) = read_particles(file)
    expected = objects_of(reconstruct(particles, 3, ATLAS), "signal")
    assert len(found) > 0
    for name in ("met", "met_phi", "weight", "process", "event_id", "type", "pt", "order"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert (counts["read"], counts["kept"]) == (N, len(found))
    (other,) = read_hepmc(file, seed=4, process="other")
    assert set(other.process) == {"other"}
    assert not np.isin(other.met, found.met).any()


def test_weights_of_zero_and_below_are_irregular(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x", weights=[-1.0])
    problem = f"{N} of {N} events are left out or shortened (the weight is not positive: {N})"
    with pytest.raises(ValueError, match=re.escape(problem)):
        list(read_hepmc(path))
    with (
        caplog.at_level(logging.WARNING, "hepdensity.ingest"),
        pytest.raises(ValueError, match=f"none of the {N} events passes the selection; give more"),
    ):
        list(read_hepmc(path, most_irregular=1.0))
    assert problem in caplog.text


def test_events_without_missing_momentum_are_irregular(tmp_path: Path) -> None:
    neutrinos = PARTICLES.pdg_id.copy()
    neutrinos[PARTICLES.final] = 12
    changed = replace(PARTICLES, pdg_id=neutrinos)
    path = write(tmp_path / "x", changed)
    with pytest.raises(ValueError, match=f"{NO_MET}: {N}"):
        list(read_hepmc(path, selection=Selection(trigger={})))


def test_of_many_objects_the_first_twenty_are_kept(tmp_path: Path) -> None:
    places = [(eta, phi) for eta in np.arange(-1.6, 1.7, 0.8) for phi in np.arange(-3, 3, 1.2)]
    muons = [(13, 80.0, float(eta), float(phi)) for eta, phi in places]
    path = write(tmp_path / "x", particles_of([[*muons, (211, 60.0, 2.2, 0.0)]]))
    open_cuts = Selection(trigger={})
    with pytest.raises(ValueError, match=f"1 of 1 events are left out or shortened .{SHORTENED}"):
        list(read_hepmc(path, selection=open_cuts))
    (events,) = read_hepmc(path, selection=open_cuts, most_irregular=1.0)
    assert events.present.all()


def test_virtual_partons_may_be_spacelike(tmp_path: Path) -> None:
    energy = np.where(PARTICLES.final, PARTICLES.energy, 0.5 * PARTICLES.energy)
    (found,) = read_particles(write(tmp_path / "x", replace(PARTICLES, energy=energy)))
    np.testing.assert_allclose(found.energy, energy, rtol=1e-13)


def test_file_without_partons_is_logged(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hadrons = np.where(PARTICLES.final, PARTICLES.pdg_id, 6).astype(np.int32)
    path = write(tmp_path / "x", replace(PARTICLES, pdg_id=hadrons))
    with caplog.at_level(logging.WARNING, "hepdensity.ingest"):
        list(read_hepmc(file))
        assert caplog.text == ""
        list(read_hepmc(path))
    assert "x: there are no partons, so all jets count as light for b-tags" in caplog.text


def all_of(path: Path) -> list[Particles]:
    return list(read_particles(path))


def events_of(path: Path) -> list[ObjectEvents]:
    return list(read_hepmc(path))


def half(text: bytes) -> bytes:
    """Cut within the fourth event."""
    fourth, fifth = (match.start() for match in list(re.finditer(rb"\nE ", text))[3:5])
    return text[: (fourth + fifth) // 2]


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda text: b"", "the file is empty"),
    "another kind": (lambda text: b"pT,eta,phi\n" * 9, "not a HepMC file of version 2 or 3"),
    "lhe": (lambda text: b"<LesHouchesEvents version='3.0'>\n", "not a HepMC file"),
    "no events": (
        lambda text: text[: text.index(b"\nE ")] + text[text.rindex(b"\nHepMC::") :],
        "there are no events; give a file with events",
    ),
    "cut within an event": (half, "event 4: the event is damaged or cut off; copy it"),
    "cut after an event": (
        lambda text: text[: text.rindex(b"\nHepMC::") + 1],
        "seems cut off: it has no END_EVENT_LISTING after the last event; copy or generate it",
    ),
    "compressed and cut": (
        lambda text: gzip.compress(text)[:-2000],
        "the compressed data are truncated or damaged",
    ),
    "no particle": (
        lambda text: re.sub(rb"\nP 9 .*", b"\nP nine", text, count=1),
        "event 1: the event is damaged",
    ),
    "nan": (
        lambda text: re.sub(rb"(\nP 9 \S+ \S+) \S+ ", rb"\1 nan ", text),
        "event 1: a momentum is not finite, or larger than the energy",
    ),
    "spacelike": (
        lambda text: re.sub(rb"(\nP 9 \S+ \S+) \S+ ", rb"\1 9e9 ", text),
        "event 1: a momentum is not finite, or larger than the energy",
    ),
    "no final state": (
        lambda text: re.sub(rb"(\nP .*) 1(?=\n)", rb"\1 23", text),
        r"event 1: there are no stable particles \(status 1\); generate events with showers",
    ),
    "partons are stable": (
        lambda text: re.sub(rb"(\nP .*) 23(?=\n)", rb"\1 1", text),
        "event 1: quarks or gluons are stable; generate events with showers, hadronisation",
    ),
}


@pytest.mark.parametrize("read", [all_of, events_of])
@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_bad_files(
    tmp_path: Path,
    file: Path,
    read: Callable[[Path], list[object]],
    change: Callable[[bytes], bytes],
    message: str,
) -> None:
    path = tmp_path / "bad.hepmc"
    path.write_bytes(change(file.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file; correct the path"):
        all_of(tmp_path / "missing")
