"""A short training of each kind brings the held-out log-likelihood near that of a known density.

The two particles are in a random order. One has an x near 1, with density f(x) = 5 x^4 in [0, 1],
the other one an x near 0, with density f(1 - x). The type of a particle is 1 with probability x. If
the kind allows it, one event out of three lacks one of its particles.
"""

import contextlib
import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from model_events import BUILDERS
from torch import Tensor

from hepdensity.models.base import DensityModel
from hepdensity.models.build import build_as
from hepdensity.models.layout import Column, Layout, PresenceSet
from hepdensity.training.loop import train
from hepdensity.training.settings import TrainingSettings

SIZES = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 8}
AUXILIARY = {"layers": 1, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}
SETTINGS: dict[str, dict[str, Any]] = {
    "flow": {},
    "dropout": {"objective": "likelihood"},
    "mixture": {"objective": "likelihood", "embedding": 4},
    "classifier": {"hidden": (16, 16)},
    "dequantisation": {"noise": "flow", "auxiliary": AUXILIARY},
    "argmax": {"noise": "flow", "auxiliary": AUXILIARY},
}
TYPED = ("mixture", "classifier", "dequantisation", "argmax")
LARGEST_DISTANCE = dict.fromkeys(BUILDERS, 0.06) | {"dequantisation": 0.1, "argmax": 0.15}
"""From the truth [nats], more for bounds. Before training it is above `UNTRAINED_DISTANCE`."""
UNTRAINED_DISTANCE = 0.5
OTHERS: dict[str, dict[str, Any]] = {
    "dropout": {"objective": "balanced"},
    "mixture": {"objective": "balanced"},
    "classifier": {},
    "dequantisation": {"noise": "uniform"},
    "argmax": {"noise": "uniform"},
}
"""Other settings; all particles are present where that is possible, so that tables are small."""
TRAINING = TrainingSettings(
    batch_size=500,
    learning_rate=1e-2,
    validation_interval=25,
    decay_factor=0.5,
    decay_patience=2,
    decay_threshold=1e-4,
    threshold_mode="abs",
    stop_factor=1e-3,
    max_validations=None,
    max_steps=200,
    max_seconds=None,
    checkpoint_seconds=1e9,
    device="cpu",
)


def has_sets(kind: str, other: bool) -> bool:
    return kind == "dropout" or not (kind == "flow" or other)


def layout_of(kind: str, other: bool) -> Layout:
    types = (Column("type", categories=2),) if kind in TYPED else ()
    sets = (PresenceSet("two", 2), PresenceSet("one", 1)) * has_sets(kind, other)
    return Layout(event=(), particle=(Column("x"), *types), particles=2, sets=sets)


def near_one(x: Tensor) -> Tensor:
    """The density f."""
    return 5 * x**4


def draw(kind: str, n: int, seed: int, other: bool = False) -> tuple[Tensor, Tensor]:
    """Events and their true log-densities [nats]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2, generator=generator, dtype=torch.float64) ** 0.2
    x[:, 1] = 1 - x[:, 1]
    x = torch.where(torch.rand(n, 1, generator=generator) < 0.5, x, x.flip(1))
    types = (torch.rand(n, 2, generator=generator, dtype=torch.float64) < x).double()
    high, low = near_one(x), near_one(1 - x)
    truth = ((high[:, 0] * low[:, 1] + low[:, 0] * high[:, 1]) / 2).log()
    single = torch.zeros(n, dtype=torch.bool)
    if has_sets(kind, other):
        single = torch.arange(n) % 3 == 0
        alone = ((high[:, 0] + low[:, 0]) / 2).log()
        truth = torch.where(single, alone + math.log(1 / 3), truth + math.log(2 / 3))
    x[single, 1], types[single, 1] = math.nan, math.nan
    if kind not in TYPED:
        return x, truth
    log_types = torch.where(types > 0, x, 1 - x).log().nan_to_num(nan=0.0)
    return torch.cat([x, types], dim=1), truth + log_types.sum(dim=1)


def untrained(kind: str, permutation: str, other: bool) -> DensityModel:
    settings = {"permutation": permutation, **SIZES, **SETTINGS[kind]}
    settings |= OTHERS[kind] if other else {}
    model = build_as(DensityModel, BUILDERS[kind], layout_of(kind, other), 1, settings)
    model.prepare(draw(kind, 6000, 1, other)[0].float())
    return model


def training(model: DensityModel, kind: str, other: bool, folder: Path) -> None:
    """Train the model."""
    events, validation = (
        draw(kind, n, seed, other)[0].float() for n, seed in ((6000, 1), (1500, 2))
    )
    train(model, events, validation, TRAINING, 1, folder / "c.safetensors", "id")


def distance(model: DensityModel, kind: str, other: bool) -> tuple[float, float]:
    """Mean of truth less tight value on held-out events [nats], and its standard error."""
    events, truth = draw(kind, 1500, 3, other)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        scored = copy.deepcopy(model).double().eval()
        value = scored.log_prob_tight(events, None if model.exact else 24, generator)
    difference = truth - value
    return difference.mean().item(), difference.std().item() / math.sqrt(len(difference))


def check(kind: str, permutation: str, other: bool, folder: Path) -> None:
    """Train a model, and compare with the truth before and after."""
    model = untrained(kind, permutation, other)
    before, _ = distance(model, kind, other)
    assert before > UNTRAINED_DISTANCE
    training(model, kind, other, folder)
    after, error = distance(model, kind, other)
    assert -4 * error < after < LARGEST_DISTANCE[kind]


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
@pytest.mark.parametrize("kind", BUILDERS)
def test_short_training_comes_near_the_truth(kind: str, permutation: str, tmp_path: Path) -> None:
    check(kind, permutation, False, tmp_path)


@pytest.mark.parametrize("kind", OTHERS)
def test_so_it_does_with_other_settings(kind: str, tmp_path: Path) -> None:
    check(kind, "stochastic", True, tmp_path)


@pytest.mark.parametrize("kind", ["flow", "classifier"])
def test_a_loss_of_the_wrong_sign_fails(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training may also diverge."""
    model = untrained(kind, "stochastic", False)
    right = type(model).factor_losses
    monkeypatch.setattr(type(model), "factor_losses", lambda *given: -right(*given))
    with contextlib.suppress(FloatingPointError):
        training(model, kind, False, tmp_path)
    after, _ = distance(model, kind, False)
    assert not after < UNTRAINED_DISTANCE


def test_a_density_that_is_not_normalised_fails(tmp_path: Path) -> None:
    """A sorted flow without -log D! seems to be better than the truth."""
    model = untrained("flow", "sort", False)
    training(model, "flow", False, tmp_path)
    after, error = distance(model, "flow", False)
    assert after - math.log(2) < -4 * error
