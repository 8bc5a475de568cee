"""Invented runs, events and samples for tests of the gluino study."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from hepdensity.evaluation.samples import Samples, write_samples
from hepdensity.models.kind import Look
from hepdensity.models.layout import Layout
from hepdensity.models.registry import kinds_of, looks
from hepdensity.physics.colour_order import lehmer_decode, order_to_positions
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.plotting.labelled_samples import LabelledSample

SQRT_S, MASS = 3000.0, 607.7137
CONSTANTS = {"sqrt_s": SQRT_S, "gluino_mass": MASS, "mass": MASS / SQRT_S}
STUDY = Path(__file__).resolve().parents[1] / "workflow" / "studies" / "gluino"

MODELS: dict[str, dict[str, Any]] = yaml.safe_load((STUDY / "models.yaml").read_text())
"""The models of the study."""

LOOKS = looks(list(MODELS), MODELS, kinds_of("gluino"))
"""Model of the study -> its look, and the look of its treatment."""


def model_name(treatment: str, permutation: str | None) -> str:
    """Name of a model in the study."""
    return f"{treatment}-{permutation}" if permutation else treatment


def treatment_look(model: str) -> Look:
    """Look of the treatment of a model, or an invented one for an unknown model."""
    return LOOKS[model][1] if model in LOOKS else Look(model, "#123456", "P")


def fake_run(model: str, permutation: str | None, dataset: str, **more: Any) -> dict[str, Any]:
    """Result of `Study.run` for a training of a model of the study."""
    look, treatment = LOOKS[model]
    return {
        **{"study": "gluino", "dataset": dataset, "model": model, "n_train": 5000, "seed": 1},
        **{"kind": MODELS[model]["kind"], "family": "paper" if permutation else "ours"},
        **{"permutation": permutation, "objective": MODELS[model].get("objective")},
        **{"symmetric": permutation != "none", "exact": True},
        **{"look": look.to_dict(), "treatment": treatment.to_dict(), **more},
    }


def flat_angles(n: int, seed: int, n_out: int = 4) -> np.ndarray:
    """Angles of events flat in phase space, shape (n, 2 n_out), or (n, 2) for two gluinos."""
    momenta, _ = rambo(n, n_out, SQRT_S, MASS, torch.Generator().manual_seed(seed))
    return momenta_to_angles(momenta).numpy()


def label_columns(helicities: np.ndarray, colour_order: np.ndarray) -> np.ndarray:
    """Categorical columns of labelled events: 0 or 1 for helicities, and positions."""
    signs, positions = (helicities + 1) // 2, order_to_positions(colour_order)
    gluinos = signs.shape[1] - 2
    of_gluinos = np.stack((signs[:, 2:], positions[:, 1:]), axis=2).reshape(-1, 2 * gluinos)
    return np.concatenate((signs[:, :2], positions[:, :1], of_gluinos), axis=1)


def write_columns(path: Path, rows: np.ndarray, drawn: int, layout: Layout) -> Path:
    """Write a file of samples."""
    write_samples(path, Samples(rows, drawn, layout), {})
    return path


def write_events_as_samples(path: Path, events: Events, invalid: int = 0) -> Path:
    """Write events as samples; the rest of `events.drawn` is invalid or unphysical."""
    drawn = events.drawn or len(events)
    angles = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    unphysical = np.full((drawn - invalid - len(events), angles.shape[1]), 0.5)
    rows = np.concatenate((angles, unphysical))
    layout = layouts.angles(CONSTANTS)
    if events.n_out == 2:
        rows = np.pad(rows, ((0, 0), (0, 6)), constant_values=np.nan)
        layout = layouts.multiplicity(4e-5, constants=CONSTANTS)
    if events.helicities is not None and events.colour_order is not None:
        labels = label_columns(events.helicities, events.colour_order)
        padding = ((0, len(unphysical)), (0, 0))
        rows = np.concatenate((rows, np.pad(labels, padding, mode="wrap")), axis=1)
        layout = layouts.labels(CONSTANTS)
    return write_columns(path, rows, drawn, layout)


def labelled_events(n: int, seed: int, source: str = "model", **more: Any) -> Events:
    """Events with random labels, some much more probable than others."""
    numbers = np.random.default_rng(seed)
    momenta = rambo(n, 4, SQRT_S, MASS, torch.Generator().manual_seed(seed))[0].numpy()
    helicities = np.where(numbers.random((n, 6)) < np.linspace(0.3, 0.9, 6), 1, -1)
    order = lehmer_decode((120 * numbers.random(n) ** 2).astype(int), 6)
    labels: dict[str, Any] = {"helicities": helicities, "colour_order": order}
    return Events(momenta, SQRT_S, MASS, source, **labels, **more)


def labelled_sample(
    permutation: str | None = "sort", treatment: str = "mixture-likelihood", **more: Any
) -> LabelledSample:
    """300 events from 400 samples, 20 of which were invalid; our own models are symmetric."""
    run: dict[str, Any] = {
        "model": model_name(treatment, permutation),
        "permutation": permutation,
        "family": "paper" if permutation else "ours",
        "n_train": 5000,
        "seed": 1,
        "events": labelled_events(300, 1, drawn=400, invalid=20),
        "look": treatment_look(model_name(treatment, permutation)),
        "symmetric": permutation != "none",
    }
    return LabelledSample(**{**run, **more})
