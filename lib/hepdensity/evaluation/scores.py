"""Score files: log-densities of individual test events, with a record of what made them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hepdensity.files import atomic_h5


@dataclass(frozen=True)
class Scores:
    """Arrays of shape ``(n,)`` [nats] by name, and scalars by name."""

    arrays: dict[str, np.ndarray]
    attributes: dict[str, Any]


def write_scores(path: str | Path, scores: Scores, provenance: Mapping[str, Any]) -> None:
    """Write a score file; it appears only when complete."""
    with atomic_h5(path) as file:
        for name, values in scores.arrays.items():
            file.create_dataset(name, data=values)
        file.attrs.update(scores.attributes)
        file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)


def read_scores(path: str | Path) -> Scores:
    """Read a score file."""
    with h5py.File(path, "r") as file:
        arrays = {name: file[name][:] for name in file}
        attributes = {k: v for k, v in file.attrs.items() if k != "provenance"}
    return Scores(arrays, attributes)
