"""Scores of a channel are found by their paths, with the weights of the events."""

from pathlib import Path

import numpy as np
import pytest
from fake_channels import FakeChannels, events

from hepdensity.evaluation.anomaly import signal_improvement
from hepdensity.evaluation.scores import Scores
from hepdensity.evaluation.tail_scores import CombinedScore
from hepdensity.studies.darkmachines.evaluation.objects import Measure
from hepdensity.studies.darkmachines.evaluation.scored import all_scored, evaluated_scores

SIZES = {"train": 5, "validation": 400, "test": 1500, "a": 60, "b": 50}
LOG_P = {
    name: np.random.default_rng(number).normal(-2.0 * (name in "ab"), size=size)
    for number, (name, size) in enumerate(SIZES.items())
}
MET = {name: np.random.default_rng(9).exponential(size=size) for name, size in SIZES.items()}
WEIGHTS = np.random.default_rng(8).random(1500)


@pytest.fixture
def channels(tmp_path: Path) -> FakeChannels:
    fake, random = FakeChannels(tmp_path), np.random.default_rng(1)
    groups = {name: events(random, size, 4) for name, size in SIZES.items()}
    fake.add_inputs("2a-max4", groups, 4, {"test": {"weight": WEIGHTS}})
    fake.signals["2a"] = {"a": "tuning", "b": "final"}
    fake.add_run("2a-max4", "flow", LOG_P, permutation="sort")
    scores = {f"met@{name}": values for name, values in MET.items()}
    fake.add_references("2a", Scores(scores, {"n_train@met": 0, "seed": 4}))
    return fake


def test_every_score_once(channels: FakeChannels) -> None:
    settings = channels.settings(combinations={"flow-met": {"model": "flow", "with": ["met"]}})
    channels.files["scores"].reverse()
    flow, combined, met = all_scored(channels.files, settings)
    assert flow.label.columns() == {
        **{"channel": "2a", "model": "flow", "permutation": "sort", "n_max": 4},
        **{"n_train": 100, "seed": 1},
    }
    assert (flow.background["a"] == -LOG_P["test"]).all()
    assert (flow.signals["b"] == -LOG_P["b"]).all()
    assert flow.weights is not None and (flow.weights == WEIGHTS).all()
    assert flow.signal_weights == {"a": None, "b": None}
    assert (combined.label.model, combined.label.combined) == ("flow-met", ("met",))
    expected = CombinedScore.fit({"density": -LOG_P["validation"], "met": MET["validation"]})
    assert (combined.signals["a"] == expected({"density": -LOG_P["a"], "met": MET["a"]})).all()
    assert (met.label.model, met.label.family, met.label.seed) == ("met", "reference", 4)
    assert (met.background["b"] == MET["test"]).all()


def test_a_density_in_another_measure(channels: FakeChannels) -> None:
    """Alone or combined; it is ours even if the model is the paper's."""
    measure = {"pt": 2, "met": 1, "scale": 50}
    settings = channels.settings(
        combinations={
            "alone": {"model": "flow", "measure": measure, "with": []},
            "both": {"model": "flow", "measure": measure, "with": ["met"]},
        }
    )
    found = {one.label.model: one for one in all_scored(channels.files, settings)}
    (path,) = channels.files["inputs"]
    moved = {group: -LOG_P[group] + Measure(**measure).log_volume(path, group) for group in LOG_P}
    assert (found["alone"].background["a"] == moved["test"]).all()
    assert (found["alone"].signals["b"] == moved["b"]).all()
    assert not np.allclose(moved["b"], -LOG_P["b"])
    expected = CombinedScore.fit({"density": moved["validation"], "met": MET["validation"]})
    assert (found["both"].signals["b"] == expected({"density": moved["b"], "met": MET["b"]})).all()
    assert {name: one.label.combined for name, one in found.items() if name != "met"} == {
        **{"flow": (), "alone": (), "both": ("met",)},
    }
    assert (found["flow"].label.family, found["alone"].label.family) == ("paper", "ours")


def test_values_are_those_of_signal_improvement(channels: FakeChannels) -> None:
    for scored, results in evaluated_scores(channels.files, channels.settings()):
        for name, result in results.items():
            assert result.value == signal_improvement(
                scored.background[name], scored.signals[name], WEIGHTS
            )
            assert result.resampled.auc.shape == (20,)


def test_a_bound_is_known_for_the_first_events_only(channels: FakeChannels) -> None:
    """Weights and references are then those of the first events too."""
    first = {name: values[:40] for name, values in LOG_P.items()}
    channels.add_run("2a-max4", "bound", first)
    settings = channels.settings(combinations={"both": {"model": "bound", "with": ["met"]}})
    found = {one.label.model: one for one in all_scored(channels.files, settings)}
    for name in ("bound", "both"):
        weights = found[name].weights
        assert weights is not None and (weights == WEIGHTS[:40]).all()
        assert found[name].background["a"].shape == found[name].signals["a"].shape == (40,)


def test_impossible_events_have_an_infinite_score(channels: FakeChannels) -> None:
    impossible = {**LOG_P, "a": np.full(60, -np.inf)}
    channels.add_run("2a-max4", "mixture", impossible)
    found = {one.label.model: one for one in all_scored(channels.files, channels.settings())}
    assert (found["mixture"].signals["a"] == np.inf).all()


def test_a_channel_without_signals_has_no_scores(channels: FakeChannels) -> None:
    settings = channels.settings(signals={**channels.signals, "3": {}})
    assert {one.label.channel for one in all_scored(channels.files, settings)} == {"2a"}


def test_missing_files_are_named(channels: FakeChannels) -> None:
    settings = channels.settings(combinations={"x": {"model": "flow", "with": ["supervised"]}})
    with pytest.raises(ValueError, match="combination x: supervised cannot be combined"):
        list(all_scored(channels.files, settings))
    files = {**channels.files, "scores": []}
    with pytest.raises(ValueError, match=r"no score file of flow \(2a-max4\)"):
        list(all_scored(files, channels.settings()))
    settings = channels.settings(signals={"7": {"a": "final"}})
    with pytest.raises(ValueError, match="channel 7 has no inputs file"):
        list(all_scored(channels.files, settings))
