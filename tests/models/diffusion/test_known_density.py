"""A short training brings the held-out log-density near that of a known density.

The event has a column e of a standard Gaussian. Two events out of three have two particles, one
near e / 2 + 1.5 and one near e / 2 - 1.5, in random order; the others have only one of the two.
"""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from point_sets import real_layout
from torch import Tensor

from hepdensity.models.build import build_as
from hepdensity.models.diffusion.density import SetDensity
from hepdensity.training.loop import train
from hepdensity.training.settings import TrainingSettings

LAYOUT = real_layout(particles=2, least=1, event=1, width=1)
BUILDER = "hepdensity.models.diffusion.density:set_density"
SPREAD = 0.4
UNTRAINED_DISTANCE, LARGEST_DISTANCE = 0.6, 0.2
TRAINING = TrainingSettings(
    batch_size=250,
    learning_rate=8e-3,
    validation_interval=50,
    decay_factor=0.5,
    decay_patience=2,
    decay_threshold=0.0,
    threshold_mode="abs",
    stop_factor=1e-3,
    max_validations=None,
    max_steps=200,
    max_seconds=None,
    checkpoint_seconds=1e9,
    device="cpu",
    optimiser="adamw",
    schedule="cosine",
    warmup_steps=20,
    ema_decay=0.97,
)


def draw(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Events and their true log-densities [nats]."""
    numbers = torch.Generator().manual_seed(seed)
    e, first, second = torch.randn(3, n, generator=numbers, dtype=torch.float64)
    side = 1.5 * (2 * torch.randint(0, 2, (n,), generator=numbers) - 1)
    x = torch.stack([side + SPREAD * first, -side + SPREAD * second], dim=1) + e[:, None] / 2
    normal = torch.distributions.Normal(0.0, 1.0)
    away = (x - e[:, None] / 2)[:, :, None] - torch.tensor([1.5, -1.5])
    log = normal.log_prob(away / SPREAD) - math.log(SPREAD)  # (n, particle, side)
    both = torch.logaddexp(log[:, 0, 0] + log[:, 1, 1], log[:, 0, 1] + log[:, 1, 0])
    alone = torch.arange(n) % 3 == 0
    truth = torch.where(alone, log[:, 0].logsumexp(dim=1), both) - math.log(2)
    truth = truth + torch.where(alone, 1 / 3, 2 / 3).log() + normal.log_prob(e)
    x[alone, 1] = torch.nan
    return torch.cat([e[:, None], x], dim=1), truth


def distance(model: SetDensity) -> tuple[float, float]:
    """Mean of truth less log-density on held-out events [nats], and its standard error."""
    events, truth = draw(200, 3)
    difference = truth - copy.deepcopy(model).double().eval().log_prob(events)
    return float(difference.mean()), float(difference.std()) / math.sqrt(len(events))


@pytest.mark.parametrize(
    ("loss", "network", "steps"),
    [
        ("standard", "full", 200),
        ("maximum-likelihood", "full", 500),  # its gradients are noisier
        ("flow-matching", "full", 200),
        ("flow-matching", "hollow", 200),
    ],
)
def test_short_training_comes_near_the_truth(
    loss: str, network: str, steps: int, tmp_path: Path
) -> None:
    sizes: dict[str, int] = {"width": 16, "blocks": 1, "attention_heads": 2}
    small = {**sizes, "event_width": 8, "event_blocks": 1, "steps": 16}
    model = build_as(
        SetDensity, BUILDER, LAYOUT, 1, {"objective": loss, "network": network, **small}
    )
    events, validation = (draw(n, seed)[0].float() for n, seed in ((4000, 1), (300, 2)))
    model.prepare(events)
    before, _ = distance(model)
    training = replace(TRAINING, max_steps=steps)
    train(model, events, validation, training, 1, tmp_path / "c.safetensors", "id")
    after, error = distance(model)
    assert before > UNTRAINED_DISTANCE
    assert -4 * error < after < LARGEST_DISTANCE
