"""The same density in log pT and in pT."""

from pathlib import Path

import numpy as np
import pytest
from fake_channels import FakeChannels, events

from hepdensity.evaluation.anomaly import signal_improvement
from hepdensity.studies.darkmachines.evaluation.coordinates import coordinates

SIZES = {"train": 5, "validation": 5, "test": 2000, "a": 500}


def pt_of(rows: np.ndarray) -> np.ndarray:
    return np.exp(rows[:, 2:18:4])


def test_values_are_those_of_the_density_in_pt(tmp_path: Path) -> None:
    """A density of independent log pT, which are normal: log p(pT) = log p(log pT) - log pT."""
    fake, random = FakeChannels(tmp_path), np.random.default_rng(1)
    groups = {name: events(random, n, 4, 1.0 + 0.5 * (name == "a")) for name, n in SIZES.items()}
    fake.add_inputs("1-max4", groups, 4)
    fake.signals["1"] = {"a": "final"}
    in_log_pt = {name: np.nansum(-((np.log(pt_of(rows)) - 4.2) ** 2), axis=1)
                 for name, rows in groups.items()}  # fmt: skip
    fake.add_run("1-max4", "flow", in_log_pt)
    (row,) = coordinates(fake.files, fake.settings())
    in_pt = {name: in_log_pt[name] - np.nansum(np.log(pt_of(rows)), axis=1)
             for name, rows in groups.items()}  # fmt: skip
    for scores, name in ((in_log_pt, "log_pt"), (in_pt, "pt")):
        expected = signal_improvement(-scores["test"], -scores["a"])
        assert row[f"auc_{name}"] == pytest.approx(expected.auc)
        assert row[f"max_si_{name}"] == pytest.approx(expected.max_si_resolved)
    assert row["auc_log_pt"] != pytest.approx(row["auc_pt"], abs=0.01)
    assert row["max_si_ratio"] == pytest.approx(row["max_si_pt"] / row["max_si_log_pt"])
    assert row["max_si_ratio_low"] <= row["max_si_ratio"] <= row["max_si_ratio_high"]


def test_without_a_resolved_value_there_is_no_ratio(tmp_path: Path) -> None:
    fake, random = FakeChannels(tmp_path), np.random.default_rng(1)
    groups = {name: events(random, min(n, 300), 4) for name, n in SIZES.items()}
    fake.add_inputs("1-max4", groups, 4)
    fake.signals["1"] = {"a": "final"}
    fake.add_run("1-max4", "flow", {n: random.normal(size=len(v)) for n, v in groups.items()})
    (row,) = coordinates(fake.files, fake.settings())
    assert row["max_si_pt"] is row["max_si_ratio"] is row["max_si_ratio_low"] is None
