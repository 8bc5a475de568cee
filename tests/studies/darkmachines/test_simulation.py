"""Samples by name: simulated, written as ROOT, and read into event files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hepdensity.generate.pythia import PythiaRun
from hepdensity.ingest.object_file import read_objects, read_sample
from hepdensity.studies.darkmachines.channels import CHANNELS, select
from hepdensity.studies.darkmachines.event_files import ingest_simulated
from hepdensity.studies.darkmachines.processes import BACKGROUNDS, Background
from hepdensity.studies.darkmachines.signals import SIGNALS
from hepdensity.studies.darkmachines.simulation import sample_of, simulate_sample


def generation(sample: str, chunk: int, events: int, **more: Any) -> dict[str, Any]:
    shared = {"seed": 1, "settings": ["PartonLevel:MPI = off"], "channels": {}}
    shared |= {"jet_radius": 0.4, "met_eta": 10.0}
    rest = {"everything": False, "eflow": False, **more}
    return {"sample": sample, "chunk": chunk, "events": events, **shared, **rest}


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS)
def test_pythia_takes_every_background(background: Background) -> None:
    settings = [*background.settings, "PartonLevel:all = off"]
    run = PythiaRun(settings, 2, requirements=background.requirements, name=background.name)
    assert len(next(run.batches(3))) == 3
    assert run.tally().cross_section > 0
    assert set(background.channels) <= set(CHANNELS)


def test_slices_join_without_gap_or_overlap() -> None:
    for name, background in BACKGROUNDS.items():
        limits = dict(line.split(" = ") for line in background.settings)
        high = float(limits["PhaseSpace:pTHatMax"])
        if high > 0:
            assert f"{name.rpartition('_')[0]}_{high:.0f}" in BACKGROUNDS


def test_from_pythia_to_an_event_file(tmp_path: Path) -> None:
    files = [tmp_path / f"chunk{i}.root" for i in range(2)]
    summaries = [
        simulate_sample(generation("z_jets_mu_100", i, 40), file) for i, file in enumerate(files)
    ]
    numbers = ingest_simulated(files, summaries, tmp_path / "z.h5", "z_jets", {})
    events, sample = read_objects(tmp_path / "z.h5"), read_sample(tmp_path / "z.h5")
    assert sample.generated == 80
    assert sample.cross_section == numbers["cross_section"]
    assert len(events) == numbers["events"] == sum(one["events"] for one in summaries)
    assert len(np.unique(events.event_id)) == len(events)
    assert set(events.process) == {"z_jets"}
    assert (events.weight == 1).all()
    inside = [select(events, channel) for channel in CHANNELS]
    assert np.logical_or.reduce(inside).all()
    for channel, passed in zip(CHANNELS, inside, strict=True):
        assert passed.sum() == sum(one["events_in"][channel] for one in summaries)


def test_events_of_no_channel_are_written_on_demand(tmp_path: Path) -> None:
    given = generation("glgl1400_neutralino1100", 0, 10, everything=True)
    summary = simulate_sample(given, tmp_path / "all.root")
    assert summary["events"] == 10
    assert 0 < max(summary["events_in"].values()) < 10


def test_a_sample_without_events_in_a_channel_is_an_error(tmp_path: Path) -> None:
    summary = simulate_sample(generation("njets_200", 0, 3), tmp_path / "a.root")
    assert summary["events"] == 0
    with pytest.raises(ValueError, match=r"q.h5: none of the 3 events .*; generate more events"):
        ingest_simulated([tmp_path / "a.root"], [summary], tmp_path / "q.h5", "njets", {})
    assert not (tmp_path / "q.h5").exists()


def test_weights_are_relative_to_their_mean(tmp_path: Path) -> None:
    biased = ["PartonLevel:MPI = off", "PhaseSpace:bias2Selection = on"]
    given = generation("z_jets_mu_100", 0, 40, settings=biased, everything=True)
    summary = simulate_sample(given, tmp_path / "a.root")
    ingest_simulated([tmp_path / "a.root"], [summary], tmp_path / "a.h5", "z_jets", {})
    weights = read_objects(tmp_path / "a.h5").weight
    assert weights.std() > 0
    assert weights.sum() <= 40.001
    assert weights.mean() == pytest.approx(1, rel=0.2)


def test_samples_have_names() -> None:
    assert not set(BACKGROUNDS) & set(SIGNALS)
    assert sample_of("ww_0").name == "ww_0"
    with pytest.raises(ValueError, match="there is no sample 'ww_1'; use njets_200"):
        sample_of("ww_1")
