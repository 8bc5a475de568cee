"""Names, colours and line styles of jets and losses in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hepdensity.plotting.style import PALETTE
from hepdensity.studies.jets.layouts import JetDataset

_NAMES = {"qcd": "QCD", "top": "top", "zprime": r"$Z'$", "dark": "dark shower"}
_COLOURS = {"qcd": PALETTE[5], "top": PALETTE[0], "zprime": PALETTE[2], "dark": PALETTE[3]}
_OTHERS = (PALETTE[1], PALETTE[4])

DASHES: Mapping[str, Any] = {
    "standard": "-",
    "maximum-likelihood": (0, (1, 1.2)),
    "flow-matching": (0, (4, 1.5)),
}
"""Loss -> line style: solid and dotted as in the paper."""

LOSSES = {
    "standard": "diffusion",
    "maximum-likelihood": "diffusion, max. likelihood",
    "flow-matching": "flow matching",
}
"""Loss -> name of the density in a legend."""


def name_of(process: str) -> str:
    """Name of the jets of a process."""
    return _NAMES.get(process, process)


def colour_of(process: str, processes: Sequence[str]) -> str:
    """Colour of the jets of a process."""
    others = [name for name in processes if name not in _COLOURS]
    return _COLOURS.get(process) or _OTHERS[others.index(process) % len(_OTHERS)]


def drawn_runs(runs: Sequence[Mapping[str, Any]], process: str) -> list[Mapping[str, Any]]:
    """Trainings on the jets of a process that a figure shows: one per loss.

    Of several sizes the largest is drawn, of several seeds the first, of several networks the first
    in the order of the configuration. Trainings in other coordinates are left out.

    Args:
        runs: Trainings (see `hepdensity.study.Study.run`).
        process: Process that they were trained on.
    """
    plain = [run for run in runs if run["dataset"] == process]
    largest = max((run["n_train"] for run in plain), default=0)
    chosen: dict[str, Mapping[str, Any]] = {}
    for run in plain:
        if run["n_train"] == largest:
            chosen.setdefault(run["objective"], run)
    return list(chosen.values())


def trained_processes(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Processes with a density of their own, in the order of the configuration."""
    plain = [
        run["dataset"] for run in runs if JetDataset.parse(run["dataset"]).process == run["dataset"]
    ]
    return list(dict.fromkeys(plain))
