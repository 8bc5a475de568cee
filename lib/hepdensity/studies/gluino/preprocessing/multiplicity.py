"""Mix two- and four-gluino events into model inputs (Verheyen 2022, arXiv:2205.01697, section 3.4).

The inputs file is laid out as that of `hepdensity.studies.gluino.preprocessing.angles`, without labels: `angles`
of shape (n, 8), NaN in columns 2 to 7 of two-gluino events, and `alpha_s` where both processes have
it. Behind every `four_per_two` four-gluino events follows one of two gluinos, so that the first
rows of a part are mixed as the whole is; the number is an attribute of the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from hepdensity.files import atomic_path
from hepdensity.ingest.event_file import count_events, read_events
from hepdensity.physics.events import Events
from hepdensity.physics.phase_space import momenta_to_angles
from hepdensity.preprocessing.splits import Split, split_by_position
from hepdensity.studies.gluino.preprocessing.angles import EffectiveSize

PROCESSES = ("four_gluino", "two_gluino")


@dataclass(frozen=True)
class Tolerance:
    """How far the two samples may differ, relative.

    Attributes:
        momentum: In their energy.
        mass: In the gluino mass.
    """

    momentum: float
    mass: float


def prepare_mixed_inputs(
    paths: Mapping[str, str | Path],
    output: str | Path,
    test: int,
    validation: int,
    train: int,
    four_per_two: int,
    tolerance: Tolerance,
    provenance: Mapping[str, Any],
) -> dict[str, int]:
    """Write the inputs file of two event files; it appears only when complete.

    Args:
        paths: Event file of each process.
        output: Inputs file.
        test: Number of four-gluino test events.
        validation: Number of four-gluino validation events.
        train: Least number of four-gluino training events; the pool is as large as files allow.
        four_per_two: Four-gluino events for each one of two gluinos.
        tolerance: How far energy and mass of the two samples may differ.
        provenance: Run record.

    Returns:
        Number of events in each part, of both processes together.

    Raises:
        ValueError: If there are too few events, they are weighted or of the wrong process, or the
            files are of different energies or masses.
    """
    splits = _splits(paths, test, validation, train, four_per_two)
    header = _common_header(paths, tolerance)
    effective = {name: EffectiveSize() for name in PROCESSES}
    sizes = {}
    with atomic_path(output) as temporary, h5py.File(temporary, "w") as file:
        for part in ("test", "validation", "train"):
            columns = [
                _columns(paths[name], getattr(splits[name], part), name, effective[name])
                for name in PROCESSES
            ]
            order = mixing_order(len(columns[0]["angles"]), len(columns[1]["angles"]), four_per_two)
            group = file.create_group(part)
            for name in set(columns[0]) & set(columns[1]):
                group[name] = np.concatenate([column[name] for column in columns])[order]
            sizes[part] = len(order)
        for name in PROCESSES:
            effective[name].check(paths[name])
        file.attrs.update(header)
        file.attrs["four_per_two"] = four_per_two
        file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)
    return sizes


def mixing_order(four: int, two: int, four_per_two: int) -> np.ndarray:
    """Order in which events of two samples, one behind the other, are mixed.

    Args:
        four: Size of the first sample.
        two: Size of the second sample.
        four_per_two: Events of the first sample in front of each of the second.

    Returns:
        Indices, shape (four + two,).
    """
    places = np.concatenate((np.arange(four), (np.arange(two) + 1) * four_per_two - 0.5))
    order: np.ndarray = np.argsort(places, kind="stable")
    return order


def _splits(
    paths: Mapping[str, str | Path], test: int, validation: int, train: int, four_per_two: int
) -> dict[str, Split]:
    """Slices of each sample, with training pools that belong together."""
    splits = {
        name: split_by_position(
            *(count_events(paths[name]), test // share, validation // share, train // share),
            str(paths[name]),
        )
        for name, share in zip(PROCESSES, (1, four_per_two), strict=True)
    }
    pools = [splits[name].train.stop - splits[name].train.start for name in PROCESSES]
    two = min(pools[0] // four_per_two, pools[1])
    kept = {"four_gluino": max(train, two * four_per_two), "two_gluino": two}
    return {
        name: replace(split, train=slice(split.train.start, split.train.start + kept[name]))
        for name, split in splits.items()
    }


def _common_header(paths: Mapping[str, str | Path], tolerance: Tolerance) -> dict[str, float | str]:
    """What the events of both files share; the numbers of the four-gluino events count."""
    first, second = (read_events(paths[name], 0, 1) for name in PROCESSES)
    same_energy = math.isclose(first.sqrt_s, second.sqrt_s, rel_tol=tolerance.momentum)
    same_mass = math.isclose(first.mass, second.mass, rel_tol=tolerance.mass)
    if not (same_energy and same_mass and first.source == second.source):
        told = [
            f"source {events.source}, sqrt(s) {events.sqrt_s:.8g} GeV, gluino mass"
            f" {events.mass:.8g} GeV"
            for events in (first, second)
        ]
        raise ValueError(
            f"{paths['two_gluino']}: events with {told[1]}, but those of"
            f" {paths['four_gluino']} have {told[0]}; mix events of the same collisions, or raise"
            " gluino.tolerance"
        )
    return {"sqrt_s": first.sqrt_s, "mass": first.mass, "source": first.source}


def _columns(
    path: str | Path, rows: slice, process: str, effective: EffectiveSize
) -> dict[str, np.ndarray]:
    events = read_events(path, rows.start, rows.stop)
    if events.process != process:
        raise ValueError(f"{path}: {events.process} events where {process} events are wanted")
    effective.add(events)
    columns = {"angles": _angles(events)}
    if events.alpha_s is not None:
        columns["alpha_s"] = events.alpha_s
    return columns


def _angles(events: Events) -> np.ndarray:
    """Angles (n, 8), NaN where there is no gluino."""
    known = momenta_to_angles(torch.from_numpy(events.momenta)).numpy()
    angles = np.full((len(events), 8), np.nan)
    angles[:, : known.shape[1]] = known
    return angles
