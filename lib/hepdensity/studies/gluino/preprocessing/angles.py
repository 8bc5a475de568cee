"""Turn four-gluino events into model inputs: angles in the unit cube, with or without labels.

Inputs files are described in `hepdensity.models.inputs` and `hepdensity.studies.gluino.inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hepdensity.ingest.event_file import count_events, read_events
from hepdensity.models.inputs import InputsWriter
from hepdensity.models.layout import Layout
from hepdensity.physics.colour_order import order_to_positions
from hepdensity.physics.events import N_INCOMING, Events
from hepdensity.physics.phase_space import momenta_to_angles
from hepdensity.preprocessing.splits import split_by_position
from hepdensity.studies.gluino import layouts

BLOCK_EVENTS = 50_000
KEPT = {"angles": ("helicities", "colour_order", "alpha_s"), "labels": ("alpha_s",)}
"""Dataset -> arrays that are kept in addition to the columns of models, if events have them."""
LEAST_EFFECTIVE_FRACTION = 0.99
"""Unweighted events may include a few overweight events, but not more than this allows."""


def prepare_inputs(
    events_path: str | Path,
    output: str | Path,
    dataset: str,
    test: int,
    validation: int,
    provenance: Mapping[str, Any],
    train: int = 1,
) -> dict[str, int]:
    """Turn an event file into an inputs file, which appears only when complete.

    Args:
        events_path: Four-gluino event file.
        output: Inputs file.
        dataset: "angles" or "labels".
        test: Number of test events.
        validation: Number of validation events.
        provenance: Run record.
        train: Minimum size of the training group.

    Returns:
        Number of events in each group.

    Raises:
        ValueError: If there are too few events, or if they are weighted, of another process or
            without the labels needed.
    """
    split = split_by_position(count_events(events_path), test, validation, train, str(events_path))
    groups = {"test": split.test, "validation": split.validation, "train": split.train}
    effective = EffectiveSize()
    first = read_events(events_path, 0, 1)
    check_process(events_path, first, "four_gluino")
    with InputsWriter(
        output,
        layout_of(dataset, first),
        provenance,
        sqrt_s=first.sqrt_s,
        mass=first.mass,
        source=first.source,
    ) as writer:
        for name, rows in groups.items():
            for start in range(rows.start, rows.stop, BLOCK_EVENTS):
                events = read_events(events_path, start, min(start + BLOCK_EVENTS, rows.stop))
                effective.add(events)
                arrays = {
                    key: getattr(events, key)
                    for key in KEPT[dataset]
                    if getattr(events, key) is not None
                }
                columns = columns_of(dataset, events, events_path)
                writer.write(name, rows.stop - rows.start, start - rows.start, columns, **arrays)
        effective.check(events_path)
    return {name: rows.stop - rows.start for name, rows in groups.items()}


def layout_of(dataset: str, events: Events) -> Layout:
    """Layout of a dataset, with the energy and mass of its events."""
    return layouts.LAYOUTS[dataset](constants_of(events))


def constants_of(events: Events) -> dict[str, float]:
    """Constants of the events, for models and for samples."""
    return {
        "sqrt_s": events.sqrt_s,
        "gluino_mass": events.mass,
        "mass": events.mass / events.sqrt_s,
    }


def columns_of(dataset: str, events: Events, path: str | Path) -> np.ndarray:
    """Columns of a dataset, shape (n, d).

    Raises:
        ValueError: If the dataset needs labels but the events have none.
    """
    angles = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    if dataset == "angles":
        return angles
    if events.helicities is None or events.colour_order is None:
        raise ValueError(
            f"{path}: the events have no helicities or no colour orders; remove the models of"
            " labels (gluino.datasets.labels.models: []) or provide labelled events"
        )
    helicities = (events.helicities > 0).astype(np.float64)
    positions = order_to_positions(events.colour_order).astype(np.float64)
    of_gluinos = np.stack((helicities[:, N_INCOMING:], positions[:, 1:]), axis=2)
    parts = (angles, helicities[:, :N_INCOMING], positions[:, :1])
    return np.concatenate((*parts, of_gluinos.reshape(len(events), -1)), axis=1)


def check_process(path: str | Path, events: Events, process: str) -> None:
    """Check the process of events; the `ValueError` names the file."""
    if events.process != process:
        raise ValueError(f"{path}: {events.process} events, but {process} events are needed")


class EffectiveSize:
    """Kish's effective number of events, (sum w)^2 / sum w^2, computed block by block."""

    def __init__(self) -> None:
        self._events = 0
        self._sum = self._sum_of_squares = 0.0

    def add(self, events: Events) -> None:
        """Add the weights of events."""
        if events.weights is not None:
            self._events += len(events)
            self._sum += float(events.weights.sum())
            self._sum_of_squares += float((events.weights**2).sum())

    def check(self, path: str | Path) -> None:
        """Reject weighted events; the `ValueError` names the file."""
        if self._events == 0:
            return
        fraction = self._sum**2 / self._sum_of_squares / self._events
        if fraction < LEAST_EFFECTIVE_FRACTION:
            raise ValueError(
                f"{path}: the events are weighted (effective size {fraction:.3f} of their number),"
                " but training gives all events the same weight; unweight them first"
            )
