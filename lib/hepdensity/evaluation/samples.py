"""Samples of trained models, in the columns of their layout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Generator, Tensor

from hepdensity.files import atomic_h5
from hepdensity.models.base import DensityModel, MultiplicityModel
from hepdensity.models.layout import Layout

ALL = "all"
"""Name of samples from all presence sets, in the proportions of the model."""

# A GPU needs few kernel launches; a CPU needs chunks that fit into the cache.
_CHUNK = {"cpu": 8_192, "cuda": 262_144}


@dataclass(frozen=True)
class Samples:
    """Samples of a model.

    Attributes:
        events: Valid samples in the columns of the layout, shape (n, d).
        drawn: Number of samples drawn, including those without a valid category.
        layout: Columns of the events.
    """

    events: np.ndarray
    drawn: int
    layout: Layout

    @property
    def invalid(self) -> int:
        """Number of samples without a valid category."""
        return self.drawn - len(self.events)


def draw_samples(
    model: DensityModel,
    layout: Layout,
    sample: str,
    count: int,
    generator: Generator,
    device: str,
    advance: Callable[[int], object] = lambda n: None,
) -> Samples:
    """Draw from a model and keep the valid samples.

    Args:
        model: Trained model.
        layout: Columns of its events.
        sample: "all", or the name of a presence set of the layout.
        count: Number of samples to draw.
        generator: Source of random numbers.
        device: Type of the device to draw on.
        advance: Called with the number of samples after each chunk.

    Raises:
        ValueError: If the layout has no such presence set, or the model cannot draw from it.
    """
    draw = _drawing(model, layout, sample, generator)
    parts = []
    for start in range(0, count, _CHUNK[device]):
        tried = min(_CHUNK[device], count - start)
        with torch.no_grad():
            parts.append(draw(tried).cpu().numpy())
        advance(tried)
    return Samples(np.concatenate(parts), count, layout)


def _drawing(
    model: DensityModel, layout: Layout, sample: str, generator: Generator
) -> Callable[[int], Tensor]:
    if sample == ALL:
        return lambda n: model.attempt(n, generator)
    names = [chosen.name for chosen in layout.sets]
    if sample not in names:
        raise ValueError(f"the layout has no presence set '{sample}', only {', '.join(names)}")
    if not isinstance(model, MultiplicityModel):
        raise ValueError(f"{type(model).__name__} cannot draw samples of a given presence set")
    number = names.index(sample)
    return lambda n: model.sample_set(n, number, generator)


def write_samples(path: str | Path, samples: Samples, provenance: Mapping[str, Any]) -> None:
    """Write samples to HDF5; the file appears only when complete."""
    with atomic_h5(path) as file:
        file.create_dataset("events", data=samples.events)
        file.attrs["drawn"] = samples.drawn
        file.attrs["layout"] = json.dumps(samples.layout.to_json(), sort_keys=True)
        file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)


def read_samples(path: str | Path) -> Samples:
    """Read samples of a model.

    Raises:
        ValueError: If the file contains none.
    """
    with h5py.File(path, "r") as file:
        if "events" not in file or not {"drawn", "layout"} <= set(file.attrs):
            raise ValueError(
                f"{path}: not a file of samples; run the rule draw_samples to write one"
            )
        layout = Layout.from_json(json.loads(file.attrs["layout"]))
        return Samples(file["events"][:], int(file.attrs["drawn"]), layout)
