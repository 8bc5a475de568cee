"""Settings of a training."""

import pytest

from hepdensity.training.settings import TrainingSettings

BLOCK = {
    "batch_size": 10,
    "learning_rate": 1e-3,
    "validation_interval": 25,
    "decay_factor": 0.5,
    "decay_patience": 50,
    "decay_threshold": 1e-4,
    "threshold_mode": "abs",
    "stop_factor": 1e-3,
    "max_validations": 100,
    "max_steps": 1000,
    "max_seconds": None,
    "checkpoint_seconds": 60,
    "device": "auto",
}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 1000),
        ({"max_steps": None}, 2500),
        ({"max_validations": None}, 1000),
        ({"max_validations": 10}, 250),
        ({"max_validations": None, "max_steps": None}, None),
    ],
    ids=["both", "validations", "steps", "fewer validations", "neither"],
)
def test_expected_steps(limits: dict[str, int | None], expected: int | None) -> None:
    assert TrainingSettings.from_config({**BLOCK, **limits}).expected_steps == expected


@pytest.mark.parametrize("change", [{"momentum": 0.9}, {}], ids=["unknown", "missing"])
def test_unfitting_keys_are_refused(change: dict[str, float]) -> None:
    block = {**BLOCK, **change}
    if not change:
        del block["device"]
    with pytest.raises(TypeError):
        TrainingSettings.from_config(block)
