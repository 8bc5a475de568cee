"""The training loop: stop rules, model selection, reproducibility and resuming."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import DensityModel
from hepdensity.models.flows.flow import spline_flow
from hepdensity.training.loop import TrainingResult, train
from hepdensity.training.settings import TrainingSettings
from model_events import plain_layout

SETTINGS = TrainingSettings(
    batch_size=64,
    learning_rate=1e-2,
    validation_interval=5,
    decay_factor=0.5,
    decay_patience=50,
    decay_threshold=1e-4,
    threshold_mode="abs",
    stop_factor=1e-3,
    max_validations=100,
    max_steps=60,
    max_seconds=None,
    checkpoint_seconds=1e9,
    device="cpu",
)


class Given(DensityModel):
    """A model whose validation losses are given; its one parameter counts the training steps."""

    bound = False

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.losses = iter(losses)
        self.weight = nn.Parameter(torch.zeros(1))

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        if self.training:
            return self.weight.sum()
        return torch.tensor(next(self.losses))

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        raise NotImplementedError

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        raise NotImplementedError

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        raise NotImplementedError


def skewed(n: int, seed: int) -> Tensor:
    return torch.rand(n, 4, generator=Generator().manual_seed(seed)) ** 2


def flow() -> DensityModel:
    return spline_flow(
        layout=plain_layout(2),
        permutation="stochastic",
        layers=2,
        bins=4,
        residual_blocks=1,
        units_per_dim=4,
        seed=1,
    )


def run(path: Path, model: DensityModel | None = None, **changes: object) -> TrainingResult:
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    given = flow() if model is None else model
    return train(given, skewed(200, 0), skewed(100, 1), settings, 3, path / "c.safetensors", "id")


def without_time(result: TrainingResult) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in result.history]


def test_training_lowers_the_loss_and_keeps_the_best_weights(tmp_path: Path) -> None:
    model = flow()
    result = run(tmp_path, model)
    losses = [row["validation_loss"] for row in result.history]
    assert losses[-1] < losses[0] - 0.3
    assert result.best_loss == min(losses)
    assert result.best_steps == [result.history[losses.index(min(losses))]["step"]]
    assert result.ended_by == "steps"
    assert result.steps == 60
    assert [row["step"] for row in result.history] == list(range(5, 65, 5))


def test_best_weights_are_those_of_the_lowest_validation(tmp_path: Path) -> None:
    model = Given([3.0, 1.0, 2.0, 2.5])
    result = run(tmp_path, model, max_steps=20, learning_rate=1.0)
    assert result.best_steps == [10]
    # Adam moves a constant gradient's parameter by the learning rate at each step.
    assert model.weight.item() == pytest.approx(-10, rel=1e-3)


class TwoFactors(Given):
    """Two factors, each with given validation losses and a weight that counts the steps."""

    def __init__(self, first: list[float], second: list[float], share: bool = False) -> None:
        super().__init__([])
        self.pairs = iter(zip(first, second, strict=True))
        self.one, self.two = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        if share:
            self.two = self.one
        del self.weight
        for module in (self.one, self.two):
            nn.init.zeros_(module.weight)

    def factors(self) -> list[list[nn.Module]]:
        return [[self.one], [self.two]]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        if self.training:
            return torch.stack([self.one.weight.sum(), self.two.weight.sum()])
        return torch.tensor(next(self.pairs))


def test_each_factor_keeps_its_own_best_weights(tmp_path: Path) -> None:
    model = TwoFactors([3.0, 1.0, 2.0, 2.5], [9.0, 8.0, 7.0, 6.0])
    result = run(tmp_path, model, max_steps=20, learning_rate=1.0)
    assert result.best_steps == [10, 20]
    assert result.best_loss == 7
    assert [row["validation_loss"] for row in result.history] == [12, 9, 9, 8.5]
    assert model.one.weight.item() == pytest.approx(-10, rel=1e-3)
    assert model.two.weight.item() == pytest.approx(-20, rel=1e-3)


def test_a_factor_on_a_plateau_slows_down_alone(tmp_path: Path) -> None:
    model = TwoFactors([1.0] * 8, [float(8 - i) for i in range(8)])
    result = run(tmp_path, model, max_steps=40, learning_rate=1.0, decay_patience=1)
    assert result.best_steps == [5, 40]
    assert result.history[-1]["learning_rate"] == 1
    assert model.two.weight.item() == pytest.approx(-40, rel=1e-3)


def test_shared_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="each parameter must belong to one"):
        run(tmp_path, TwoFactors([1.0], [1.0], share=True))


def test_same_seed_same_result(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    assert without_time(first) == without_time(second)


@pytest.mark.parametrize("killed_at", [1, 4, 7])
def test_resumed_training_ends_like_an_uninterrupted_one(tmp_path: Path, killed_at: int) -> None:
    whole_model = flow()
    whole = run(tmp_path / "whole", whole_model)

    class Killed(Exception):
        pass

    rows = []

    def kill(row: dict[str, float]) -> None:
        rows.append(row)
        if len(rows) > killed_at:
            raise Killed

    settings = dataclasses.replace(SETTINGS, checkpoint_seconds=-1.0)
    arguments = (skewed(200, 0), skewed(100, 1), settings, 3, tmp_path / "c.safetensors", "id")
    with pytest.raises(Killed):
        train(flow(), *arguments, report=kill)
    later: list[dict[str, float]] = []
    model = flow()
    resumed = train(model, *arguments, report=later.append)
    assert later[0]["step"] == 5 * (killed_at + 1)
    assert without_time(resumed) == without_time(whole)
    for name, value in whole_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_checkpoint_of_another_training_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    settings = dataclasses.replace(SETTINGS, checkpoint_seconds=-1.0)
    data = (skewed(200, 0), skewed(100, 1), settings, 3, path)
    train(flow(), *data, "one training")
    assert path.exists()
    rows: list[dict[str, float]] = []
    train(flow(), *data, "another training", report=rows.append)
    assert rows[0]["step"] == 5


def test_ends_after_the_learning_rate_has_decayed_away(tmp_path: Path) -> None:
    model = Given([-1.0] + [-1.00001] * 100)
    result = run(tmp_path, model, decay_patience=2, max_steps=None)
    assert result.ended_by == "learning rate"
    # Ten halvings, each after three validations without improvement, the first being one.
    assert len(result.history) == 31
    assert result.history[-1]["learning_rate"] == pytest.approx(SETTINGS.learning_rate / 1024)


def test_relative_threshold_never_fires_for_negative_losses(tmp_path: Path) -> None:
    losses = [-1.6] * 40
    absolute = run(tmp_path, Given(losses), decay_patience=2, max_steps=None, max_validations=40)
    relative = run(
        tmp_path,
        Given(losses),
        decay_patience=2,
        max_steps=None,
        max_validations=40,
        threshold_mode="rel",
    )
    assert absolute.ended_by == "learning rate"
    assert relative.ended_by == "validations"
    assert relative.history[-1]["learning_rate"] == SETTINGS.learning_rate


def test_ends_at_validations_and_at_seconds(tmp_path: Path) -> None:
    assert run(tmp_path, max_validations=3).ended_by == "validations"
    assert run(tmp_path, max_seconds=0.0).ended_by == "seconds"


def test_no_limit_on_validations(tmp_path: Path) -> None:
    assert run(tmp_path, max_validations=None, max_steps=10).ended_by == "steps"


def test_diverging_training_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"before step 5.*learning_rate"):
        run(tmp_path, Given([math.nan]))


def test_validation_noise_is_the_same_each_time(tmp_path: Path) -> None:
    result = run(tmp_path, learning_rate=1e-12, max_steps=20)
    losses = [row["validation_loss"] for row in result.history]
    assert max(losses) - min(losses) < 1e-5


def test_data_set_smaller_than_a_batch_is_used_whole(tmp_path: Path) -> None:
    assert run(tmp_path, batch_size=1000, max_steps=10).steps == 10
