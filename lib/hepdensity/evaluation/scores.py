"""Score files: log-densities of individual events, with a record of what made them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hepdensity.files import atomic_h5

ONE_DRAW = "log_likelihood"
TIGHT = "log_likelihood_tight"
CURVE = "log_likelihood_curve"
SYMMETRISED = "log_likelihood_symmetrised"
LOG_P_SETS = "log_p_sets"
MS_PER_EVENT = "ms_per_event"
"""Attribute with the time of a tight value [ms]."""
FACTOR = "log_p_"
"""Prefix of the arrays with the log-density of a factor."""


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


def write_group_scores(
    path: str | Path,
    groups: Mapping[str, Scores],
    provenance: Mapping[str, Any],
    alone: str | None = None,
) -> None:
    """Write the scores of several groups of events; the file appears only when complete.

    Args:
        path: File to write.
        groups: Group of events -> scores.
        provenance: Record of what made them.
        alone: A group that, if it is the only one, is written as by `write_scores`.
    """
    if alone is not None and list(groups) == [alone]:
        write_scores(path, groups[alone], provenance)
        return
    with atomic_h5(path) as file:
        for group, scores in groups.items():
            target = file.create_group(group)
            for name, values in scores.arrays.items():
                target.create_dataset(name, data=values)
            target.attrs.update(scores.attributes)
        file.attrs["provenance"] = json.dumps(provenance, sort_keys=True)


def read_scores(path: str | Path, group: str | None = None) -> Scores:
    """Read a score file.

    Args:
        path: File written by `write_scores`, or by `write_group_scores` for a group of events.
        group: Name of the group; None for a file of one group.

    Raises:
        ValueError: If there is no such group.
    """
    with h5py.File(path, "r") as file:
        if group is not None and group not in file:
            raise ValueError(f"{path}: no scores of '{group}', only of {', '.join(file)}")
        place = file if group is None else file[group]
        arrays = {name: place[name][:] for name in place}
        attributes = {k: v for k, v in place.attrs.items() if k != "provenance"}
    return Scores(arrays, attributes)


Place = tuple[str, str, int, int]
"""Dataset, model, n_train and seed of a training."""


def place_of_file(path: str | Path) -> Place:
    """Training of a score file, from its path `.../<dataset>/<model>/n<n_train>/seed<seed>/*`."""
    *_, dataset, model, n_train, seed, _ = Path(path).parts
    return dataset, model, int(n_train.removeprefix("n")), int(seed.removeprefix("seed"))


def place_of_run(run: Mapping[str, Any]) -> Place:
    """The same of a training (see `hepdensity.study.Study.run`)."""
    return run["dataset"], run["model"], run["n_train"], run["seed"]
