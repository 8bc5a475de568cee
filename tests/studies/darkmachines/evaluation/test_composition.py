"""Composition of background beside the real one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_channels import write_inputs

from hepdensity.studies.darkmachines.evaluation.composition import composition
from hepdensity.studies.darkmachines.real_composition import COMPOSITION

J, B, EM, MM, MP = 0, 1, 2, 4, 5
"""Types in the columns of an inputs file."""


def rows_of(*types: list[int], n_max: int = 8) -> np.ndarray:
    """Events with objects of given types."""
    table = np.full((len(types), 2 + 5 * n_max), np.nan)
    table[:, :2] = 4.0
    for row, kinds in zip(table, types, strict=True):
        row[2 : 2 + 4 * len(kinds)] = 1.0
        row[2 + 4 * n_max : 2 + 4 * n_max + len(kinds)] = kinds
    return table


def table_of(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    rows = composition({"inputs": [str(path)]}, {})
    return {(row["quantity"], row["value"]): row for row in rows}


def test_by_hand(tmp_path: Path) -> None:
    """Weights 1, 1 and 2; the last event has eight objects and is only counted by their number."""
    events = rows_of([J, J, MM], [J, B, MM, MP], [J] * 8)
    arrays = {"test": {"weight": np.array([1.0, 1.0, 2.0])}}
    found = table_of(write_inputs(tmp_path / "2b-max8.h5", {"test": events}, 8, arrays))
    assert found["objects", "3"]["fraction"] == 0.25
    assert found["objects", "8"]["fraction"] == 0.5
    assert found["objects", "3"]["error"] == pytest.approx(np.sqrt(0.75**2 + 5 * 0.25**2) / 4)
    assert found["jets", "2"]["fraction"] == 1.0
    assert found["b_jets", "1"]["fraction"] == found["leptons", "2"]["fraction"] == 0.5
    assert found["electrons_muons", "0e2m"]["fraction"] == 0.5
    assert found["electrons_muons", "0e2m"]["real_fraction"] == pytest.approx(0.688, abs=5e-4)
    assert found["electrons_muons", "2e0m"]["fraction"] == 0.0
    assert found["electrons_muons", "2e0m"]["pull"] < -40


def test_real_numbers_are_those_of_the_facts() -> None:
    """Facts: 2b has 0/1/2/3 b-jets in 59.8/26.0/13.8/.37 %; channel 1 has 31.7 % with 4 jets."""

    def percent(channel: str, quantity: str, value: str) -> float:
        counts = COMPOSITION[channel][quantity]
        return 100 * counts[value] / sum(counts.values())

    found = [percent("2b", "b_jets", str(number)) for number in range(4)]
    assert found == pytest.approx([59.8, 26.0, 13.8, 0.37], abs=0.05)
    assert percent("1", "jets", "4") == pytest.approx(31.7, abs=0.05)
    assert percent("2a", "electrons_muons", "1e2m") == pytest.approx(32.2, abs=0.05)
    assert sum(COMPOSITION["3"]["objects"].values()) == 8_544_111


def test_objects_that_the_view_drops_are_counted(tmp_path: Path) -> None:
    arrays = {"test": {"objects": np.array([5, 8, 13], dtype=np.int8)}}
    events = rows_of([J] * 5, [J] * 7, [J] * 7, n_max=7)
    found = table_of(write_inputs(tmp_path / "1-max7.h5", {"test": events}, 7, arrays))
    numbers = {value: row for (name, value), row in found.items() if name == "objects"}
    assert [numbers[value]["fraction"] for value in ("5", "8", "10")] == pytest.approx([1 / 3] * 3)
    assert numbers["10"]["real_fraction"] == pytest.approx(0.0042, abs=5e-5)
    assert sum(row["real_fraction"] for row in numbers.values()) == pytest.approx(1.0)
    assert found["jets", "5"]["fraction"] == 1.0


def test_a_channel_of_the_user_has_no_real_numbers(tmp_path: Path) -> None:
    path = write_inputs(tmp_path / "mine-max10.h5", {"test": rows_of([EM], n_max=10)}, 10)
    row = table_of(path)["leptons", "1"]
    assert (row["fraction"], row["real_fraction"], row["pull"]) == (1.0, None, None)


def test_a_view_of_few_objects_is_refused(tmp_path: Path) -> None:
    path = write_inputs(tmp_path / "1-max6.h5", {"test": rows_of([J], n_max=6)}, 6)
    with pytest.raises(ValueError, match="use a dataset of at least 7 objects"):
        table_of(path)
