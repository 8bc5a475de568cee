"""Inputs of samples with a known density."""

from pathlib import Path

import numpy as np
import pytest

from hepdensity.evaluation.samples import Samples, write_samples
from hepdensity.models.inputs import read_array, read_layout
from hepdensity.models.layout import Layout
from hepdensity.studies.jets.layouts import layout_of
from hepdensity.studies.jets.preprocessing.known import prepare_known

LAYOUT = layout_of("logit", 2)
SETTINGS = {"split": {"test": 3, "validation": 2}, "train": 4}


def samples(path: Path, seed: int, n: int = 12, layout: Layout = LAYOUT) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, layout.features))
    write_samples(path, Samples(rows, n, layout), {})
    return rows


def test_groups(tmp_path: Path) -> None:
    qcd, top = samples(tmp_path / "qcd.h5", 1), samples(tmp_path / "top.h5", 2)
    path = tmp_path / "qcd-known.h5"
    others = {"top": tmp_path / "top.h5"}
    found = prepare_known(tmp_path / "qcd.h5", others, path, SETTINGS, {})
    assert found == {"rows": {"test": 3, "validation": 2, "train": 4, "top": 3}}
    assert read_layout(path) == LAYOUT
    parts = [read_array(path, name) for name in ("test", "validation", "train")]
    assert (np.concatenate(parts) == qcd[:9]).all()
    assert (read_array(path, "top") == top[:3]).all()


def test_bad_input(tmp_path: Path) -> None:
    samples(tmp_path / "qcd.h5", 1)
    few, other = tmp_path / "few.h5", tmp_path / "other.h5"
    samples(few, 2, n=2)
    samples(other, 3, layout=layout_of("log", 2))
    path = tmp_path / "a.h5"
    with pytest.raises(ValueError, match=r"few\.h5: 2 samples, but 3 are needed; raise samples"):
        prepare_known(tmp_path / "qcd.h5", {"top": few}, path, SETTINGS, {})
    with pytest.raises(ValueError, match="have different layouts; draw both anew"):
        prepare_known(tmp_path / "qcd.h5", {"top": other}, path, SETTINGS, {})
    with pytest.raises(ValueError, match="there are 12 events, but 25 are needed"):
        prepare_known(tmp_path / "qcd.h5", {}, path, {**SETTINGS, "train": 20}, {})
    assert not path.exists()
