"""Files of jets: what is written is read, and jets that contradict themselves are refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from made_up_jets import assert_same_jets, random_jets

from hepdensity.files import read_provenance
from hepdensity.ingest.jet_file import (
    JetWriter,
    count_jets,
    iterate_jets,
    read_counts,
    read_form,
    read_jets,
)
from hepdensity.ingest.jet_repeats import refuse_repeated_jets
from hepdensity.physics.constituents import ConstituentJets, JetForm, concatenated_jets

FORM = JetForm(most=12, jet_from="kept")


def written(path: Path, *parts: ConstituentJets, form: JetForm = FORM) -> Path:
    with JetWriter(path, {"seed": 3}, form) as writer:
        for part in parts:
            writer.append(part)
        writer.describe({"read": 300, "kept": sum(map(len, parts))})
    return path


@pytest.fixture
def parts() -> list[ConstituentJets]:
    return [
        random_jets(280, 1, FORM, part=2),
        random_jets(5, 2, FORM)[:0],
        random_jets(20, 3, FORM, label=np.resize(["top", "Zγ"], 20), weight=0.5),
    ]


def test_round_trip_in_slices(tmp_path: Path, parts: list[ConstituentJets]) -> None:
    path = written(tmp_path / "jets.h5", *parts)
    jets = concatenated_jets(parts)
    assert count_jets(path) == 300
    assert_same_jets(read_jets(path), jets)
    assert_same_jets(read_jets(path, 270, 290), jets[270:290])
    chunks = list(iterate_jets(path, chunk_jets=130))
    assert [len(chunk) for chunk in chunks] == [130, 130, 40]
    assert_same_jets(concatenated_jets(chunks), jets)
    assert read_provenance(path) == {"seed": 3}
    assert read_form(path) == FORM
    assert read_counts(path) == {"read": 300, "kept": 300}


def test_format(tmp_path: Path, parts: list[ConstituentJets]) -> None:
    """Other programs can read the file without this library."""
    with h5py.File(written(tmp_path / "jets.h5", *parts)) as file:
        assert {name: (file[name].dtype.str, file[name].shape[1:]) for name in file} == {
            "constituents": ("<f4", (12, 3)),
            "jet": ("<f8", (5,)),
            "label": (file["label"].dtype.str, ()),
            "weight": ("<f8", ()),
            "event_id": ("<i8", ()),
            "jet_id": ("<i8", ()),
            "part": ("|i1", ()),
        }
        assert file["label"].asstr()[281] == "Zγ"
        assert file.attrs["jet_from"] == "kept"


def test_file_without_jets(tmp_path: Path) -> None:
    path = written(tmp_path / "jets.h5")
    assert len(read_jets(path)) == 0
    assert list(iterate_jets(path)) == []


def test_nothing_is_left_after_an_error(tmp_path: Path, parts: list[ConstituentJets]) -> None:
    with pytest.raises(RuntimeError), JetWriter(tmp_path / "jets.h5", {}, FORM) as writer:
        writer.append(parts[0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def changed(jets: ConstituentJets, name: str, place: object, value: float) -> ConstituentJets:
    values = getattr(jets, name).copy()
    values[place] = value
    return replace(jets, **{name: values})


CONTRADICTIONS = [
    ("constituents", (3, 0, 0), np.nan, "a constituent has some coordinates and lacks others"),
    ("constituents", (3, 0), np.nan, "a constituent follows an absent one"),
    ("constituents", (3,), np.nan, "there are no constituents"),
    ("constituents", (3, 0, 1), np.inf, "a number is not finite"),
    ("constituents", (3, 1, 2), 0.0, "a constituent has no pT"),
    ("constituents", (3, 1, 2), 1e4, "constituents are not sorted by pT"),
    ("jet", (3, 4), 1.0, "the number n is not that of the constituents"),
    ("jet", (3, 1), np.nan, "a number is not finite"),
    ("jet", (3, 3), -1.0, "pT or mass is negative"),
    ("jet", (3, 0), 0.0, "pT or mass is negative"),
    ("weight", 3, np.nan, "a number is not finite"),
    ("part", 3, 3, "the part has no name"),
]


@pytest.mark.parametrize(
    ("name", "place", "value", "problem"),
    CONTRADICTIONS,
    ids=[f"{name}-{value}-{problem[:20]}" for name, _, value, problem in CONTRADICTIONS],
)
def test_jets_that_contradict_themselves(
    tmp_path: Path, name: str, place: object, value: float, problem: str
) -> None:
    jets = random_jets(6, 1, FORM)
    assert jets.jet[3, 4] >= 3
    bad = changed(jets, name, place, value)
    with pytest.raises(ValueError, match=rf"a\.h5: jet 10: {problem}; give a file"):
        written(tmp_path / "a.h5", jets, bad)
    assert list(tmp_path.iterdir()) == []
    path = written(tmp_path / "b.h5", jets, jets)
    with h5py.File(path, "r+") as file:
        file[name][6:] = getattr(bad, name)
    with pytest.raises(ValueError, match=rf"b\.h5: jet 10: {problem}"):
        list(iterate_jets(path, chunk_jets=4))


def delete(file: h5py.File) -> None:
    del file["weight"]


def shorten(file: h5py.File) -> None:
    file["part"].resize(3, axis=0)


def reshape(file: h5py.File) -> None:
    del file["constituents"]
    file["constituents"] = np.zeros((6, 12))


def forget(file: h5py.File) -> None:
    del file.attrs["jet_from"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (delete, "not a file of jets, weight missing"),
        (shorten, r"part has the shape \(3,\) instead of 6 times \(\)"),
        (reshape, r"constituents has the shape \(6, 12\)"),
        (forget, "the attribute jet_from is not all or kept"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_layouts(tmp_path: Path, change: Callable[[h5py.File], None], problem: str) -> None:
    path = written(tmp_path / "jets.h5", random_jets(6, 1, FORM))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=rf"jets\.h5: {problem}"):
        read_jets(path)


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.h5: no such file"):
        read_jets(tmp_path / "no.h5")
    (tmp_path / "a.h5").write_text("text")
    with pytest.raises(ValueError, match=r"a\.h5: cannot be opened as HDF5"):
        count_jets(tmp_path / "a.h5")
    path = written(tmp_path / "b.h5", random_jets(400, 1, FORM))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"b\.h5: cannot be opened as HDF5 .*truncated"):
        read_jets(path)


def test_damaged_data(tmp_path: Path) -> None:
    path = written(tmp_path / "jets.h5", random_jets(600, 1, FORM))
    data = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        stored = file["constituents"].id.get_chunk_info(1)
    data[stored.byte_offset : stored.byte_offset + 40] = bytes(40)
    path.write_bytes(data)
    assert len(read_jets(path, 0, 200)) == 200
    with pytest.raises(ValueError, match=r"jets\.h5: constituents is damaged or cut off"):
        list(iterate_jets(path, chunk_jets=200))


def test_wrong_jets_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"jets have 100 places .*, and the file has 12"):
        written(tmp_path / "jets.h5", random_jets(3, 1))
    with pytest.raises(ValueError, match=r"'x{65}' has more than 64 bytes; use a shorter name"):
        written(tmp_path / "jets.h5", random_jets(3, 1, FORM, label="x" * 65))


def test_repeated_jets(tmp_path: Path) -> None:
    one = written(tmp_path / "a.h5", random_jets(50, 1, FORM))
    other = written(tmp_path / "b.h5", random_jets(50, 2, FORM))
    refuse_repeated_jets([one, other])
    again = written(
        tmp_path / "c.h5", random_jets(20, 3, FORM), random_jets(50, 1, FORM, label="x")
    )
    with pytest.raises(
        ValueError, match=r"c\.h5: jet 21: it has the same constituents as jet 1 of"
    ):
        refuse_repeated_jets([one, other, again])
    with pytest.raises(ValueError, match=r"the same file as .*; list it only once"):
        refuse_repeated_jets([one, one])
