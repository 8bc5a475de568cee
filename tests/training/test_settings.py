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


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"schedule": "constant"},
            r"max_steps, training\.max_validations or training\.max_seconds",
        ),
        (
            {"schedule": "cosine", "schedule_steps": 10},
            r"max_steps, training\.max_validations or training\.max_seconds",
        ),
        ({"schedule": "cosine", "max_seconds": 1}, r"training\.schedule_steps or training\.max_st"),
        (
            {"schedule": "cosine", "max_steps": 10, "warmup_steps": 10},
            r"training\.warmup_steps \(10\) must be less than .* \(10\)",
        ),
        ({"warmup_steps": 5, "max_steps": 10}, r"training\.warmup_steps needs training\.schedule"),
    ],
    ids=["constant", "cosine", "no length", "all warm-up", "plateau"],
)
def test_settings_that_contradict_each_other_are_refused(
    change: dict[str, float], named: str
) -> None:
    free = {**BLOCK, "max_steps": None, "max_validations": None}
    with pytest.raises(ValueError, match=named):
        TrainingSettings.from_config({**free, **change})


def test_a_cosine_is_as_long_as_the_training_unless_it_says_otherwise() -> None:
    block = {**BLOCK, "schedule": "cosine"}
    assert TrainingSettings.from_config(block).cosine_steps == 1000
    longer = TrainingSettings.from_config({**block, "schedule_steps": 2000})
    assert longer.cosine_steps == 2000
    assert not longer.cosine_ended(1000)
    assert longer.cosine_ended(2000)
