"""Rows of `darkmachines_composition.csv`: objects of background events beside those of real ones.

"Real" is the background of the Dark Machines challenge, a simulation with MadGraph, Pythia and
Delphes (see `hepdensity.studies.darkmachines.real_composition`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.models.inputs import read_array
from hepdensity.physics.objects import (
    ANTIMUON,
    B_JET,
    ELECTRON,
    JETS,
    LEPTONS,
    MUON,
    PHOTON,
    POSITRON,
)
from hepdensity.studies.darkmachines.evaluation.objects import (
    Objects,
    read_objects,
    read_optional,
)
from hepdensity.studies.darkmachines.evaluation.references import BACKGROUND
from hepdensity.studies.darkmachines.evaluation.scored import WEIGHT
from hepdensity.studies.darkmachines.layouts import dataset_parts
from hepdensity.studies.darkmachines.real_composition import (
    COMPOSITION,
    MANY_OBJECTS,
    MOST_COUNTED,
)

OBJECTS = "objects"
"""Number of objects of all events; the other quantities are of events with few objects."""

_COUNTS: dict[str, tuple[int, ...]] = {
    "jets": JETS,
    "b_jets": (B_JET,),
    "leptons": LEPTONS,
    "photons": (PHOTON,),
}


def composition(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per channel, quantity and value.

    `fraction` is the weighted fraction of test events with this value and `error` its standard
    error, `real_fraction` and `real_error` are those of the challenge (empty for other channels),
    and `pull` is their difference in standard errors of both. All quantities but `objects` are of
    events with at most seven objects, the only ones that the real numbers count. Events with more
    than ten objects are counted with those that have ten.

    Args:
        files: `inputs`, one file per channel, with the array `objects` (number of objects of each
            event, whether the view keeps them or not).
        settings: Not used.

    Raises:
        ValueError: If a view has too few objects to count them, or an array is missing.
    """
    return [row for path in files["inputs"] for row in _rows(path)]


def _rows(path: str) -> Iterator[dict[str, Any]]:
    channel, _, n_max = dataset_parts(Path(path).stem)
    if n_max < MOST_COUNTED:
        raise ValueError(
            f"{path}: a view of {n_max} objects does not show all objects of events with"
            f" {MOST_COUNTED}; use a dataset of at least {MOST_COUNTED} objects"
        )
    events = read_objects(path, BACKGROUND)
    weights = read_optional(path, BACKGROUND, WEIGHT)
    weights = np.ones(len(events)) if weights is None else weights
    total = read_array(path, BACKGROUND, "objects")
    counted = total <= MOST_COUNTED
    for quantity, values in _values(events, total).items():
        chosen = np.ones(len(events), dtype=bool) if quantity == OBJECTS else counted
        ours = _fractions(values[chosen], weights[chosen])
        real = _real(channel, quantity)
        for value in sorted({*ours, *real}, key=_order):
            yield _row(channel, quantity, value, ours, real)


def _values(events: Objects, total: np.ndarray) -> dict[str, np.ndarray]:
    """Quantity -> its value for each event, as text, shape (n,)."""
    numbers = {name: events.is_of(types).sum(axis=1) for name, types in _COUNTS.items()}
    electrons = events.is_of((ELECTRON, POSITRON)).sum(axis=1)
    muons = events.is_of((MUON, ANTIMUON)).sum(axis=1)
    flavours = [f"{e}e{m}m" for e, m in zip(electrons, muons, strict=True)]
    values = {OBJECTS: np.minimum(total, MANY_OBJECTS), **numbers}
    return {
        **{name: number.astype(str) for name, number in values.items()},
        "electrons_muons": np.array(flavours),
    }


def _fractions(values: np.ndarray, weights: np.ndarray) -> dict[str, tuple[float, float]]:
    """Value -> weighted fraction and its standard error."""
    total = weights.sum()
    found = {}
    for value in np.unique(values):
        chosen = values == value
        fraction = weights[chosen].sum() / total
        variance = (weights**2 * (chosen - fraction) ** 2).sum() / total**2
        found[str(value)] = (float(fraction), float(np.sqrt(variance)))
    return found


def _real(channel: str, quantity: str) -> dict[str, tuple[float, float]]:
    """The same for the challenge; empty if it has no such channel."""
    counts = COMPOSITION.get(channel, {}).get(quantity, {})
    total = sum(counts.values())
    return {
        value: (count / total, float(np.sqrt(count / total * (1 - count / total) / total)))
        for value, count in counts.items()
    }


def _row(
    channel: str,
    quantity: str,
    value: str,
    ours: Mapping[str, tuple[float, float]],
    real: Mapping[str, tuple[float, float]],
) -> dict[str, Any]:
    fraction, error = ours.get(value, (0.0, 0.0))
    real_fraction, real_error = real.get(value, (0.0, 0.0)) if real else (None, None)
    return {
        **{"channel": channel, "quantity": quantity, "value": value},
        **{"fraction": fraction, "error": error},
        **{"real_fraction": real_fraction, "real_error": real_error},
        "pull": _pull(fraction, error, real_fraction, real_error),
    }


def _pull(
    fraction: float, error: float, real_fraction: float | None, real_error: float | None
) -> float | None:
    if real_fraction is None or real_error is None or not error + real_error:
        return None
    return (fraction - real_fraction) / float(np.hypot(error, real_error))


def _order(value: str) -> tuple[int, ...]:
    return tuple(int(part) for part in value.removesuffix("m").split("e"))
