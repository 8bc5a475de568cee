"""Jets of Delphes files: the jets that Delphes found itself, and what is done about bad files."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from delphes_files import write_tree
from made_up_jets import assert_same_jets

from hepdensity.ingest.delphes_jets import read_delphes_jets
from hepdensity.physics.constituents import ConstituentJets, JetForm, concatenated_jets
from hepdensity.physics.jet_finding import JetFinding

SOFT = JetFinding(min_pt=20.0, min_candidate_pt=0.0)


@pytest.fixture
def real(shared_data: Path) -> Path:
    path = shared_data / "delphes" / "delphes.root"
    if not path.is_file():
        pytest.skip(f"{path} not found")
    return path


def read(path: Path, **options: Any) -> ConstituentJets:
    return concatenated_jets(list(read_delphes_jets(path, **options)))


@pytest.mark.parametrize("name", ["04", "08"])
def test_jets_of_the_real_file_are_those_of_delphes(real: Path, name: str) -> None:
    """Delphes wrote its own anti-kt jets of the same candidates, of several radii."""
    jets = read(real, finding=JetFinding(int(name) / 10, 20.0, 0.0), chunk_events=7)
    leaves = ("PT", "Eta", "Phi", "Mass")
    with uproot.open(real) as file:
        columns = file["Delphes"].arrays([f"ParticleFlowJet{name}.{x}" for x in leaves], how=tuple)
    theirs = np.stack([ak.to_numpy(ak.flatten(column)) for column in columns], axis=1)
    event = np.repeat(np.arange(25), ak.num(columns[0]))
    assert len(theirs) > 100
    ours = np.empty((len(theirs), 4))
    for k, (i, jet) in enumerate(zip(event, theirs, strict=True)):
        of_event = jets.jet[jets.event_id == i]
        ours[k] = of_event[np.abs(of_event[:, 0] - jet[0]).argmin(), :4]
    np.testing.assert_allclose(ours[:, :3], theirs[:, :3], rtol=1e-4, atol=1e-4)
    # A few of their jets contain pions at rest, which have no direction and are absent in ours.
    extra = energy(theirs) - energy(ours)
    assert (np.abs(extra) < 2e-3).mean() > 0.9
    np.testing.assert_allclose(extra / PION_MASS, np.round(extra / PION_MASS), atol=0.02)


PION_MASS = 0.13957


def energy(jet: np.ndarray) -> np.ndarray:
    return np.hypot(jet[:, 0] * np.cosh(jet[:, 1]), jet[:, 3])


def test_chunks_do_not_change_the_jets(real: Path) -> None:
    counts: Counter[str] = Counter()
    whole = read(real, finding=SOFT, counts=counts, label="z")
    assert_same_jets(read(real, finding=SOFT, chunk_events=4, label="z"), whole)
    assert counts["read"] == counts["kept"] == len(whole)
    assert counts["candidates along the beam"] > 0
    assert (whole.jet_id[1:] == np.where(np.diff(whole.event_id), 0, whole.jet_id[:-1] + 1)).all()


def candidates(*events: list[tuple[float, float, float]]) -> ak.Array:
    names = ("PT", "Eta", "Phi")
    counts = [len(event) for event in events]
    flat = np.array([one for event in events for one in event], dtype=np.float32).reshape(-1, 3)
    return ak.zip({name: ak.unflatten(flat[:, i], counts) for i, name in enumerate(names)})


def heads(n: int, weight: float = 1.0) -> ak.Array:
    columns = {"Weight": np.full(n, weight, np.float32), "Number": np.arange(n)}
    return ak.zip({name: ak.unflatten(values, np.ones(n, int)) for name, values in columns.items()})


HARD = [(300.0, 0.1, 0.2), (250.0, 0.2, 0.1), (40.0, 0.0, 0.0), (0.4, 0.1, 0.1)]


def test_candidates_of_our_own_files(tmp_path: Path) -> None:
    path = write_tree(
        tmp_path / "a.root", {"Event": heads(3), "EFlow": candidates(HARD, [], HARD[:1])}
    )
    counts: Counter[str] = Counter()
    jets = read(path, form=JetForm(most=5), counts=counts)
    assert counts == {"read": 1, "kept": 1}
    assert jets.jet[0, 4] == 3  # the softest candidate does not count
    assert jets.constituents[0, :3, 2] == pytest.approx([300, 250, 40])
    assert (jets.label[0], jets.part[0], jets.event_id[0]) == ("a", -1, 0)


def broken(value: float, place: int) -> list[tuple[float, float, float]]:
    rows = [list(row) for row in HARD]
    rows[1][place] = value
    return [(row[0], row[1], row[2]) for row in rows]


def test_events_with_numbers_that_are_not_finite(tmp_path: Path) -> None:
    events = [HARD, broken(np.nan, 0), broken(np.inf, 2), broken(999.9, 1)]
    path = write_tree(tmp_path / "a.root", {"Event": heads(4), "EFlow": candidates(*events)})
    counts: Counter[str] = Counter()
    form = JetForm()
    jets = read(path, form=form, finding=SOFT, counts=counts, most_irregular=0.5)
    assert counts == {
        **{"read": 2, "kept": 2, "candidates along the beam": 1},
        "events, a number is not finite": 2,
    }
    assert jets.event_id.tolist() == [0, 3]
    assert jets.jet[1, 4] == 3
    with pytest.raises(ValueError, match=r"a\.root: 2 of 4 events are left out or shortened"):
        read(path)


def test_weights_of_zero(tmp_path: Path) -> None:
    path = write_tree(
        tmp_path / "a.root", {"Event": heads(2, 0.0), "EFlow": candidates(HARD, HARD)}
    )
    with pytest.raises(ValueError, match=r"2 of 2 jets are left out .*the weight is not positive"):
        read(path)


def test_jets_matched_to_tops(tmp_path: Path) -> None:
    columns: dict[str, list[float]] = {"PID": [6, 24, 5, 1, -2], "M1": [-1, 0, 0, 1, 1]}
    near = {"Eta": [0.1, 0.2, 0.5, 0.3, 0.2], "Phi": [0.1, 0.2, 0.3, 0.4, 0.5]}
    far = {**near, "Phi": [0.1, 0.2, 0.3, 0.4, 1.5]}
    kinds = {"PID": np.int32, "M1": np.int32}

    def particles(*events: dict[str, list[float]]) -> ak.Array:
        return ak.zip(
            {
                name: ak.unflatten(
                    np.concatenate([event[name] for event in events]).astype(
                        kinds.get(name, np.float32)
                    ),
                    [len(event[name]) for event in events],
                )
                for name in events[0]
            }
        )

    content = {
        "Event": heads(3),
        "EFlow": candidates(HARD, HARD, HARD),
        "Particle": particles(
            {**columns, **near}, {**columns, **far}, {name: [] for name in (*columns, *near)}
        ),
    }
    path = write_tree(tmp_path / "a.root", content)
    counts: Counter[str] = Counter()
    jets = read(path, matched=True, counts=counts)
    assert jets.event_id.tolist() == [0]
    assert counts == {"read": 3, "kept": 1, "not matched to a top quark": 2}
    assert len(read(path)) == 3
    del content["Particle"]
    path = write_tree(tmp_path / "b.root", content)
    with pytest.raises(ValueError, match=r"lacks the branches Particle.PID, .*or match no tops"):
        read(path, matched=True)


def no_candidates(content: dict[str, Any]) -> None:
    content["EFlowTrack"] = content.pop("EFlow")


def no_events(content: dict[str, Any]) -> None:
    del content["Event"]


def uneven(content: dict[str, Any]) -> None:
    content["EFlow.Phi"] = ak.Array([[0.1], [0.2]])
    content["EFlow.PT"], content["EFlow.Eta"] = (content["EFlow"][name] for name in ("PT", "Eta"))
    del content["EFlow"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            no_candidates,
            "the tree 'Delphes' has no energy-flow candidates, EFlowTrack, EFlowPhoton",
        ),
        (no_events, r"lacks the branches Event\.Weight, Event\.Number; keep them"),
        (uneven, r"event 1: EFlow\.Phi has 1 values instead of 4"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_files_that_lack_something(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    content: dict[str, Any] = {"Event": heads(2), "EFlow": candidates(HARD, HARD)}
    change(content)
    flat = {name: values for name, values in content.items() if "." in name}
    rest = {name: values for name, values in content.items() if "." not in name}
    with pytest.raises(ValueError, match=problem):
        read(write_tree(tmp_path / "a.root", rest, **flat))


def test_damaged_and_other_files(real: Path, tmp_path: Path) -> None:
    data = real.read_bytes()
    (tmp_path / "a.root").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"a\.root: .*damaged, cut off or out of reach"):
        read(tmp_path / "a.root", finding=SOFT)
    (tmp_path / "b.root").write_text("")
    with pytest.raises(ValueError, match=r"b\.root: cannot be read"):
        read(tmp_path / "b.root")
    with pytest.raises(ValueError, match="no such file"):
        read(tmp_path / "no.root")
    with pytest.raises(ValueError, match="there are no jets; give a file with jets"):
        read(real, finding=JetFinding(min_pt=1e4))
