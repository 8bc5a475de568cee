"""A short training of each kind brings the held-out log-likelihood near that of a known density.

Particles are independent: x with density 2 x in [0, 1], and a type that is 1 with probability x. Of
three events one has a single particle, where the kind allows that.
"""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from model_events import BUILDERS
from torch import Tensor

from hepdensity.models.base import DensityModel
from hepdensity.models.build import build_density
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
LARGEST_DISTANCE = {"dequantisation": 0.12, "argmax": 0.12}
"""From the truth [nats]; of bounds, which the noise keeps further away. 0.06 for the others."""
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


def draw(kind: str, n: int, seed: int, other: bool = False) -> tuple[Tensor, Tensor]:
    """Events and their true log-densities [nats]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2, generator=generator, dtype=torch.float64).sqrt()
    types = (torch.rand(n, 2, generator=generator, dtype=torch.float64) < x).double()
    each = (2 * x).log()
    if kind in TYPED:
        each = each + torch.where(types > 0, x, 1 - x).log()
    truth = each.sum(dim=1)
    if has_sets(kind, other):
        single = torch.arange(n) % 3 == 0
        x[single, 1], types[single, 1] = math.nan, math.nan
        truth = torch.where(single, each[:, 0] - math.log(3), truth + math.log(2 / 3))
    return torch.cat([x, types], dim=1) if kind in TYPED else x, truth


def trained(
    kind: str, permutation: str, folder: Path, sign: float = 1, other: bool = False
) -> DensityModel:
    settings = {"permutation": permutation, **SIZES, **SETTINGS[kind]}
    settings |= OTHERS[kind] if other else {}
    model = build_density(BUILDERS[kind], layout_of(kind, other), 1, settings)
    events, validation = (
        draw(kind, n, seed, other)[0].float() for n, seed in ((6000, 1), (1500, 2))
    )
    model.prepare(events)
    if sign < 0:
        losses = model.factor_losses
        model.factor_losses = lambda *given: sign * losses(*given)  # type: ignore[method-assign]
    train(model, events, validation, TRAINING, 1, folder / "c.safetensors", "id")
    return model.double().eval()


def distance(model: DensityModel, kind: str, other: bool = False) -> tuple[float, float]:
    """Mean of truth less tight value on held-out events [nats], and its standard error."""
    events, truth = draw(kind, 1500, 3, other)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        value = model.log_prob_tight(events, None if model.exact else 24, generator)
    difference = truth - value
    return difference.mean().item(), difference.std().item() / math.sqrt(len(difference))


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
@pytest.mark.parametrize("kind", BUILDERS)
def test_short_training_comes_near_the_truth(kind: str, permutation: str, tmp_path: Path) -> None:
    found, error = distance(trained(kind, permutation, tmp_path), kind)
    assert -4 * error < found < LARGEST_DISTANCE.get(kind, 0.06)


@pytest.mark.parametrize("kind", OTHERS)
def test_so_it_does_with_other_settings(kind: str, tmp_path: Path) -> None:
    found, error = distance(trained(kind, "stochastic", tmp_path, other=True), kind, other=True)
    assert -4 * error < found < LARGEST_DISTANCE.get(kind, 0.06)


def test_a_loss_of_the_wrong_sign_fails(tmp_path: Path) -> None:
    with pytest.raises((FloatingPointError, AssertionError)):
        found, _ = distance(trained("flow", "stochastic", tmp_path, sign=-1), "flow")
        assert found < 0.06
