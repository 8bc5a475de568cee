"""Join the scores of the folds of a dataset, so that its whole background is scored.

Each background event is scored by the models that never saw it: those of the fold in which it is a
test event. Event number j of any other group is scored by the models of fold j mod k, so that
signal and background go through the same mixture of models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hepdensity.evaluation.scores import Scores

OF_FOLDS = ("test", "validation")
"""Groups that differ from fold to fold; they are put one after the other."""


def joined_groups(folds: Sequence[Mapping[str, Scores]]) -> dict[str, Scores]:
    """Scores of all groups.

    Args:
        folds: For each fold, group -> scores.

    Returns:
        Group -> scores, with the arrays that all folds have. A bound for the first events of a
        group only is left out of the joined arrays unless all events have it.
    """
    return {group: _joined(group, [fold[group] for fold in folds]) for group in folds[0]}


def _joined(group: str, folds: Sequence[Scores]) -> Scores:
    names = [name for name in folds[0].arrays if folds[0].arrays[name].ndim == 1]
    arrays = {name: joined(group, [fold.arrays[name] for fold in folds]) for name in names}
    attributes: dict[str, Any] = {"exact": bool(folds[0].attributes["exact"])}
    if "draws" in folds[0].attributes:
        attributes["draws"] = folds[0].attributes["draws"]
    return Scores(arrays, attributes)


def joined_references(folds: Sequence[Scores], separator: str) -> Scores:
    """Reference scores of all groups (see `reference_scores.reference_scores`).

    Args:
        folds: Reference scores of each fold.
        separator: What stands between the name of a reference and that of a group.
    """
    arrays = {
        name: joined(name.split(separator)[1], [fold.arrays[name] for fold in folds])
        for name in folds[0].arrays
    }
    return Scores(arrays, folds[0].attributes)


def joined(group: str, folds: Sequence[np.ndarray]) -> np.ndarray:
    """One array for a group from those of its folds.

    Args:
        group: Name of the group.
        folds: Values of each fold, shape (n,) each; the same n unless the group is of the folds.

    Raises:
        ValueError: If folds have different numbers of the same events.
    """
    if group in OF_FOLDS:
        return np.concatenate(folds)
    if len({len(values) for values in folds}) > 1:
        raise ValueError(f"the folds have different numbers of events of group '{group}'")
    table = np.stack(folds)
    events = np.arange(table.shape[1])
    chosen: np.ndarray = table[events % len(folds), events]
    return chosen
