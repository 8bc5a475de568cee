"""Files of jets from simulated chunks and from files of each format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hepmc_files import write_hepmc
from pandas_tables import jet_columns, write_table
from particle_events import spray

from hepdensity.ingest.jet_file import read_counts, read_form, read_jets
from hepdensity.physics.constituents import JetForm
from hepdensity.preprocessing.event_splits import split_rows
from hepdensity.studies.jets.jet_files import OTHER_PROCESS, ingest_files, ingest_simulated
from hepdensity.studies.jets.simulation import simulate_jets

GENERATION: dict[str, Any] = {
    **{"process": "qcd", "events": 25, "seed": 3, "settings": []},
    **{"radius": 0.8, "min_candidate_pt": 0.5, "pt": [550, 650], "eta": 2.0},
}
STORED: dict[str, Any] = {"most": 30, "jet_from": "all", "pt": [550, 650], "eta": 2.0}
SIMULATED = {**STORED, "process": "qcd", "radius": 0.8, "min_candidate_pt": 0.5}


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("jets")
    found = []
    for chunk in (0, 1):
        path = folder / f"{chunk}.root"
        found.append((path, simulate_jets({**GENERATION, "chunk": chunk}, path)))
    return found


def test_simulated_chunks(chunks: list[tuple[Path, dict[str, Any]]], tmp_path: Path) -> None:
    files, summaries = zip(*chunks, strict=True)
    path = tmp_path / "qcd.h5"
    numbers = ingest_simulated(files, summaries, path, SIMULATED, {"seed": 3})
    jets = read_jets(path)
    assert numbers["jets"] == len(jets) == sum(one["jets"] for one in summaries)
    assert numbers["generated"] == 50
    assert numbers["outside"] == sum(one["outside"] for one in summaries)
    assert read_form(path) == JetForm(most=30)
    assert read_counts(path)["kept"] == len(jets)
    rows = split_rows(jets.event_id, jets.part, 2, 2, 2, "qcd")
    assert not set(jets.event_id[rows.test]) & set(jets.event_id[rows.train])


def test_a_chunk_given_twice(chunks: list[tuple[Path, dict[str, Any]]], tmp_path: Path) -> None:
    (file, summary), _ = chunks
    with pytest.raises(ValueError, match=r"qcd\.h5: jet .* has the same constituents as jet"):
        ingest_simulated([file, file], [summary] * 2, tmp_path / "qcd.h5", SIMULATED, {})
    assert list(tmp_path.iterdir()) == []


def test_chunks_without_jets(chunks: list[tuple[Path, dict[str, Any]]], tmp_path: Path) -> None:
    file, summary = chunks[0]
    with pytest.raises(ValueError, match="none of the 25 events generated has a jet that is wan"):
        ingest_simulated([file], [{**summary, "events": 0}], tmp_path / "a.h5", SIMULATED, {})


def user_files(tmp_path: Path, chosen: str, simulated: Path) -> list[Path]:
    if chosen == "root":
        return [simulated]
    if chosen == "hepmc":
        return [write_hepmc(tmp_path / "a.hepmc", spray(4, 11, per_event=40))]
    if chosen == "hidden_valley":
        path = tmp_path / "a.txt"
        path.write_text("1 0 J 600 0.5 1 80 1 2 3 4 5 6 P 400 0.5 1.1 P 200 0.4 0.9\n")
        return [path]
    momenta = np.zeros((3, 4, 4))
    momenta[:, :2] = [[300, 300, 0, 0], [290, 280, 0, 50]]
    flags = {"ttv": np.zeros(3, np.int64), "is_signal_new": np.array([0, 1, 1])}
    columns = jet_columns(momenta, **flags)
    return [write_table(tmp_path / f"{i}.h5", columns) for i in "ab"]


@pytest.mark.parametrize("chosen", ["top_tagging", "hidden_valley", "root", "hepmc"])
def test_files_of_a_user(
    chunks: list[tuple[Path, dict[str, Any]]], tmp_path: Path, chosen: str
) -> None:
    files = user_files(tmp_path, chosen, chunks[0][0])
    ingestion = {
        **{**STORED, "pt": None, "eta": None, "format": chosen, "process": "mine", "seed": 1},
        **{"radius": 0.8, "min_pt": 20.0, "min_candidate_pt": 0.5, "matched": False},
        **{"largest_skipped": 0.05, "label": "top"},
    }
    numbers = ingest_files(files, tmp_path / "jets.h5", ingestion, {})
    jets = read_jets(tmp_path / "jets.h5")
    assert numbers["jets"] == len(jets) > 0
    assert set(jets.label) == {"mine"}
    other = numbers["counts"][OTHER_PROCESS]
    assert numbers["counts"]["kept"] == len(jets) + other
    if chosen == "top_tagging":
        assert other == 2  # The first jet of each file is of QCD.
        assert jets.event_id.tolist() == [1, 2, 100_000_001, 100_000_002]


def test_no_jet_of_the_label(tmp_path: Path) -> None:
    files = user_files(tmp_path, "top_tagging", tmp_path)
    ingestion = {**STORED, "pt": None, "eta": None, "format": "top_tagging", "process": "mine"}
    given = {**ingestion, "label": "w", "largest_skipped": 0.05}
    with pytest.raises(ValueError, match=r"jets\.h5: no jet is wanted; check the label, or widen"):
        ingest_files(files, tmp_path / "jets.h5", given, {})
    assert not (tmp_path / "jets.h5").exists()


def test_bad_settings(tmp_path: Path) -> None:
    ingestion = {**STORED, "format": "csv", "largest_skipped": 0.05}
    with pytest.raises(ValueError, match="jets have no format 'csv'; use top_tagging, hidden_va"):
        ingest_files([tmp_path / "a"], tmp_path / "jets.h5", ingestion, {})
    with pytest.raises(ValueError, match="no file of jets is given"):
        ingest_files([], tmp_path / "jets.h5", ingestion, {})
    assert list(tmp_path.iterdir()) == []
