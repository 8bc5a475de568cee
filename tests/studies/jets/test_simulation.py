"""Simulated jets: reproducible, matched, without repeats, and read back as they were chosen."""

from collections import Counter
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from made_up_jets import assert_same_jets

from hepdensity.generate.pythia import PythiaRun
from hepdensity.generate.simulation import MOST_EVENTS_PER_CHUNK
from hepdensity.ingest.delphes import read_delphes
from hepdensity.ingest.delphes_jets import read_delphes_jets
from hepdensity.ingest.jet_file import JetWriter, read_jets
from hepdensity.ingest.jet_repeats import refuse_repeated_jets
from hepdensity.physics.constituents import (
    ConstituentJets,
    JetForm,
    JetWindow,
    concatenated_jets,
)
from hepdensity.physics.selection import EVERYTHING
from hepdensity.studies.jets.processes import PROCESSES, events_for, process_of
from hepdensity.studies.jets.simulation import simulate_jets
from hepdensity.studies.jets.top_record import TopRecord

FORM = JetForm(window=JetWindow())


def generation(process: str, events: int, **changes: Any) -> dict[str, Any]:
    return {
        **{"process": process, "chunk": 2, "events": events, "seed": 3, "settings": []},
        **{"radius": 0.8, "min_candidate_pt": 0.5, "pt": [550, 650], "eta": 2.0},
        **changes,
    }


def read(path: Path, process: str, counts: Counter[str] | None = None) -> ConstituentJets:
    matched = process_of(process).matched
    return concatenated_jets(
        list(read_delphes_jets(path, FORM, label=process, matched=matched, counts=counts))
    )


@pytest.mark.parametrize("process", PROCESSES)
def test_what_was_chosen_is_read_back(tmp_path: Path, process: str) -> None:
    summary = simulate_jets(generation(process, 40), tmp_path / "a.root")
    counts: Counter[str] = Counter()
    jets = read(tmp_path / "a.root", process, counts)
    assert summary["jets"] == counts["kept"] == len(jets) > 3
    assert summary["events"] == len(np.unique(jets.event_id)) <= summary["generated"] == 40
    assert (jets.event_id // MOST_EVENTS_PER_CHUNK == 2).all()
    assert FORM.window is not None and FORM.window.contains(jets.jet).all()
    assert set(jets.label) == {process}
    assert (jets.weight == 1).all()
    pt = jets.constituents[:, :, 2]
    assert np.nanmin(pt) > 0.5 and jets.jet[:, 4].mean() > 20


def test_same_chunk_same_jets_whatever_the_batches(tmp_path: Path) -> None:
    one, other = (
        simulate_jets(generation("top", 16), tmp_path / f"{batch}.root", batch=batch)
        for batch in (16, 5)
    )
    assert_same_jets(read(tmp_path / "16.root", "top"), read(tmp_path / "5.root", "top"))
    assert one.pop("cpu_seconds") > 0 and other.pop("cpu_seconds") > 0
    assert one == other


def test_chunks_have_no_jets_in_common(tmp_path: Path) -> None:
    files = []
    for chunk in (0, 1):
        name = f"{chunk}.root"
        simulate_jets(generation("qcd", 20, chunk=chunk), tmp_path / name)
        files.append(tmp_path / f"{chunk}.h5")
        with JetWriter(files[-1], {}, FORM) as writer:
            writer.append(read(tmp_path / name, "qcd"))
    refuse_repeated_jets(files)
    ids = np.concatenate([read_jets(path).event_id for path in files])
    events = [np.unique(read_jets(path).event_id) for path in files]
    assert len(np.unique(ids)) == sum(map(len, events))


def test_jets_that_contain_no_top_are_counted(tmp_path: Path) -> None:
    summary = simulate_jets(generation("top", 40), tmp_path / "a.root")
    assert summary["unmatched"] > 0
    jets = concatenated_jets(list(read_delphes_jets(tmp_path / "a.root", FORM)))
    matched = read(tmp_path / "a.root", "top")
    assert len(jets) >= len(matched)
    # Most of the mass of a jet that contains a top is that of the top.
    assert 150 < np.median(matched.jet[:, 3]) < 200


def test_top_quarks_of_pythia() -> None:
    """Every top decays to three quarks here, and they add up to its momentum."""
    run = PythiaRun((*PROCESSES["top"].settings, "PartonLevel:FSR = off"), 5)
    for _, record in run.records(8, 4):
        tops = TopRecord(record)
        assert tops.tops.event.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        particles = tops.particles()
        assert ak.num(particles.PT).tolist() == [10] * 4
        for event in range(4):
            rows = particles[event]
            pid, mother = np.abs(ak.to_numpy(rows.PID)), ak.to_numpy(rows.M1)
            assert pid[[0, 1, 5, 6]].tolist() == [6, 24, 6, 24]
            pt, phi = (ak.to_numpy(rows[name]).astype(np.float64) for name in ("PT", "Phi"))
            px = pt * np.cos(phi)
            for top in (0, 5):
                quarks = np.arange(top + 2, top + 5)
                assert set(mother[quarks]) == {top, top + 1}
                assert mother[[top, top + 1]].tolist() == [-1, top]
                assert px[quarks].sum() == pytest.approx(px[top], abs=1e-3 * pt[top])


def test_the_file_is_one_of_delphes_too(tmp_path: Path) -> None:
    simulate_jets(generation("top", 10), tmp_path / "a.root")
    events = concatenated_events(tmp_path / "a.root")
    with uproot.open(tmp_path / "a.root") as file:
        assert set(file["Delphes"]["Particle_size"].array().tolist()) == {10}
        assert file["Delphes"].num_entries == len(events) > 0


def concatenated_events(path: Path) -> np.ndarray:
    chunks = read_delphes(path, selection=EVERYTHING, most_irregular=1.0)
    return np.concatenate([chunk.event_id for chunk in chunks])


def test_number_of_events_for_jets() -> None:
    wanted = 1030 + 4 * np.sqrt(1000)  # 3 % and four standard deviations more
    assert events_for("qcd", 1000) == int(np.ceil(wanted / PROCESSES["qcd"].jets_per_event))


def test_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no process 'higgs'; use qcd, top, zprime"):
        simulate_jets(generation("higgs", 5), tmp_path / "a.root")
    with pytest.raises(ValueError, match="qcd: at most 100000000 events fit in a chunk"):
        simulate_jets(generation("qcd", MOST_EVENTS_PER_CHUNK + 1), tmp_path / "a.root")
    with pytest.raises(ValueError, match=r"jets qcd: Pythia rejects .*no setting 'Nonsense"):
        simulate_jets(generation("qcd", 5, settings=["Nonsense = 1"]), tmp_path / "a.root")
    assert list(tmp_path.iterdir()) == []
