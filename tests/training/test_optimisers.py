"""Optimisers, learning rates, clipping and averages do what their settings say."""

import dataclasses
import math
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import Trainable
from hepdensity.training.factors import Factor, averaged, factors_of
from hepdensity.training.optimisers import (
    MovingAverage,
    make_optimiser,
    make_schedule,
    planned_rate,
)
from hepdensity.training.settings import TrainingSettings

SETTINGS = TrainingSettings(
    batch_size=1,
    learning_rate=0.1,
    validation_interval=1,
    decay_factor=0.5,
    decay_patience=1,
    decay_threshold=0.0,
    threshold_mode="abs",
    stop_factor=1e-3,
    max_validations=None,
    max_steps=100,
    max_seconds=None,
    checkpoint_seconds=1e9,
    device="cpu",
)


def settings(**changes: Any) -> TrainingSettings:
    return dataclasses.replace(SETTINGS, **changes)


class Linear(Trainable):
    """A model with a given gradient: 3 and 4 for two numbers, i.e. a vector of norm 5."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -2.0]))
        self.gradient: Tensor
        self.register_buffer("gradient", torch.tensor([3.0, 4.0]))

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        return (self.weight * self.gradient).sum()


def stepped(model: Linear, factor: Factor, steps: int) -> list[Tensor]:
    """Weights after each step."""
    weights = []
    for number in range(1, steps + 1):
        factor.zero_grad()
        model.loss(torch.empty(0)).backward()
        factor.step(number)
        weights.append(model.weight.detach().clone())
    return weights


BETAS = (0.8, 0.95)
START, GRADIENT = torch.tensor([1.0, -2.0]), torch.tensor([3.0, 4.0])


def by_hand(optimiser: str, decay: float, steps: int) -> Tensor:
    """Weights after steps with a constant gradient, from the equations of the papers."""
    weight, rate = START.double(), 0.1
    first, second = torch.zeros(2).double(), torch.zeros(2).double()
    for n in range(1, steps + 1):
        gradient = GRADIENT.double()
        if optimiser == "adamw":
            weight = weight * (1 - rate * decay)
        else:
            gradient = gradient + decay * weight
        first = BETAS[0] * first + (1 - BETAS[0]) * gradient
        mean = first / (1 - BETAS[0] ** n)
        if optimiser == "adamax":
            second = torch.maximum(BETAS[1] * second, gradient.abs())
            scale = second
        else:
            second = BETAS[1] * second + (1 - BETAS[1]) * gradient**2
            scale = (second / (1 - BETAS[1] ** n)).sqrt()
        weight = weight - rate * mean / scale
    return weight


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "adamax"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_steps_are_those_of_the_papers(optimiser: str, decay: float) -> None:
    chosen = settings(
        optimiser=optimiser, betas=list(BETAS), weight_decay=decay, schedule="constant"
    )
    model = Linear()
    (factor,) = factors_of(model, chosen)
    weight = stepped(model, factor, 3)[-1]
    torch.testing.assert_close(weight.double(), by_hand(optimiser, decay, 3), atol=1e-6, rtol=1e-6)


def test_defaults_are_those_of_torch() -> None:
    optimiser = make_optimiser([nn.Parameter(torch.zeros(1))], SETTINGS)
    assert isinstance(optimiser, torch.optim.Adam)
    defaults = torch.optim.Adam([nn.Parameter(torch.zeros(1))]).defaults
    assert optimiser.defaults == {**defaults, "lr": 0.1, "fused": True}


def cosine(progress: float, final: float = 0.0) -> float:
    return 0.1 * (final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"schedule": "constant"}, {0: 0.1, 50: 0.1, 1000: 0.1}),
        ({"schedule": "constant", "warmup_steps": 4}, {0: 0.025, 2: 0.075, 3: 0.1, 4: 0.1}),
        ({"schedule": "cosine"}, {0: 0.1, 25: cosine(0.25), 50: 0.05, 99: cosine(0.99), 100: 0}),
        (
            {"schedule": "cosine", "warmup_steps": 20},
            {0: 0.005, 19: 0.1, 20: 0.1, 60: 0.05, 80: cosine(0.75)},
        ),
        (
            {"schedule": "cosine", "schedule_steps": 10, "final_factor": 0.2},
            {5: cosine(0.5, 0.2), 10: 0.02, 70: 0.02},
        ),
    ],
    ids=["constant", "constant, warm-up", "cosine", "cosine, warm-up", "cosine, length and end"],
)
def test_learning_rates(changes: dict[str, Any], expected: dict[int, float]) -> None:
    chosen = settings(**changes)
    for steps, rate in expected.items():
        assert planned_rate(chosen, steps) == pytest.approx(rate, abs=1e-12)


def test_a_step_uses_the_rate_of_its_number() -> None:
    """For a constant gradient, Adam changes a weight by the learning rate."""
    model = Linear()
    (factor,) = factors_of(model, settings(schedule="cosine", warmup_steps=2, schedule_steps=6))
    weights = torch.stack([START, *stepped(model, factor, 8)])[:, 0]
    rates = [0.05, 0.1, *(cosine(i / 4) for i in range(4)), 0, 0]
    torch.testing.assert_close(-weights.diff(), torch.tensor(rates), atol=1e-6, rtol=1e-5)


def test_plateau_decays_after_its_patience() -> None:
    optimiser = make_optimiser([nn.Parameter(torch.zeros(1))], SETTINGS)
    schedule = make_schedule(optimiser, SETTINGS)
    rates = []
    for loss in (3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0):
        schedule.stepped(1)
        schedule.validated(loss)
        rates.append(schedule.rate)
    assert rates == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]


@pytest.mark.parametrize(
    ("limit", "gradient"), [(None, [3, 4]), (10.0, [3, 4]), (2.5, [1.5, 2]), (1e-3, [6e-4, 8e-4])]
)
def test_clipping_bounds_the_norm(limit: float | None, gradient: list[float]) -> None:
    model = Linear()
    (factor,) = factors_of(model, settings(clip_norm=limit))
    stepped(model, factor, 1)
    assert model.weight.grad is not None
    torch.testing.assert_close(model.weight.grad, torch.tensor(gradient).float(), rtol=1e-5, atol=0)


class TwoFactors(Trainable):
    """Two factors with gradients of norm 5 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = Linear(), Linear()
        self.two.gradient = torch.tensor([0.6, 0.8])

    def factors(self) -> list[list[nn.Module]]:
        return [[self.one], [self.two]]

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        return self.one.loss(batch) + self.two.loss(batch)


