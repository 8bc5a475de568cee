"""Tables of anomaly scores: columns, intervals, ceilings, exchange format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_channels import FakeChannels, events

from hepdensity.evaluation.anomaly import signal_improvement
from hepdensity.evaluation.scores import Scores
from hepdensity.files import read_table, write_table
from hepdensity.studies.darkmachines.evaluation.score_table import (
    anomaly_scores,
    challenge_format,
    fig14_max_si,
)

COLUMNS = [
    *("channel", "model", "permutation", "n_max", "n_train", "seed", "signal", "signal_role"),
    *("auc", "auc_low", "auc_high", "eps_s_1e2", "eps_s_1e3", "eps_s_1e4"),
    *("resolved_1e2", "resolved_1e3", "resolved_1e4"),
    *("max_si", "max_si_low", "max_si_high", "max_si_resolved", "ceiling_max_si"),
]
"""Those of the issue."""
SIZES = {"train": 5, "validation": 5, "test": 2000, "many": 1000, "few": 999}


def scores_of(seed: int, shift: float) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: random.normal(shift * (name in ("many", "few")), size=size)
        for name, size in SIZES.items()
    }


@pytest.fixture
def channels(tmp_path: Path) -> FakeChannels:
    fake, random = FakeChannels(tmp_path), np.random.default_rng(1)
    fake.add_inputs("1-max4", {name: events(random, n, 4) for name, n in SIZES.items()}, 4)
    fake.signals["1"] = {"many": "final", "few": "tuning"}
    log_p = {name: -values for name, values in scores_of(2, 1.0).items()}
    log_p["few"][:7] = -np.inf
    fake.add_run("1-max4", "flow", log_p, permutation="stochastic")
    known = scores_of(3, 2.0)
    arrays = {f"supervised@{name}": known[name] for name in ("many", "few")}
    arrays |= {f"supervised@test@{name}": known["test"] for name in ("many", "few")}
    fake.add_references("1", Scores(arrays, {"n_train@supervised": 77, "seed": 1}))
    return fake


def test_rows(channels: FakeChannels) -> None:
    rows = anomaly_scores(channels.files, channels.settings())
    assert [(row["model"], row["signal"]) for row in rows] == [
        *(("flow", "many"), ("flow", "few"), ("supervised", "many"), ("supervised", "few"))
    ]
    flow, supervised = rows[0], rows[2]
    expected = signal_improvement(scores_of(2, 1.0)["test"], scores_of(2, 1.0)["many"])
    assert flow["auc"] == expected.auc
    assert [flow[f"eps_s_1e{n}"] for n in (2, 3, 4)] == list(expected.eps_s.values())
    assert [flow[f"resolved_1e{n}"] for n in (2, 3, 4)] == [True, False, False]
    assert (flow["max_si"], flow["max_si_resolved"]) == (
        expected.max_si,
        expected.max_si_resolved,
    )
    assert (flow["n_background"], flow["n_signal"], flow["n_max"]) == (2000, 1000, 4)
    assert flow["events_above_1e2"] == 20.0
    for name in ("auc", "eps_s_1e2", "max_si", "max_si_resolved"):
        assert flow[f"{name}_low"] <= flow[name] <= flow[f"{name}_high"]
        assert flow[f"{name}_low"] < flow[f"{name}_high"]
    assert (supervised["n_train"], supervised["n_max"], supervised["dataset"]) == (77, None, None)
    assert (rows[1]["not_finite_signal"], rows[0]["not_finite_signal"]) == (7, 0)


def test_a_ceiling_needs_a_thousand_events(channels: FakeChannels) -> None:
    rows = anomaly_scores(channels.files, channels.settings())
    ceiling = rows[2]["max_si"]
    assert [row["ceiling_max_si"] for row in rows] == [ceiling, None, ceiling, None]
    assert rows[0]["ceiling_max_si_resolved"] == rows[2]["max_si_resolved"]


def test_unresolved_values_are_empty(channels: FakeChannels) -> None:
    random = np.random.default_rng(5)
    groups = {name: events(random, n, 4) for name, n in SIZES.items()}
    channels.add_inputs("2b-max4", groups, 4)
    channels.signals["2b"] = {"many": "final"}
    few = {name: values[:500] for name, values in scores_of(2, -1.0).items()}
    channels.add_run("2b-max4", "flow", few)
    (row,) = [row for row in anomaly_scores(channels.files, channels.settings())
              if row["channel"] == "2b"]  # fmt: skip
    assert row["max_si"] > 0
    assert [row[f"max_si_resolved{suffix}"] for suffix in ("", "_low", "_high")] == [None] * 3


@pytest.fixture
def table(channels: FakeChannels, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "darkmachines_scores.csv"
    write_table(path, anomaly_scores(channels.files, channels.settings()))
    return {"scores": path}


def test_columns_of_figure_14(table: dict[str, Any]) -> None:
    rows = fig14_max_si(table, {})
    assert all(list(row) == COLUMNS for row in rows)
    assert {row["channel"] for row in rows} == {"1"}
    assert rows[0]["permutation"] == "stochastic"


def test_exchange_format_of_the_challenge(table: dict[str, Any], tmp_path: Path) -> None:
    rows = challenge_format(table, {})
    write_table(tmp_path / "challenge.csv", rows)
    first = (tmp_path / "challenge.csv").read_text().splitlines()[:2]
    assert first[0] == "Signal,Model,Chan,AUC,1e-2,1e-3,1e-4"
    assert first[1].startswith("many,flow_N4_n100_seed1,1,0.7")
    assert rows[-1]["Model"] == "supervised_n77_seed1"
    full = read_table(table["scores"])
    assert rows[0]["1e-3"] == full[0]["eps_s_1e3"]
