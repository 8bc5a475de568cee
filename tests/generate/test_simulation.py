"""Simulated chunks: reproducible, independent of the size of batches, and summed up correctly."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepdensity.generate.chunks import combined
from hepdensity.generate.pythia import LARGEST_SEED
from hepdensity.generate.simulation import MOST_EVENTS_PER_CHUNK, Chunk, simulate
from hepdensity.ingest.delphes import read_delphes
from hepdensity.physics.detector.reconstruction import Reconstruction
from hepdensity.physics.objects import ObjectEvents, concatenated
from hepdensity.physics.selection import EVERYTHING

SETTINGS = (
    *("Beams:eCM = 13000", "PartonLevel:MPI = off", "WeakBosonAndParton:qqbar2gmZg = on"),
    *("23:onMode = off", "23:onIfAny = 13", "PhaseSpace:pTHatMin = 100"),
)
CHUNK = Chunk("z_jets", SETTINGS, seed=3, number=2, events=25)


def read(path: Path) -> ObjectEvents:
    return concatenated(list(read_delphes(path, process="z", selection=EVERYTHING)))


def same(one: ObjectEvents, other: ObjectEvents) -> bool:
    return all(
        np.array_equal(value, getattr(other, name), equal_nan=value.dtype.kind == "f")
        for name, value in vars(one).items()
    )


def test_same_chunk_same_events_whatever_the_batches(tmp_path: Path) -> None:
    one = simulate(CHUNK, tmp_path / "a.root", batch=25)
    other = simulate(CHUNK, tmp_path / "b.root", batch=4)
    events = read(tmp_path / "a.root")
    assert same(events, read(tmp_path / "b.root"))
    one.pop("cpu_seconds")
    other.pop("cpu_seconds")
    assert one == other
    assert one["events"] == one["generated"] == 25
    assert events.event_id.tolist() == [2 * MOST_EVENTS_PER_CHUNK + i for i in range(25)]


def test_only_chosen_events_are_written(tmp_path: Path) -> None:
    def keep(found: Reconstruction) -> np.ndarray:
        chosen: np.ndarray = found.met > 150
        return chosen

    everything = simulate(CHUNK, tmp_path / "all.root")
    summary = simulate(CHUNK, tmp_path / "some.root", keep)
    events = read(tmp_path / "all.root")
    chosen = events[events.met > 150]
    assert 0 < len(chosen) < 25
    assert same(chosen, read(tmp_path / "some.root"))
    assert summary["events"] == len(chosen)
    assert summary["generated"] == 25
    assert summary["cross_section"] == everything["cross_section"]


def test_seeds_differ_between_samples_and_chunks() -> None:
    others = [replace(CHUNK, number=3), replace(CHUNK, sample="y"), replace(CHUNK, seed=4)]
    seeds = [chunk.run_seed() for chunk in (CHUNK, *others)]
    assert len(set(seeds)) == 4
    assert seeds[1] == seeds[0] + 1
    assert all(1 <= seed <= LARGEST_SEED for seed in seeds)


def test_too_many_events_for_a_chunk(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="z_jets: at most"):
        simulate(replace(CHUNK, events=MOST_EVENTS_PER_CHUNK + 1), tmp_path / "a.root")


def test_cross_section_of_several_chunks() -> None:
    # 100 of 1000 and 100 of 500 points accepted below a maximum of 50 pb: 200 of 1500.
    parts = [
        {"generated": 100, "cross_section": 5.0, "cross_section_error": 0.5},
        {"generated": 100, "cross_section": 10.0, "cross_section_error": 1.0},
    ]
    counts = {"sum_weights": 100.0, "vetoed": 7, "failed": 1, "events": 3, "cpu_seconds": 2.0}
    numbers = combined([{**part, **counts} for part in parts])
    assert numbers["cross_section"] == pytest.approx(50 * 200 / 1500)
    assert numbers["cross_section_error"] == pytest.approx(
        0.1 / math.sqrt(2) * numbers["cross_section"]
    )
    assert (numbers["generated"], numbers["events"], numbers["vetoed"]) == (200, 6, 14)