def test_each_factor_is_clipped_by_itself() -> None:
    model = TwoFactors()
    parts = factors_of(model, settings(clip_norm=2.0))
    model.loss(torch.empty(0)).backward()
    for factor in parts:
        factor.step(1)
    norms = [float(p.grad.norm()) for p in model.parameters() if p.grad is not None]
    assert norms == pytest.approx([2.0, 1.0], rel=1e-5)


def explicit_average(weights: list[Tensor], decay: float) -> Tensor:
    """Weighted sum of all weights, starting with those before the first step."""
    decays = [min(decay, (1 + n) / (10 + n)) for n in range(1, len(weights))]
    total = torch.zeros_like(weights[0])
    for i, weight in enumerate(weights):
        share = 1.0 if i == 0 else 1 - decays[i - 1]
        total += share * math.prod(decays[i:]) * weight
    return total


@pytest.mark.parametrize("decay", [0.0, 0.25, 0.9, 0.9999])
def test_average_is_the_explicit_sum(decay: float) -> None:
    model = Linear()
    (factor,) = factors_of(model, settings(ema_decay=decay))
    weights = [START, *stepped(model, factor, 12)]
    with averaged([factor]):
        torch.testing.assert_close(model.weight.detach(), explicit_average(weights, decay))
    assert torch.equal(model.weight.detach(), weights[-1])


def test_best_weights_are_averages() -> None:
    model = Linear()
    (factor,) = factors_of(model, settings(ema_decay=0.9))
    weights = [START, *stepped(model, factor, 3)]
    with averaged([factor]):
        factor.validated(1.0, 3)
    torch.testing.assert_close(factor.best["weight"], explicit_average(weights, 0.9))
    assert torch.equal(factor.best["gradient"], GRADIENT)


def test_weights_come_back_after_an_error() -> None:
    model = Linear()
    (factor,) = factors_of(model, settings(ema_decay=0.5))
    weight = stepped(model, factor, 4)[-1]
    with pytest.raises(KeyboardInterrupt), averaged([factor]):
        assert not torch.equal(model.weight, weight)
        raise KeyboardInterrupt
    assert torch.equal(model.weight, weight)


def test_average_without_an_update_is_where_it_began() -> None:
    parameter = nn.Parameter(torch.ones(2))
    average = MovingAverage([parameter], 0.9)
    assert torch.equal(average.values[0], torch.ones(2))
