"""Layouts of reconstructed events, and the names of the datasets that have them.

A dataset is named `<channel>-<view><N_max>`, e.g. `2a-max8`. The views are

- `max`: the paper's columns of the N_max objects of largest pT;
- `file`: the same columns of the first N_max objects in file order, as in the paper's code;
- `mass`: as `max`, but with the mass of jets instead of the energy of all objects;
- `momentum`: as `max`, but without energies, and with azimuths relative to the direction opposite
  to the missing transverse momentum, whose own azimuth is left out; for diffusion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hepdensity.models.layout import Column, Layout, PresenceSet
from hepdensity.physics.objects import LABELS

VIEWS = ("max", "file", "mass", "momentum")

DATASET = re.compile(
    rf"(?P<channel>.+)-(?P<view>{'|'.join(VIEWS)})(?P<n_max>[1-9]\d?)(?P<fold>-fold\d+of\d+)?"
)
"""Name of a dataset, or of one of its folds."""

LEAST_PT = "least_pt_"
"""Prefix of the constants of a layout that hold the smallest pT of a type [GeV]."""

_ENERGY = {"max": "log_energy", "file": "log_energy", "mass": "log_mass", "momentum": None}


def dataset_parts(name: str) -> tuple[str, str, int]:
    """Channel, view and N_max of a dataset.

    Raises:
        ValueError: If it is not the name of a dataset.

    Example:
        >>> dataset_parts("2a-max8")
        ('2a', 'max', 8)
    """
    match = DATASET.fullmatch(name)
    if match is None:
        raise ValueError(
            f"'{name}' is not <channel>-<view><N_max>, e.g. 2a-max8, with view {', '.join(VIEWS)}"
        )
    return match["channel"], match["view"], int(match["n_max"])


def fold_name(dataset: str, fold: int, folds: int) -> str:
    """Name of a fold of a dataset, e.g. `2a-max8-fold0of5`."""
    return f"{dataset}-fold{fold}of{folds}"


def without_fold(name: str) -> str:
    """Name of the dataset of a fold; any other name does not change."""
    match = DATASET.fullmatch(name)
    return name if match is None or match["fold"] is None else name.removesuffix(match["fold"])


def layout_of(view: str, n_max: int, least_pt: Mapping[str, float] | None = None) -> Layout:
    """Layout of a view: missing transverse momentum, and up to `n_max` objects.

    Energies, momenta and masses are in GeV before the logarithm.

    Args:
        view: One of `VIEWS`.
        n_max: Largest number of objects.
        least_pt: Label of a type -> smallest pT that its objects can have [GeV], if known; they
            become the constants `least_pt_<label>`.
    """
    real = "real"
    met = (Column("log_met", "log GeV", support=real), Column("met_phi", "rad", support=real))
    energy = _ENERGY[view]
    return Layout(
        event=met[:1] if energy is None else met,
        particle=(
            Column("log_pt", "log GeV", support=real),
            *([] if energy is None else [Column(energy, "log GeV", support=real)]),
            Column("eta", support=real),
            Column("phi", "rad", support=real),
            Column("type", categories=len(LABELS)),
        ),
        particles=n_max,
        constants={f"{LEAST_PT}{label}": value for label, value in (least_pt or {}).items()},
        sets=tuple(PresenceSet(f"objects_{count}", count) for count in range(1, n_max + 1)),
    )
