"""What the study reads from its inputs files."""

from pathlib import Path

import numpy as np
import pytest

from hepdensity.models.inputs import InputsWriter, read_array
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.inputs import (
    GROUPS,
    Header,
    read_couplings,
    read_header,
    read_labels,
)

SIZES = {"test": 4, "validation": 3, "train": 10}


@pytest.fixture
def arrays() -> dict[str, dict[str, np.ndarray]]:
    """Arrays of each group, in addition to the events."""
    random = np.random.default_rng(1)
    return {
        group: {
            "alpha_s": random.uniform(0.08, 0.09, n),
            "helicities": random.choice([-1, 1], (n, 6)).astype(np.int8),
            "colour_order": np.tile(np.arange(6, dtype=np.int8), (n, 1)),
        }
        for group, n in SIZES.items()
    }


def write_inputs(path: Path, arrays: dict[str, dict[str, np.ndarray]], *lacking: str) -> Path:
    """Write the groups in another order, without some of the arrays."""
    header: dict[str, str | float] = {"sqrt_s": 3000.0, "mass": 607.7137, "source": "lhe"}
    with InputsWriter(path, layouts.angles(), {}, **header) as writer:
        for group in sorted(SIZES):
            rows = SIZES[group]
            kept = {name: array for name, array in arrays[group].items() if name not in lacking}
            writer.write(group, rows, 0, np.full((rows, 8), 0.5), **kept)
    return path


def test_header(tmp_path: Path, arrays: dict[str, dict[str, np.ndarray]]) -> None:
    path = write_inputs(tmp_path / "inputs.h5", arrays)
    assert read_header(path) == Header(3000.0, 607.7137, "lhe")


def test_labels(tmp_path: Path, arrays: dict[str, dict[str, np.ndarray]]) -> None:
    path = write_inputs(tmp_path / "inputs.h5", arrays)
    for group in GROUPS:
        helicities, order = read_labels(path, group)
        np.testing.assert_array_equal(helicities, arrays[group]["helicities"])
        np.testing.assert_array_equal(order, arrays[group]["colour_order"])


def test_couplings(tmp_path: Path, arrays: dict[str, dict[str, np.ndarray]]) -> None:
    path = write_inputs(tmp_path / "inputs.h5", arrays)
    couplings = [arrays[group]["alpha_s"] for group in GROUPS]
    np.testing.assert_array_equal(read_couplings(path, "validation"), couplings[1])
    np.testing.assert_array_equal(read_couplings(path), np.concatenate(couplings))
    assert len(read_couplings(path)) == sum(len(read_array(path, group)) for group in GROUPS)


@pytest.mark.parametrize("group", [None, "test"], ids=["all", "test"])
def test_no_couplings(
    tmp_path: Path, arrays: dict[str, dict[str, np.ndarray]], group: str | None
) -> None:
    path = write_inputs(tmp_path / "inputs.h5", arrays, "alpha_s")
    with pytest.raises(ValueError, match=r"inputs\.h5: the group test has no array alpha_s"):
        read_couplings(path, group)


@pytest.mark.parametrize("name", ["helicities", "colour_order"])
def test_no_labels(tmp_path: Path, arrays: dict[str, dict[str, np.ndarray]], name: str) -> None:
    path = write_inputs(tmp_path / "inputs.h5", arrays, name)
    with pytest.raises(ValueError, match=rf"inputs\.h5: the group train has no array {name}"):
        read_labels(path, "train")
