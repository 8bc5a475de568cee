"""The training loop: stop rules, model selection, reproducibility and resuming."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import DensityModel, Trainable
from hepdensity.models.flows.flow import spline_flow
from hepdensity.models.layout import Column, Layout
from hepdensity.training.loop import TrainingResult, train
from hepdensity.training.settings import TrainingSettings
from hepdensity.walltime import AGAIN, Walltime

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


PAIR = Layout(event=(), particle=(Column("x"), Column("y")), particles=2)


class Given(DensityModel):
    """A model with given validation losses; its only parameter counts the training steps."""

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
        layout=PAIR,
        permutation="stochastic",
        layers=2,
        bins=4,
        residual_blocks=1,
        units_per_dim=4,
        seed=1,
    )


def run(path: Path, model: Trainable | None = None, **changes: Any) -> TrainingResult:
    settings = dataclasses.replace(SETTINGS, **changes)
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
    # For a constant gradient, Adam changes the parameter by the learning rate at each step.
    assert model.weight.item() == pytest.approx(-10, rel=1e-3)


class TwoFactors(Given):
    """Two factors, each with given validation losses and a weight that counts steps."""

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
    with pytest.raises(ValueError, match="each parameter must belong to exactly one"):
        run(tmp_path, TwoFactors([1.0], [1.0], share=True))


def test_same_seed_same_result(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    assert without_time(first) == without_time(second)


class Killed(Exception):
    pass


def assert_resumes_exactly(
    path: Path, killed_at: int, build: Callable[[], Trainable] = flow, **changes: Any
) -> None:
    """A killed and resumed training gives the same history and weights as an uninterrupted one."""
    whole_model = build()
    whole = run(path / "whole", whole_model, **changes)
    rows = []

    def kill(row: dict[str, float]) -> None:
        rows.append(row)
        if len(rows) > killed_at:
            raise Killed

    settings = dataclasses.replace(SETTINGS, checkpoint_seconds=-1.0, **changes)
    arguments = (skewed(200, 0), skewed(100, 1), settings, 3, path / "c.safetensors", "id")
    with pytest.raises(Killed):
        train(build(), *arguments, report=kill)
    later: list[dict[str, float]] = []
    model = build()
    resumed = train(model, *arguments, report=later.append)
    assert later[0]["step"] == 5 * (killed_at + 1)
    assert without_time(resumed) == without_time(whole)
    assert (resumed.best_steps, resumed.ended_by) == (whole.best_steps, whole.ended_by)
    for name, value in whole_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


@pytest.mark.parametrize("killed_at", [1, 4, 7])
def test_resumed_training_ends_like_an_uninterrupted_one(tmp_path: Path, killed_at: int) -> None:
    assert_resumes_exactly(tmp_path, killed_at)


def test_job_that_ends_before_its_walltime_is_continued(tmp_path: Path) -> None:
    """Each job trains up to one validation, and the last one ends the training."""
    whole_model = flow()
    whole = run(tmp_path / "whole", whole_model, max_steps=15)
    settings = dataclasses.replace(SETTINGS, max_steps=15)
    arguments = (skewed(200, 0), skewed(100, 1), settings, 3, tmp_path / "c.safetensors", "id")
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            train(flow(), *arguments, walltime=Walltime(0.0))
        assert ended.value.code == AGAIN
    model = flow()
    resumed = train(model, *arguments, walltime=Walltime(0.0))
    assert without_time(resumed) == without_time(whole)
    for name, value in whole_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


SCHEDULES: dict[str, dict[str, Any]] = {
    "plateau": {"decay_patience": 0, "decay_threshold": 0.05},
    "cosine": {"schedule": "cosine", "warmup_steps": 8, "schedule_steps": 35, "final_factor": 0.1},
    "constant": {"schedule": "constant", "warmup_steps": 25},
}


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "adamax"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("clip_norm", [None, 0.5], ids=["unclipped", "clipped"])
@pytest.mark.parametrize("ema_decay", [None, 0.95], ids=["last weights", "averages"])
def test_every_setting_is_resumed_exactly(
    tmp_path: Path,
    optimiser: str,
    schedule: str,
    clip_norm: float | None,
    ema_decay: float | None,
) -> None:
    changes: dict[str, Any] = {
        "optimiser": optimiser,
        "clip_norm": clip_norm,
        "ema_decay": ema_decay,
    }
    changes |= {**SCHEDULES[schedule], "weight_decay": 0.1, "max_steps": 40}
    assert_resumes_exactly(tmp_path, 2, **changes)


class Regression(Trainable):
    """A line fitted to points: a trainable need not be a density model."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(3, 1)
        self.register_buffer("mean", torch.zeros(4))

    def prepare(self, training: Tensor) -> None:
        self.mean = training.mean(dim=0)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        centred = batch - self.mean
        return (self.line(centred[:, :3])[:, 0] - centred[:, 3]).square().mean()


class Regressions(Trainable):
    """Two lines fitted to points, without common weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.one, self.two = Regression(), Regression()

    def factors(self) -> list[list[nn.Module]]:
        return [[self.one], [self.two]]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        noise = torch.randn(batch.shape, generator=generator)
        return torch.stack([self.one.loss(batch + noise), self.two.loss(batch.flip(1))])

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        return self.factor_losses(batch, generator).sum()


def test_factors_are_resumed_exactly(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"decay_patience": 0, "clip_norm": 0.3, "ema_decay": 0.9}
    assert_resumes_exactly(tmp_path, 3, Regressions, **changes)


def test_what_is_no_density_trains(tmp_path: Path) -> None:
    weight = torch.tensor([1.0, -2.0, 0.5])

    def points(n: int, seed: int) -> Tensor:
        x = skewed(n, seed)[:, :3]
        return torch.cat([x, x @ weight[:, None] + 3], dim=1)

    torch.manual_seed(1)
    model = Regression()
    model.prepare(points(200, 0))
    settings = dataclasses.replace(
        SETTINGS, schedule="cosine", learning_rate=0.1, max_steps=400, ema_decay=0.9
    )
    path = tmp_path / "c.safetensors"
    result = train(model, points(200, 0), points(100, 1), settings, 3, path, "id")
    assert result.ended_by == "schedule"
    assert result.best_loss < 1e-4
    torch.testing.assert_close(model.line.weight.detach()[0], weight, atol=0.02, rtol=0)


def test_averages_are_validated_and_kept(tmp_path: Path) -> None:
    """Adam changes the weight by -1 at each step, and the average lags behind."""
    model = Given([3.0, 1.0, 2.0, 2.5])
    result = run(tmp_path, model, max_steps=20, learning_rate=1.0, ema_decay=0.5)
    assert result.best_steps == [10]
    average = 0.0
    for n in range(1, 11):
        decay = min(0.5, (1 + n) / (10 + n))
        average = decay * average - (1 - decay) * n
    assert model.weight.item() == pytest.approx(average, rel=1e-3)


def test_low_rates_of_other_schedules_do_not_end_a_training(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"schedule": "constant", "warmup_steps": 10**6}
    assert run(tmp_path / "a", **changes).ended_by == "steps"
    ended = run(tmp_path / "b", schedule="cosine", schedule_steps=80)
    assert ended.ended_by == "steps"
    assert ended.history[-1]["learning_rate"] == pytest.approx(0.01 * (1 - 0.5**0.5) / 2)


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
