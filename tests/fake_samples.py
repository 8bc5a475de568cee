"""Events and samples with labels, made up for tests of figures."""

from typing import Any

import numpy as np
import torch

from hepdensity.physics.colour_order import lehmer_decode
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import rambo
from hepdensity.studies.gluino.plotting.labelled_samples import LabelledSample


def labelled_events(n: int, seed: int, source: str = "model", **more: Any) -> Events:
    """Events with labels at random, some far more probable than others."""
    numbers = np.random.default_rng(seed)
    momenta = rambo(n, 4, 3000.0, 607.7137, torch.Generator().manual_seed(seed))[0].numpy()
    helicities = np.where(numbers.random((n, 6)) < np.linspace(0.3, 0.9, 6), 1, -1)
    order = lehmer_decode((120 * numbers.random(n) ** 2).astype(int), 6)
    labels: dict[str, Any] = {"helicities": helicities, "colour_order": order}
    return Events(momenta, 3000.0, 607.7137, source, **labels, **more)


def labelled_sample(
    permutation: str | None = "sort", model: str = "mixture", **more: Any
) -> LabelledSample:
    """300 events of 400 samples, 20 of which were invalid; a model of ours is symmetric."""
    events = labelled_events(300, 1, drawn=400, invalid=20)
    family = "paper" if permutation else "ours"
    run: dict[str, Any] = {"treatment": model, "n_train": 5000, "seed": 1, "family": family}
    run |= {"symmetric": permutation != "none", **more}
    return LabelledSample(model=model, permutation=permutation, events=events, **run)
