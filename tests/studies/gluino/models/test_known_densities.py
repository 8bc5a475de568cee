"""A short training of each kind of the study comes near the exact density of generated events."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from hepdensity.generate.gluino import generate_unweighted
from hepdensity.models.base import DensityModel
from hepdensity.models.build import build_as
from hepdensity.physics.events import Events
from hepdensity.physics.gluino import compute_normalisation
from hepdensity.studies.gluino.evaluation.truth import JOINT, KINEMATICS, Labels, true_scores
from hepdensity.studies.gluino.kinds import KINDS
from hepdensity.studies.gluino.preprocessing.angles import columns_of, layout_of
from hepdensity.training.loop import train
from hepdensity.training.settings import TrainingSettings

SQRT_S, MASS, ALPHA_S = 3000.0, 607.7137, 0.118
SIZES = {"chart": "paired", "orders_per_event": 1, "layers": 2, "bins": 8}
SETTINGS: dict[str, Any] = {**SIZES, "residual_blocks": 1, "units_per_dim": 6}
DATASETS = {"phase-space": "angles", "phase-space-labels": "labels"}
UNTRAINED_DISTANCE = {"phase-space": 0.12, "phase-space-labels": 1.0}
LARGEST_DISTANCE = {"phase-space": 0.06, "phase-space-labels": 0.3}
"""From the truth [nats]; with labels a hundred steps are far from convergence."""


@pytest.fixture(scope="module")
def events() -> Events:
    return generate_unweighted(4500, 4, SQRT_S, MASS, ALPHA_S, 1, 0).events


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_short_training_comes_near_the_truth(kind: Any, events: Events, tmp_path: Path) -> None:
    dataset = DATASETS[kind.name]
    columns = torch.from_numpy(columns_of(dataset, events, "generated"))
    test, validation, training = columns.split([1000, 500, 3000])
    model = build_as(DensityModel, kind.builder, layout_of(dataset, events), 1, SETTINGS)
    settings = TrainingSettings(
        batch_size=500,
        learning_rate=5e-3,
        validation_interval=20,
        decay_factor=0.5,
        decay_patience=4,
        decay_threshold=1e-4,
        threshold_mode="abs",
        stop_factor=1e-3,
        max_validations=None,
        max_steps=100,
        max_seconds=None,
        checkpoint_seconds=1e9,
        device="cpu",
    )
    model.prepare(training.float())
    with torch.no_grad():
        before = copy.deepcopy(model).double().eval().log_prob_tight(test).numpy()
    path = tmp_path / "c.safetensors"
    train(model, training.float(), validation.float(), settings, 1, path, "id")

    assert events.helicities is not None and events.colour_order is not None
    assert events.alpha_s is not None
    truth = true_scores(
        test[:, :8].numpy(),
        events.alpha_s[:1000],
        events.alpha_s,
        compute_normalisation(SQRT_S, MASS, 20_000, 1, 4),
        labels=Labels(events.helicities[:1000], events.colour_order[:1000]),
    )
    name = KINEMATICS if dataset == "angles" else JOINT
    with torch.no_grad():
        value = model.double().eval().log_prob_tight(test).numpy()
    difference = truth.arrays[name] - value
    assert (truth.arrays[name] - before).mean() > UNTRAINED_DISTANCE[kind.name]
    shared = truth.attributes["normalisation_error"]
    error = math.hypot(difference.std() / math.sqrt(1000), shared)
    assert -4 * error < difference.mean() < LARGEST_DISTANCE[kind.name]
