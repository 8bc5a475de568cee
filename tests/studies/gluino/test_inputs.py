"""Reading inputs files."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from hepdensity.studies.gluino.preprocessing.inputs import (
    PARTS,
    Header,
    read_angles,
    read_couplings,
    read_header,
)

SIZES = {"test": 4, "validation": 3, "train": 10}


def write_inputs(path: Path, with_couplings: bool = True) -> Path:
    numbers = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file.attrs.update(sqrt_s=3000.0, mass=607.7137, source="lhe")
        for part, size in SIZES.items():
            file[f"{part}/angles"] = numbers.uniform(size=(size, 8))
            if with_couplings:
                file[f"{part}/alpha_s"] = numbers.uniform(0.08, 0.09, size)
    return path


def test_header(tmp_path: Path) -> None:
    header = read_header(write_inputs(tmp_path / "inputs.h5"))
    assert header == Header(3000.0, 607.7137, "lhe")


@pytest.mark.parametrize("part", PARTS)
def test_angles(tmp_path: Path, part: str) -> None:
    path = write_inputs(tmp_path / "inputs.h5")
    with h5py.File(path) as file:
        expected = file[part]["angles"][:]
    np.testing.assert_array_equal(read_angles(path, part), expected)
    np.testing.assert_array_equal(read_angles(path, part, 2), expected[:2])


def test_too_few_events(tmp_path: Path) -> None:
    path = write_inputs(tmp_path / "inputs.h5")
    assert len(read_angles(path, "train", 10)) == 10
    with pytest.raises(
        ValueError, match=r"inputs\.h5: 10 train events, but 11 are asked for; lower"
    ):
        read_angles(path, "train", 11)


def test_couplings(tmp_path: Path) -> None:
    path = write_inputs(tmp_path / "inputs.h5")
    with h5py.File(path) as file:
        parts = [file[part]["alpha_s"][:] for part in PARTS]
    np.testing.assert_array_equal(read_couplings(path, "validation"), parts[1])
    np.testing.assert_array_equal(read_couplings(path), np.concatenate(parts))


@pytest.mark.parametrize("part", [None, "test"], ids=["all", "test"])
def test_no_couplings(tmp_path: Path, part: str | None) -> None:
    path = write_inputs(tmp_path / "inputs.h5", with_couplings=False)
    with pytest.raises(ValueError, match="events without alpha_s have no known true density"):
        read_couplings(path, part)
