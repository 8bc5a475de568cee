"""Mix two- and four-gluino events into model inputs (Verheyen 2022, arXiv:2205.01697, section 3.4).

The angles of absent gluinos are NaN. The gluinos of a two-gluino event are back to back, so only
the angles of the first one are kept. Every `four_per_two` four-gluino events are followed by one
two-gluino event, so that the first rows of a group have the same mixture as the whole group.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hepdensity.ingest.event_file import count_events, read_events
from hepdensity.ingest.validation import Tolerance
from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import momenta_to_angles
from hepdensity.physics.processes import PROCESSES
from hepdensity.preprocessing.splits import Split, split_by_position
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.preprocessing.angles import (
    EffectiveSize,
    check_process,
    constants_of,
)


def prepare_mixed_inputs(
    paths: Mapping[str, str | Path],
    output: str | Path,
    test: int,
    validation: int,
    train: int,
    four_per_two: int,
    p_four: float,
    tolerance: Tolerance,
    provenance: Mapping[str, Any],
) -> dict[str, int]:
    """Turn two event files into one inputs file, which appears only when complete.

    Args:
        paths: Event file of each process.
        output: Inputs file.
        test: Number of four-gluino test events.
        validation: Number of four-gluino validation events.
        train: Minimum number of four-gluino training events; the group is as large as possible.
        four_per_two: Number of four-gluino events per two-gluino event.
        p_four: Fraction of four-gluino events in the cross-section.
        tolerance: Allowed differences in energy and mass between the two files.
        provenance: Run record.

    Returns:
        Number of events in each group, summed over both processes.

    Raises:
        ValueError: If there are too few events, if they are weighted or of the wrong process, or
            if the files have different energies or masses.
    """
    splits = _splits(paths, test, validation, train, four_per_two)
    first = _common_first(paths, tolerance)
    effective = {name: EffectiveSize() for name in PROCESSES}
    sizes = {}
    with InputsWriter(
        output,
        layouts.multiplicity(p_four, constants=constants_of(first)),
        provenance,
        sqrt_s=first.sqrt_s,
        mass=first.mass,
        source=first.source,
        four_per_two=four_per_two,
    ) as writer:
        for group in ("test", "validation", "train"):
            columns = [
                _columns(paths[name], getattr(splits[name], group), name, effective[name])
                for name in PROCESSES
            ]
            four, two = (len(column["events"]) for column in columns)
            order = mixing_order(four, two, four_per_two)
            mixed = {
                name: np.concatenate([column[name] for column in columns])[order]
                for name in columns[0]
                if name in columns[1]
            }
            writer.write(group, len(order), 0, mixed.pop("events"), **mixed)
            sizes[group] = len(order)
        for name in PROCESSES:
            effective[name].check(paths[name])
    return sizes


def mixing_order(four: int, two: int, four_per_two: int) -> np.ndarray:
    """Order that mixes four-gluino events and two-gluino events listed after them.

    Args:
        four: Number of four-gluino events.
        two: Number of two-gluino events.
        four_per_two: Number of four-gluino events before each two-gluino event.

    Returns:
        Indices, shape (four + two,).
    """
    places = np.concatenate((np.arange(four), (np.arange(two) + 1) * four_per_two - 0.5))
    order: np.ndarray = np.argsort(places, kind="stable")
    return order


def _splits(
    paths: Mapping[str, str | Path], test: int, validation: int, train: int, four_per_two: int
) -> dict[str, Split]:
    """Slices of the events of each process, with training groups of matching sizes."""
    splits = {
        name: split_by_position(
            *(count_events(paths[name]), test // share, validation // share, train // share),
            str(paths[name]),
        )
        for name, share in zip(PROCESSES, (1, four_per_two), strict=True)
    }
    pools = [splits[name].train.stop - splits[name].train.start for name in PROCESSES]
    two = min(pools[0] // four_per_two, pools[1])
    # Keep all four-gluino events for which there are enough two-gluino events, so that n_train need
    # not be a multiple of `four_per_two`.
    four = min(pools[0], (two + 1) * four_per_two - 1)
    kept = dict(zip(PROCESSES, (four, two), strict=True))
    return {
        name: replace(split, train=slice(split.train.start, split.train.start + kept[name]))
        for name, split in splits.items()
    }


def _common_first(paths: Mapping[str, str | Path], tolerance: Tolerance) -> Events:
    """First four-gluino event, after checking that both files have its energy and mass."""
    first, second = (read_events(paths[name], 0, 1) for name in PROCESSES)
    same_energy = math.isclose(first.sqrt_s, second.sqrt_s, rel_tol=tolerance.momentum)
    same_mass = math.isclose(first.mass, second.mass, rel_tol=tolerance.mass)
    if not (same_energy and same_mass and first.source == second.source):
        found = [
            f"source {events.source}, sqrt(s) {events.sqrt_s:.8g} GeV, gluino mass"
            f" {events.mass:.8g} GeV"
            for events in (first, second)
        ]
        raise ValueError(
            f"{paths['two_gluino']}: the events have {found[1]}, but those of"
            f" {paths['four_gluino']} have {found[0]}; mix events of the same collisions, or raise"
            " gluino.tolerance"
        )
    return first


def _columns(
    path: str | Path, rows: slice, process: str, effective: EffectiveSize
) -> dict[str, np.ndarray]:
    events = read_events(path, rows.start, rows.stop)
    check_process(path, events, process)
    effective.add(events)
    known = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    angles = np.full((len(events), 2 * layouts.GLUINOS), np.nan)
    angles[:, : known.shape[1]] = known
    columns = {"events": angles}
    if events.alpha_s is not None:
        columns["alpha_s"] = events.alpha_s
    return columns
