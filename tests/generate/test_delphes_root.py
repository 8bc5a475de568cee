"""ROOT files with Delphes' names: what is read is what was written."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from particle_events import spray

from hepdensity.generate.delphes_root import DelphesWriter
from hepdensity.ingest.delphes import read_delphes
from hepdensity.physics.detector.objects import objects_of
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.detector.reconstruction import Reconstruction
from hepdensity.physics.objects import concatenated
from hepdensity.physics.selection import EVERYTHING

SIZES = np.arange(30) + 1


@pytest.fixture(scope="module")
def events() -> Reconstruction:
    return reconstruct(spray(30, seed=4, per_event=200), seed=9)


def test_read_equals_written(events: Reconstruction, tmp_path: Path) -> None:
    with DelphesWriter(tmp_path / "z.root") as writer:
        writer.append(events, SIZES)
    found = concatenated(list(read_delphes(tmp_path / "z.root", selection=EVERYTHING)))
    wanted = objects_of(events, "z", EVERYTHING)
    assert found.present.any()
    for name in ("event_id", "process", "type", "order"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    for name in ("met", "met_phi", "weight", "energy", "pt", "eta", "phi"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-5)


def test_pieces_and_choices_make_the_same_file(events: Reconstruction, tmp_path: Path) -> None:
    chosen = np.arange(30) % 3 == 0
    with DelphesWriter(tmp_path / "some.root") as writer:
        for _ in range(150):  # more than one piece
            writer.append(events, SIZES, chosen)
    with uproot.open(f"{tmp_path}/some.root:Delphes") as tree:
        assert tree.num_entries == 1500
        first = tree.arrays(["Event.Number", "Jet.PT", "Particle_size"], entry_stop=10)
    assert first["Event.Number"].tolist() == [[i] for i in range(0, 30, 3)]
    assert first["Particle_size"].tolist() == SIZES[chosen].tolist()
    counts = np.diff(events.jets.offsets)[chosen]
    assert ak.num(first["Jet.PT"]).tolist() == counts.tolist()


def test_types_are_those_of_delphes(events: Reconstruction, tmp_path: Path) -> None:
    with DelphesWriter(tmp_path / "z.root") as writer:
        writer.append(events, SIZES)
    with uproot.open(f"{tmp_path}/z.root:Delphes") as tree:
        types = {name: tree[name].typename for name in tree.keys()}  # noqa: SIM118
    assert types["Jet.PT"] == "float[]"
    assert types["Jet.BTag"] == "uint32_t[]"
    assert types["Muon.Charge"] == "int32_t[]"
    assert types["Event.Number"] == "int64_t[]"
    assert types["Jet_size"] == "int32_t"


def test_energy_flow_candidates(events: Reconstruction, tmp_path: Path) -> None:
    with DelphesWriter(tmp_path / "z.root", eflow=True) as writer:
        writer.append(events, SIZES)
    with uproot.open(f"{tmp_path}/z.root:Delphes") as tree:
        flow = {name: tree[f"EFlow.{name}"].array() for name in ("PT", "Eta", "E", "fUniqueID")}
    assert ak.num(flow["PT"]).tolist() == np.diff(events.eflow.offsets).tolist()
    pz = ak.to_numpy(ak.flatten(flow["PT"])) * np.sinh(ak.to_numpy(ak.flatten(flow["Eta"])))
    np.testing.assert_allclose(pz, events.eflow.pz, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ak.to_numpy(ak.flatten(flow["E"])), events.eflow.energy, rtol=1e-6)
    for numbers in flow["fUniqueID"]:
        assert numbers.tolist() == list(range(1, len(numbers) + 1))


def test_no_event_chosen_makes_an_empty_tree(events: Reconstruction, tmp_path: Path) -> None:
    with DelphesWriter(tmp_path / "none.root") as writer:
        writer.append(events, SIZES, np.zeros(30, dtype=bool))
    with uproot.open(f"{tmp_path}/none.root:Delphes") as tree:
        assert tree.num_entries == 0


def test_nothing_remains_after_an_error(events: Reconstruction, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), DelphesWriter(tmp_path / "z.root") as writer:
        writer.append(events, SIZES)
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []
