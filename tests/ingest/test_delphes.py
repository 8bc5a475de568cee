"""Delphes files: a real one agrees with plain reading, and files that are not right are refused."""

import functools
import http.server
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import fastjet
import numpy as np
import pytest
import uproot
from delphes_files import collections_of, write_events, write_tree
from object_events import assert_same

from hepdensity.ingest.delphes import NO_PARTICLES, NOT_FINITE, REQUIRED, read_delphes
from hepdensity.ingest.irregular import NO_MET, WEIGHT
from hepdensity.physics.objects import JETS, ObjectEvents, concatenated
from hepdensity.physics.selection import EVERYTHING, SHORTENED, Selection

EFLOW = {"EFlowTrack": "PT", "EFlowPhoton": "ET", "EFlowNeutralHadron": "ET"}
COLLECTIONS = ("Jet", "Electron", "Muon", "Photon")
JET = {"PT": 100.0, "Eta": 0.5, "Phi": 1.0, "Mass": 10.0}
GOOD: dict[str, Any] = {"Jet": [JET], "met": 60.0}


@pytest.fixture(scope="session")
def real(shared_data: Path) -> Path:
    path = shared_data / "delphes" / "delphes.root"
    if not path.is_file():
        pytest.skip(f"no Delphes file at {path}")
    return path


def read(path: str | Path | Sequence[Path], **options: Any) -> ObjectEvents:
    return concatenated(list(read_delphes(path, **options)))


def direct(path: Path) -> list[dict[str, Any]]:
    """Events as uproot reads them; objects as (type, pT, eta, phi, energy) in the file's order."""
    with uproot.open(path) as file:
        columns = file["Delphes"].arrays([*REQUIRED, "Photon.E"], how=dict)
    events = []
    for i in range(len(columns["Jet.PT"])):
        row = {name: ak.to_list(values[i]) for name, values in columns.items()}
        event: dict[str, Any] = {name: row[name][0] for name in REQUIRED[:4]}
        event["objects"] = [obj for name in COLLECTIONS for obj in objects_of(name, row)]
        events.append(event)
    return events


def objects_of(name: str, row: Mapping[str, list[float]]) -> Iterator[tuple[float, ...]]:
    columns = [row[f"{name}.{leaf}"] for leaf in ("PT", "Eta", "Phi")]
    for k, (pt, eta, phi) in enumerate(zip(*columns, strict=True)):
        energy = pt * np.cosh(eta)
        if name == "Jet":
            kind = 2 if row["Jet.BTag"][k] else 1
            energy = np.sqrt(energy**2 + row["Jet.Mass"][k] ** 2)
        elif name == "Photon":
            kind, energy = 7, row["Photon.E"][k]
        else:
            kind = {"Electron": 3, "Muon": 5}[name] + (row[f"{name}.Charge"][k] == 1)
        yield kind, pt, eta, phi, energy


def test_every_value_of_the_real_file(real: Path) -> None:
    events = read(real, selection=EVERYTHING, chunk_events=7)
    expected = direct(real)
    assert len(events) == 25
    for i, event in enumerate(expected):
        assert events.met[i] == event["MissingET.MET"]
        assert events.met_phi[i] == event["MissingET.Phi"]
        assert events.weight[i] == event["Event.Weight"]
        assert events.event_id[i] == event["Event.Number"]
        n = len(event["objects"])
        assert n <= 20 and events.present[i].sum() == n
        assert sorted(events.order[i, :n]) == list(range(n))
        assert (np.diff(events.pt[i, :n]) <= 0).all()
        for k, place in enumerate(events.order[i, :n]):
            kind, pt, eta, phi, energy = event["objects"][place]
            assert events.type[i, k] == kind
            assert (events.pt[i, k], events.eta[i, k], events.phi[i, k]) == (pt, eta, phi)
            assert events.energy[i, k] == pytest.approx(energy, rel=1e-6)
    assert set(events.process) == {"delphes"}


def test_selection_of_the_real_file(real: Path) -> None:
    stored = {1: (20, 2.8), 2: (20, 2.8), 3: (15, 2.7), 4: (15, 2.7), 5: (15, 2.7), 6: (15, 2.7)}
    stored[7] = (20, 2.37)
    kept = []
    for event in direct(real):
        good = [
            o for o in event["objects"] if o[1] > stored[o[0]][0] and abs(o[2]) < stored[o[0]][1]
        ]
        jets, others = [o for o in good if o[0] < 3], [o for o in good if o[0] > 2]
        in_gap = [o for o in others if o[0] in (3, 4) and 1.37 < abs(o[2]) < 1.52]
        assert not in_gap and all(abs(o[2]) < 2.47 for o in others if o[0] in (3, 4))
        if any(o[1] > 60 for o in jets) or any(o[1] > 25 for o in others):
            kept.append((event["Event.Number"], len(good), sum(o[1] for o in jets)))
    events = read(real)
    found = zip(events.event_id, events.present.sum(axis=1), events.ht, strict=True)
    for (number, count, ht), expected in zip(found, kept, strict=True):
        assert (number, count) == expected[:2]
        assert ht == pytest.approx(expected[2])


def test_jets_of_the_real_file_are_those_that_fastjet_finds(real: Path) -> None:
    """The file stores what its jets were made from; anti-kt with R = 0.4 gives the jets again."""
    events = read(real, selection=EVERYTHING)
    compared = 0
    for i, candidates in enumerate(eflow_candidates(real)):
        definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
        inputs = [fastjet.PseudoJet(*values) for values in candidates.tolist()]
        sequence = fastjet.ClusterSequence(inputs, definition)
        found = np.array([(j.pt(), j.eta(), j.phi_std()) for j in sequence.inclusive_jets(10.0)])
        for k in np.flatnonzero(events.is_of(JETS)[i]):
            turn = (found[:, 2] - events.phi[i, k] + np.pi) % (2 * np.pi) - np.pi
            distance = np.hypot(found[:, 1] - events.eta[i, k], turn)
            assert distance.min() < 1e-3
            assert found[distance.argmin(), 0] == pytest.approx(events.pt[i, k], rel=1e-5)
            compared += 1
    assert compared == events.is_of(JETS).sum() > 100


def eflow_candidates(path: Path) -> Iterator[np.ndarray]:
    """Momenta (px, py, pz, E) of what the jets of each event are made from."""
    names = [f"{name}.{leaf}" for name, pt in EFLOW.items() for leaf in (pt, "Eta", "Phi")]
    with uproot.open(path) as file:
        columns = file["Delphes"].arrays([*names, "EFlowTrack.Mass"], how=dict)
    for i in range(len(columns["EFlowTrack.PT"])):
        parts = []
        for name, leaf in EFLOW.items():
            pt, eta, phi = (
                ak.to_numpy(columns[f"{name}.{x}"][i]).astype(float) for x in (leaf, "Eta", "Phi")
            )
            mass = ak.to_numpy(columns["EFlowTrack.Mass"][i]) if name == "EFlowTrack" else 0 * pt
            seen = np.abs(eta) < 50  # along the beam, Delphes writes 999.9
            pz = pt[seen] * np.sinh(eta[seen])
            energy = np.sqrt(pt[seen] ** 2 + pz**2 + mass[seen] ** 2)
            px, py = pt[seen] * np.cos(phi[seen]), pt[seen] * np.sin(phi[seen])
            parts.append(np.column_stack([px, py, pz, energy]))
        yield np.concatenate(parts)


def test_flat_trees_and_real_ones_give_the_same(real: Path, tmp_path: Path) -> None:
    with uproot.open(real) as file:
        columns = file["Delphes"].arrays([*REQUIRED, "Photon.E"], how=dict)
    collections = {}
    for name in ("Event", "MissingET", *COLLECTIONS):
        leaves = [key.split(".")[1] for key in columns if key.startswith(f"{name}.")]
        collections[name] = ak.zip({leaf: columns[f"{name}.{leaf}"] for leaf in leaves})
    path = write_tree(tmp_path / "delphes.root", collections)
    assert_same(read(path), read(real))


def test_columns_of_one_number_per_event_and_photons_without_energy(tmp_path: Path) -> None:
    photon = {"PT": 50.0, "Eta": 1.0, "E": 7.0}
    collections = collections_of([{"Photon": [photon], "met": 30}, GOOD])
    header = {
        "Event.Weight": np.array([0.5, 2.0]),
        "Event.Number": np.array([8, 9]),
        "MissingET.MET": np.array([30.0, 60.0]),
        "MissingET.Phi": np.array([1.0, 2.0]),
    }
    lists = {name: collections[name] for name in ("Jet", "Electron", "Muon")}
    lists["Photon"] = collections["Photon"][["PT", "Eta", "Phi"]]
    path = write_tree(tmp_path / "flat.root", {**lists, **header})
    events = read(path)
    assert (events.weight.tolist(), events.event_id.tolist()) == ([0.5, 2.0], [8, 9])
    assert events.energy[0, 0] == pytest.approx(50 * np.cosh(1.0))


def test_b_tags_charges_and_energies(tmp_path: Path) -> None:
    jets = [{**JET, "BTag": tag, "PT": 100.0 - tag} for tag in (0, 1, 2)]
    leptons = {
        name: [{"PT": pt, "Charge": charge, "Eta": 1.0} for pt, charge in ((40.0, -1), (30.0, 1))]
        for name in ("Electron", "Muon")
    }
    events = read(write_events(tmp_path / "a.root", [{"Jet": jets, **leptons}]))
    assert events.type[0, :8].tolist() == [1, 2, 2, 3, 5, 4, 6, 0]
    energy = np.hypot(100 * np.cosh(0.5), 10)
    assert events.energy[0, 0] == pytest.approx(energy)
    assert events.energy[0, 3] == pytest.approx(40 * np.cosh(1.0))


def test_several_files(tmp_path: Path) -> None:
    one = write_events(tmp_path / "one.v2.root", [GOOD, {}])
    two = write_events(tmp_path / "two.root", [GOOD] * 3)
    counts: Counter[str] = Counter(read=5)
    events = read([one, two], counts=counts)
    assert events.process.tolist() == ["one.v2"] + ["two"] * 3
    assert (counts["read"], counts["kept"]) == (10, 4)
    assert set(read([one, two], process="ttbar").process) == {"ttbar"}
    assert [len(chunk) for chunk in read_delphes([one, two], chunk_events=2)] == [1, 2, 1]


def irregular(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (irregular(met=0), NO_MET),
        (irregular(weight=0), WEIGHT),
        (irregular(weight=-1), WEIGHT),
        (irregular(met=np.nan), NOT_FINITE),
        (irregular(Jet=[JET, {**JET, "Eta": np.inf}]), NOT_FINITE),
        (irregular(Jet=[{**JET, "PT": np.nan}]), NOT_FINITE),
        (irregular(Muon=[{"PT": 3e38, "Eta": 9.0}]), NOT_FINITE),
        (irregular(Jet=[JET] * 21), SHORTENED),
    ],
)
def test_irregular_events(
    tmp_path: Path, event: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """They are counted and logged, and refused if there are many."""
    counts: Counter[str] = Counter()
    path = write_events(tmp_path / "a.root", [GOOD, event, GOOD])
    events = read(path, counts=counts, most_irregular=0.4)
    assert counts[reason] == 1 and counts["read"] == 3
    assert events.event_id.tolist() == ([0, 1, 2] if reason == SHORTENED else [0, 2])
    assert f"1 of 3 events are left out or shortened ({reason}: 1)" in caplog.text
    with pytest.raises(ValueError, match=r"a\.root: 1 of 3 events are left out .* fraction 0\.3;"):
        read(path, most_irregular=0.3)


def test_events_without_generator_particles(tmp_path: Path) -> None:
    sizes = np.array([3, 0, 5], dtype=np.int32)
    path = write_events(tmp_path / "a.root", [GOOD] * 3, Particle_size=sizes)
    counts: Counter[str] = Counter()
    assert read(path, counts=counts, most_irregular=0.5).event_id.tolist() == [0, 2]
    assert counts[NO_PARTICLES] == 1


def test_tree_is_missing(tmp_path: Path) -> None:
    path = write_tree(tmp_path / "a.root", collections_of([GOOD]), tree="events")
    with pytest.raises(ValueError, match=r"a\.root: there is no tree 'Delphes'; the file has even"):
        read(path)
    with uproot.recreate(path):
        pass
    with pytest.raises(ValueError, match=r"no tree 'Delphes'; the file has nothing"):
        read(path)


def test_missing_branches_are_named(tmp_path: Path) -> None:
    collections = collections_of([GOOD])
    del collections["Muon"]
    collections["Jet"] = collections["Jet"][["PT", "Eta", "Phi", "Mass"]]
    path = write_tree(tmp_path / "a.root", collections)
    lacking = "Jet.BTag, Muon.PT, Muon.Eta, Muon.Phi, Muon.Charge;"
    with pytest.raises(ValueError, match=rf"a\.root: the tree 'Delphes' lacks .* {lacking}"):
        read(path)


def test_empty_tree(tmp_path: Path) -> None:
    path = write_tree(tmp_path / "a.root", collections_of([GOOD])).with_name("b.root")
    with uproot.recreate(path) as file:
        file.mktree("Delphes", {"Jet_size": np.int32})
    with pytest.raises(ValueError, match=r"b\.root: the tree 'Delphes' is empty; check the run"):
        read(path)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_truncated_file(real: Path, tmp_path: Path, fraction: float) -> None:
    path = tmp_path / "cut.root"
    content = real.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match=r"cut\.root: .* damaged, cut off or out of reach"):
        read(path)


def test_damaged_baskets(tmp_path: Path) -> None:
    content = bytearray(write_events(tmp_path / "a.root", [GOOD] * 5000).read_bytes())
    content[2000 : len(content) // 2] = bytes(len(content) // 2 - 2000)
    (tmp_path / "a.root").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.root: "):
        read(tmp_path / "a.root")


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.root").write_text("17;ttbar;1;143207;-2.41133;")
    with pytest.raises(ValueError, match=r"a\.root: cannot be read; as a ROOT file it is damaged"):
        read(tmp_path / "a.root")
    with pytest.raises(ValueError, match=r"b\.root: no such file; correct the path"):
        read(tmp_path / "b.root")
    with pytest.raises(ValueError, match="this is a folder"):
        read(tmp_path)


def test_lists_of_different_length(tmp_path: Path) -> None:
    collections = collections_of([GOOD, GOOD])
    columns = {f"Jet.{leaf}": collections["Jet"][leaf] for leaf in collections["Jet"].fields}
    columns["Jet.Eta"] = ak.Array([[0.5], [0.5, 0.5]])
    del collections["Jet"]
    path = write_tree(tmp_path / "a.root", {**collections, **columns})
    with pytest.raises(ValueError, match=r"a\.root: event 2: Jet\.Eta has 2 values instead of 1"):
        read(path)


def test_branches_of_another_form(tmp_path: Path) -> None:
    collections = collections_of([GOOD, GOOD])
    collections["MissingET"] = ak.concatenate([collections["MissingET"]] * 2, axis=1)
    path = write_tree(tmp_path / "a.root", collections)
    with pytest.raises(ValueError, match=r"event 1: MissingET\.MET has 2 values instead of 1"):
        read(path)
    columns = {f"Muon.{leaf}": np.zeros(2) for leaf in ("PT", "Eta", "Phi", "Charge")}
    del collections["Muon"]
    collections["MissingET"] = collections["MissingET"][:, :1]
    path = write_tree(tmp_path / "b.root", {**collections, **columns})
    with pytest.raises(ValueError, match=r"b\.root: the branch Muon\.PT does not hold one list"):
        read(path)


def test_no_event_passes(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.root", [{"Jet": [{**JET, "PT": 30.0}]}] * 2)
    with pytest.raises(
        ValueError, match=r"a\.root: none of the 2 events passes .*trigger 2\); give"
    ):
        read(path)
    assert len(read(path, selection=Selection(trigger={}))) == 2


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Answers requests for parts of files, as servers of ROOT files do."""

    def do_GET(self) -> None:
        content = Path(self.translate_path(self.path)).read_bytes()
        ranges = self.headers["Range"].removeprefix("bytes=").split(",")
        if len(ranges) > 1:  # Not every server can answer these, so uproot must ask for each.
            self.send_error(400)
            return
        first, last = ranges[0].split("-")
        part = content[int(first) : int(last) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(_Ranges, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_remote_file(tmp_path: Path, address: str) -> None:
    path = write_events(tmp_path / "ttbar.root", [GOOD] * 3)
    assert_same(read(f"{address}/ttbar.root"), read(path))


def test_remote_file_out_of_reach() -> None:
    with pytest.raises(ValueError, match=r"http://127\.0\.0\.1:9/a\.root: cannot be read; .*reach"):
        read("http://127.0.0.1:9/a.root")
