"""Turn four-gluino events into model inputs: angles in the unit cube, split by position.

The inputs file (HDF5) has the groups `test`, `validation` and `train`, each with the datasets
`angles` (float64, (n, 8), see `hepdensity.physics.phase_space`) and, where the events have them,
`helicities`, `colour_order` and `alpha_s`; attributes `sqrt_s`, `mass` [GeV], `source` and
`provenance` (JSON). `hepdensity.studies.gluino.preprocessing.inputs` reads it, and by itself imports no physics,
so that an edit there does not retrain models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from hepdensity.files import CHUNK_EVENTS, atomic_path
from hepdensity.ingest.event_file import count_events, read_events
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import momenta_to_angles
from hepdensity.preprocessing.splits import split_by_position

BLOCK_EVENTS = 50_000
LABELS = ("helicities", "colour_order", "alpha_s")
LEAST_EFFECTIVE_FRACTION = 0.99
"""A generator may leave a few overweight events in an unweighted sample, but not more."""


def prepare_inputs(
    events_path: str | Path,
    output: str | Path,
    test: int,
    validation: int,
    provenance: Mapping[str, Any],
    train: int = 1,
) -> dict[str, int]:
    """Write the inputs file of an event file; it appears only when complete.

    Args:
        events_path: Four-gluino event file.
        output: Inputs file.
        test: Number of test events.
        validation: Number of validation events.
        provenance: Run record.
        train: Least size of the training pool.

    Returns:
        Number of events in each part.

    Raises:
        ValueError: If there are too few events, they are weighted or of another process.
    """
    split = split_by_position(count_events(events_path), test, validation, train, str(events_path))
    parts = {"test": split.test, "validation": split.validation, "train": split.train}
    effective = EffectiveSize()
    with atomic_path(output) as temporary, h5py.File(temporary, "w") as file:
        for name, rows in parts.items():
            _write_part(file.create_group(name), events_path, rows, effective)
        effective.check(events_path)
        first = read_events(events_path, 0, 1)
        file.attrs.update(sqrt_s=first.sqrt_s, mass=first.mass, source=first.source)
        file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)
    return {name: rows.stop - rows.start for name, rows in parts.items()}


class EffectiveSize:
    """Kish's effective number of events, (sum w)^2 / sum w^2, gathered block by block."""

    def __init__(self) -> None:
        self._events = 0
        self._sum = self._sum_of_squares = 0.0

    def add(self, events: Events) -> None:
        """Count the weights of events."""
        if events.weights is not None:
            self._events += len(events)
            self._sum += float(events.weights.sum())
            self._sum_of_squares += float((events.weights**2).sum())

    def check(self, path: str | Path) -> None:
        """Refuse weighted events; `ValueError` names the file."""
        if self._events == 0:
            return
        fraction = self._sum**2 / self._sum_of_squares / self._events
        if fraction < LEAST_EFFECTIVE_FRACTION:
            raise ValueError(
                f"{path}: weighted events (effective size {fraction:.3f} of their number);"
                " training takes all events alike, so unweight them first"
            )


def _write_part(group: h5py.Group, path: str | Path, rows: slice, effective: EffectiveSize) -> None:
    for start in range(rows.start, rows.stop, BLOCK_EVENTS):
        events = read_events(path, start, min(start + BLOCK_EVENTS, rows.stop))
        if events.process != "four_gluino":
            raise ValueError(f"{path}: {events.process} events, but inputs are of four gluinos")
        effective.add(events)
        for name, values in _columns(events).items():
            if name not in group:
                shape = (rows.stop - rows.start, *values.shape[1:])
                chunks = (min(CHUNK_EVENTS, shape[0]), *shape[1:])
                group.create_dataset(name, shape=shape, dtype=values.dtype, chunks=chunks)
            group[name][start - rows.start : start - rows.start + len(values)] = values


def _columns(events: Events) -> dict[str, np.ndarray]:
    columns = {"angles": momenta_to_angles(torch.from_numpy(events.momenta)).numpy()}
    for name in LABELS:
        if getattr(events, name) is not None:
            columns[name] = getattr(events, name)
    return columns
