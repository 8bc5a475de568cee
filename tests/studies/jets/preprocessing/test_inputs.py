"""Inputs files of jets: columns, groups, labels, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_jets import random_jets

from hepdensity.ingest.jet_file import JetWriter, read_jets
from hepdensity.models.inputs import group_sizes, read_array, read_layout
from hepdensity.physics.constituents import JetForm, JetWindow
from hepdensity.studies.jets.preprocessing.inputs import prepare_inputs

WINDOW = {"pt": [300, 900], "eta": 4.0}
SETTINGS: dict[str, Any] = {
    **{"constituents": 6, "window": WINDOW, "split": {"test": 4, "validation": 2}, "train": 10},
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    form = JetForm(8, window=JetWindow((300.0, 900.0), 4.0))
    found = {}
    for seed, name in enumerate(("qcd", "top", "zprime")):
        jets = random_jets(60, seed, form, label=name)
        jets = jets[form.window.contains(jets.jet)][:30]  # type: ignore[union-attr]
        assert len(jets) == 30
        found[name] = tmp_path / f"{name}.h5"
        with JetWriter(found[name], {}, form) as writer:
            writer.append(jets)
    return found


def prepared(files: dict[str, Path], path: Path, dataset: str) -> dict[str, Any]:
    return prepare_inputs(files, path, {**SETTINGS, "dataset": dataset}, {})


def test_columns_are_those_of_the_jets(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "qcd-leading3.h5"
    found = prepared(files, path, "qcd-leading3")
    layout, jets = read_layout(path), read_jets(files["qcd"])
    assert layout.particles == 3
    assert found["rows"] == {"train": 10, "validation": 2, "test": 4, "top": 4, "zprime": 4}
    assert group_sizes(path) == found["rows"]
    assert found["unused"] == {"qcd": 14, "top": 26, "zprime": 26}
    rows = read_array(path, "test")
    place = (jets.jet[:4, 0] - 300) / 600
    np.testing.assert_allclose(rows[:, 0], np.log(place / (1 - place)))
    place = (jets.jet[:4, 1] / 4 + 1) / 2
    np.testing.assert_allclose(rows[:, 1], np.log(place / (1 - place)))
    np.testing.assert_allclose(rows[:, 2], np.log(np.maximum(jets.jet[:4, 3], 0.1)))
    np.testing.assert_allclose(rows[:, 3], jets.constituents[:4, 0, 0])
    np.testing.assert_allclose(rows[:, 4], jets.constituents[:4, 0, 1])
    z = np.clip(jets.constituents[:4, 1, 2].astype(float) / jets.jet[:4, 0], 1e-5, 1 - 1e-4)
    np.testing.assert_allclose(rows[:, 8], np.log(z / (1 - z)), rtol=1e-6)
    number = np.minimum(jets.jet[:4, 4], 3)
    assert ((~np.isnan(rows[:, 3::3])).sum(axis=1) == number).all()
    assert (read_array(path, "train", "event_id") == jets.event_id[6:16]).all()


def test_coordinates_of_the_paper(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "qcd-paper.h5"
    prepared(files, path, "qcd-paper")
    jets, rows = read_jets(files["qcd"]), read_array(path, "test")
    z = np.clip(jets.constituents[:4, 0, 2].astype(float) / jets.jet[:4, 0], 1e-5, 1 - 1e-4)
    np.testing.assert_allclose(rows[:, 5], np.log1p(-z), rtol=1e-6)


def test_two_processes_take_turns(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "qcd-vs-top.h5"
    found = prepared(files, path, "qcd-vs-top")
    assert found["rows"] == {"train": 20, "validation": 4, "test": 8, "zprime": 4}
    assert group_sizes(path) == found["rows"]
    for group in ("train", "validation", "test"):
        labels = read_array(path, group)[:, -1]
        assert labels.tolist() == [0.0, 1.0] * (len(labels) // 2)
    plain = tmp_path / "top.h5.inputs"
    prepared(files, plain, "top")
    assert (read_array(path, "test")[1::2, :3] == read_array(plain, "test")[:, :3]).all()
    assert set(read_array(path, "zprime")[:, -1]) == {0.0}


def test_bad_input(files: dict[str, Path], tmp_path: Path) -> None:
    settings = {**SETTINGS, "dataset": "qcd", "constituents": 9}
    with pytest.raises(ValueError, match=r"qcd\.h5: jets keep 8 constituents, but 9 are wanted"):
        prepare_inputs(files, tmp_path / "a.h5", settings, {})
    narrow = {**SETTINGS, "dataset": "qcd", "window": {"pt": [599, 601], "eta": 2.0}}
    with pytest.raises(ValueError, match="jets are outside the window of 599 to 601 GeV"):
        prepare_inputs(files, tmp_path / "a.h5", narrow, {})
    twice = {**files, "again": tmp_path / "again.h5"}
    with JetWriter(twice["again"], {}, JetForm(8)) as writer:
        writer.append(read_jets(files["top"]))
    with pytest.raises(ValueError, match="again"):
        prepare_inputs(twice, tmp_path / "a.h5", {**SETTINGS, "dataset": "qcd"}, {})
    assert not (tmp_path / "a.h5").exists()
