"""Medians and geometric means over signals, seeds, ceilings; and one score against another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_channels import FakeChannels, events

from hepdensity.evaluation.scores import Scores
from hepdensity.studies.darkmachines.evaluation.comparison import comparison
from hepdensity.studies.darkmachines.evaluation.score_table import anomaly_scores
from hepdensity.studies.darkmachines.evaluation.summary import summary

SIGNALS = {"s1": "final", "s2": "final", "s3": "final", "t1": "tuning"}
SIZES = {"train": 5, "validation": 1000, "test": 3000, **dict.fromkeys(SIGNALS, 1000)}
SHIFTS = dict(zip(SIGNALS, (0.6, 1.2, 1.8, 1.0), strict=True))
SHARED = {
    name: np.random.default_rng(number).normal(size=size)
    for number, (name, size) in enumerate(SIZES.items())
}


def scores_of(seed: int, power: float) -> dict[str, np.ndarray]:
    """Scores of the same events by models of different power are correlated."""
    random = np.random.default_rng(seed)
    return {
        name: 0.9 * SHARED[name] + 0.44 * random.normal(size=n) + power * SHIFTS.get(name, 0)
        for name, n in SIZES.items()
    }


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> FakeChannels:
    fake, random = FakeChannels(tmp_path_factory.mktemp("summary")), np.random.default_rng(1)
    fake.add_inputs("3-max8", {name: events(random, n, 8) for name, n in SIZES.items()}, 8)
    fake.signals["3"] = SIGNALS
    for model, family, power in (
        ("weak", "paper", 0.5),
        ("good", "paper", 0.8),
        ("own", "ours", 1.2),
    ):
        for seed in (1, 2, 3):
            log_p = {name: -v for name, v in scores_of(10 * seed, power).items()}
            fake.add_run("3-max8", model, log_p, seed=seed, family=family)
    met, known = scores_of(5, 0.7), scores_of(6, 1.8)
    arrays = {f"met@{name}": values for name, values in met.items()}
    arrays |= {f"supervised@{name}": known[name] for name in SIGNALS}
    arrays |= {f"supervised@test@{name}": known["test"] for name in SIGNALS}
    counts = {"n_train@met": 0, "n_train@supervised": 1005, "seed": 1}
    fake.add_references("3", Scores(arrays, counts))
    return fake


@pytest.fixture(scope="module")
def rows(channels: FakeChannels) -> list[dict[str, Any]]:
    return summary(channels.files, settings(channels))


def settings(channels: FakeChannels, **more: Any) -> dict[str, Any]:
    combinations = {"own-met": {"model": "own", "with": ["met"]}}
    return channels.settings(combinations=combinations, **{"draws": 60, **more})


def row_of(rows: list[dict[str, Any]], model: str, role: str = "final") -> dict[str, Any]:
    (row,) = [row for row in rows if (row["model"], row["signal_role"]) == (model, role)]
    return row


def test_medians_and_means_are_those_of_the_scores(
    channels: FakeChannels, rows: list[dict[str, Any]]
) -> None:
    table = anomaly_scores(channels.files, settings(channels))
    by_seed = [
        [
            row["max_si_resolved"]
            for row in table
            if (row["model"], row["seed"], row["signal_role"]) == ("good", seed, "final")
        ]
        for seed in (1, 2, 3)
    ]
    row = row_of(rows, "good")
    medians, means = np.median(by_seed, axis=1), np.exp(np.log(by_seed).mean(axis=1))
    assert (row["signals"], row["seeds"]) == (3, 3)
    assert row["median"] == pytest.approx(np.exp(np.log(medians).mean()))
    assert row["geometric_mean"] == pytest.approx(np.exp(np.log(means).mean()))
    assert row["geometric_mean_seed_spread"] == pytest.approx(np.log(means).std(ddof=1))
    for name in ("median", "geometric_mean"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_tuning_and_final_signals_are_kept_apart(rows: list[dict[str, Any]]) -> None:
    assert row_of(rows, "good", "tuning")["signals"] == 1
    assert {row["signal_role"] for row in rows} == {"tuning", "final"}


def test_fraction_of_the_ceiling(rows: list[dict[str, Any]]) -> None:
    ceiling = row_of(rows, "supervised")
    assert ceiling["fraction_of_ceiling"] == pytest.approx(1.0)
    assert ceiling["median_seed_spread"] is None
    own = row_of(rows, "own")
    expected = np.log(own["geometric_mean"] / 0.1) / np.log(ceiling["geometric_mean"] / 0.1)
    assert own["fraction_of_ceiling"] == pytest.approx(expected)
    assert own["ceilings"] == 3
    fractions = [row_of(rows, name)["fraction_of_ceiling"] for name in ("weak", "good", "own")]
    assert sorted(fractions) == fractions
    assert own["fraction_of_ceiling_low"] < expected < own["fraction_of_ceiling_high"]


@pytest.fixture(scope="module")
def compared(channels: FakeChannels) -> list[dict[str, Any]]:
    pairs = [["own", "paper"], ["own-met", "met"], ["own", "absent"], ["own", "own"]]
    return comparison(channels.files, settings(channels, compare=pairs))


def test_ratios(compared: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    row = next(row for row in compared if row["signal_role"] == "final")
    assert row["against_is"] == "good 3-max8 n100"
    own, good = row_of(rows, "own"), row_of(rows, "good")
    for name in ("median", "geometric_mean"):
        ratio = row[f"ratio_of_{name}s"]
        assert ratio == pytest.approx(own[name] / good[name])
        bounds = [row[f"ratio_of_{name}s{end}"] for end in ("_low2", "_low", "_high", "_high2")]
        assert sorted(bounds) == bounds
        assert bounds[1] < ratio < bounds[2]
    spreads = [one["geometric_mean_seed_spread"] for one in (own, good)]
    assert row["ratio_of_geometric_means_seed_error"] == pytest.approx(
        np.hypot(*spreads) / np.sqrt(3)
    )


def test_ratios_of_scores_of_the_same_events_are_sharper(
    compared: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    row = next(row for row in compared if row["signal_role"] == "final")
    paired = np.log(row["ratio_of_geometric_means_high"] / row["ratio_of_geometric_means_low"])
    alone = [
        np.log(one["geometric_mean_high"] / one["geometric_mean_low"])
        for one in (row_of(rows, "own"), row_of(rows, "good"))
    ]
    assert paired < 0.8 * np.hypot(*alone)
    same = next(row for row in compared if row["against"] == "own")
    assert same["ratio_of_medians_low"] == same["ratio_of_medians_high"] == 1.0


def test_way_to_the_ceiling(compared: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    row = next(row for row in compared if row["signal_role"] == "final")
    logs = [np.log(row_of(rows, name)["geometric_mean"]) for name in ("own", "good", "supervised")]
    expected = (logs[0] - logs[1]) / (logs[2] - logs[1])
    assert row["way_to_ceiling"] == pytest.approx(expected)
    assert row["way_to_ceiling_low"] < expected < row["way_to_ceiling_high"]


def test_what_does_not_exist_is_empty(compared: list[dict[str, Any]]) -> None:
    row = next(row for row in compared if row["against"] == "absent")
    assert (row["against_is"], row["signals"], row["ratio_of_medians"]) == (None, 0, None)


def test_the_best_is_chosen_on_tuning_signals_only(tmp_path: Path) -> None:
    """`weak` is better on the tuning signal, `good` on the final one."""
    fake, random = FakeChannels(tmp_path), np.random.default_rng(1)
    fake.add_inputs("3-max8", {name: events(random, n, 8) for name, n in SIZES.items()}, 8)
    fake.signals["3"] = {"s1": "final", "t1": "tuning"}
    for model, final, tuning in (("weak", 0.0, 2.0), ("good", 2.0, 0.0)):
        scores = scores_of(1, 0.0)
        scores["s1"], scores["t1"] = scores["s1"] + final, scores["t1"] + tuning
        fake.add_run("3-max8", model, {name: -values for name, values in scores.items()})
    pairs = fake.settings(compare=[["good", "paper"]])
    rows = comparison(fake.files, pairs)
    assert {row["against_is"] for row in rows} == {"weak 3-max8 n100"}
    fake.signals["3"] = {"s1": "final"}
    (row,) = comparison(fake.files, pairs)
    assert row["against_is"] is None, "without tuning signals there is no fair choice"
