"""LHE files that we write are standard, exact and reproducible."""

import gzip
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pylhe
import pytest
import torch

from hepdensity.generate.lhe_writer import write_lhe
from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.physics.colour_order import lehmer_decode
from hepdensity.physics.events import PROCESSES, Events
from hepdensity.physics.phase_space import rambo


def random_events(n: int = 200, n_out: int = 4, **changes: Any) -> Events:
    numbers = np.random.default_rng(2)
    momenta, _ = rambo(n, n_out, 3000.0, 607.7137, torch.Generator().manual_seed(2))
    events = Events(
        momenta=momenta.numpy(),
        sqrt_s=3000.0,
        mass=607.7137,
        source="embedded",
        helicities=numbers.choice([-1, 1], (n, 2 + n_out)),
        colour_order=lehmer_decode(numbers.integers(0, 6, n), 2 + n_out),
        alpha_s=numbers.uniform(0.08, 0.09, n),
        cross_section=6.1e-4 / 3,
        cross_section_error=1e-6 / 3,
    )
    return replace(events, **changes)


@pytest.mark.parametrize("suffix", [".lhe", ".lhe.gz"], ids=["plain", "gzip"])
@pytest.mark.parametrize("n_out", PROCESSES.values(), ids=list(PROCESSES))
def test_reading_gives_back_what_was_written(tmp_path: Path, suffix: str, n_out: int) -> None:
    events = random_events(n_out=n_out)
    path = tmp_path / f"events{suffix}"
    write_lhe(path, events, {"seed": 2})
    ingest_lhe([path], tmp_path / "back.h5", events.process, {}, source="embedded")
    back = read_events(tmp_path / "back.h5")
    for name in ("momenta", "helicities", "colour_order", "alpha_s"):
        np.testing.assert_array_equal(getattr(back, name), getattr(events, name), err_msg=name)
    for name in ("sqrt_s", "mass", "source", "cross_section", "cross_section_error"):
        assert getattr(back, name) == getattr(events, name), name


def test_momentum_is_conserved_in_the_file(tmp_path: Path) -> None:
    write_lhe(tmp_path / "events.lhe", random_events())
    for event in pylhe.LHEFile.fromfile(tmp_path / "events.lhe").events:
        legs = np.array([(p.e, p.px, p.py, p.pz) for p in event.particles])
        assert np.abs(legs[:2].sum(axis=0) - legs[2:].sum(axis=0)).max() < 1e-9


def test_fields_of_the_accord(tmp_path: Path) -> None:
    events = random_events(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = {"note": "a < b & c", "versions": {"hepdensity": "1.2"}}
        write_lhe(tmp_path / "events.lhe", events, record, scale=700.0)
        file = pylhe.LHEFile.fromfile(tmp_path / "events.lhe", generator=False)
    init = file.init.initInfo
    assert (init.beamA, init.beamB, init.energyA, init.energyB) == (21, 21, 1500.0, 1500.0)
    assert (init.weightingStrategy, init.numProcesses) == (3, 1)
    assert file.header is not None
    assert [element.text for element in file.header.extra_elements] == [json.dumps(record)]
    assert [(made.name, made.version) for made in file.init.generators] == [("hepdensity", "1.2")]
    found = list(file.events)
    assert len(found) == 3
    for event in found:
        assert (event.eventinfo.nparticles, event.eventinfo.weight) == (6, 1.0)
        assert event.eventinfo.scale == 700.0
        assert [p.id for p in event.particles] == [21, 21] + [1000021] * 4
        assert [p.status for p in event.particles] == [-1, -1, 1, 1, 1, 1]
        assert {p.m for p in event.particles} == {0.0, 607.7137}


def test_weights_are_written(tmp_path: Path) -> None:
    weights = np.array([0.5, 1.0, 1.5])
    write_lhe(tmp_path / "events.lhe", random_events(3, weights=weights))
    file = pylhe.LHEFile.fromfile(tmp_path / "events.lhe", generator=False)
    assert file.init.initInfo.weightingStrategy == 4
    assert [event.eventinfo.weight for event in file.events] == weights.tolist()


def test_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.lhe.gz", "two.lhe.gz", "three.lhe"):
        write_lhe(tmp_path / name, random_events())
    one = (tmp_path / "one.lhe.gz").read_bytes()
    assert one == (tmp_path / "two.lhe.gz").read_bytes()
    assert one[4:8] == bytes(4)  # no time in the header
    assert gzip.decompress(one) == (tmp_path / "three.lhe").read_bytes()


@pytest.mark.parametrize("name", ["helicities", "colour_order", "alpha_s", "cross_section"])
def test_incomplete_events_are_refused(tmp_path: Path, name: str) -> None:
    without: dict[str, Any] = {name: None}
    with pytest.raises(ValueError, match=f"without {name} cannot be written"):
        write_lhe(tmp_path / "events.lhe", replace(random_events(), **without))
    assert list(tmp_path.iterdir()) == []
