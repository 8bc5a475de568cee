"""Layouts of jets, and the names of the datasets that have them.

A dataset is named after the process whose jets it trains on, e.g. `qcd`. Suffixes choose another
form of it:

- `qcd-paper`: constituents in the paper's log(1 - z) instead of logit z, `qcd-log`: in log z;
- `qcd-leading6`: the six hardest constituents only, for models that take few particles;
- `qcd-known`: samples of a trained density instead of jets, so that the true density is known;
- `qcd-vs-top`: jets of both processes with a label, for classifiers.

Jets are always in logits of pT and eta inside their windows, and in the logarithm of the mass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hepdensity.models.layout import Column, Layout, PresenceSet

JET_COLUMNS = ("logit_pt", "logit_eta", "log_mass")
"""Event columns: logits of the places of pT and eta in the window, log of the mass in GeV."""

THIRD_COLUMNS = {"logit": "logit_z", "log": "log_z", "log_rest": "log_rest"}
"""Coordinates of a constituent (see `studies.jets.coordinates`) -> name of its third column."""

LABEL = "label"
"""Event column of datasets for classifiers: 0 for the first process, 1 for the second."""

_COORDINATES = {"paper": "log_rest", "log": "log"}
_PROCESS = r"[A-Za-z][A-Za-z0-9_]*"
DATASET = re.compile(
    rf"(?P<process>{_PROCESS})"
    rf"(?:-(?P<coordinates>{'|'.join(_COORDINATES)}))?"
    r"(?:-leading(?P<leading>[1-9]\d?))?"
    rf"(?:-(?P<known>known)|-vs-(?P<other>{_PROCESS}))?"
)
"""Name of a dataset."""


@dataclass(frozen=True)
class JetDataset:
    """What the name of a dataset says.

    Attributes:
        process: Process whose jets are trained on.
        coordinates: Coordinates of constituents (see `studies.jets.coordinates`).
        leading: Number of hardest constituents that are kept; None for all that the study keeps.
        known: Whether events are samples of a trained density.
        other: Second process of a dataset for classifiers.
    """

    process: str
    coordinates: str = "logit"
    leading: int | None = None
    known: bool = False
    other: str | None = None

    @property
    def processes(self) -> tuple[str, ...]:
        """Processes that are trained on."""
        return (self.process,) if self.other is None else (self.process, self.other)

    @classmethod
    def parse(cls, name: str) -> JetDataset:
        """Read the name of a dataset.

        Raises:
            ValueError: If it is not the name of a dataset.

        Example:
            >>> JetDataset.parse("qcd-paper-leading6")
            JetDataset(process='qcd', coordinates='log_rest', leading=6, known=False, other=None)
        """
        match = DATASET.fullmatch(name)
        if match is None:
            raise ValueError(
                f"'{name}' is not the name of a dataset: <process>, then -paper or -log,"
                " -leading<number>, and -known or -vs-<process>, as far as wanted"
            )
        return cls(
            process=match["process"],
            coordinates=_COORDINATES.get(match["coordinates"] or "", "logit"),
            leading=int(match["leading"]) if match["leading"] else None,
            known=match["known"] is not None,
            other=match["other"],
        )


def layout_of(coordinates: str, constituents: int, labelled: bool = False) -> Layout:
    """Layout of jets.

    Args:
        coordinates: Coordinates of constituents (see `studies.jets.coordinates`).
        constituents: Largest number of constituents.
        labelled: Whether there is a column that tells the process.
    """
    real = "real"
    event = [Column(name, support=real) for name in JET_COLUMNS]
    label = [Column(LABEL, categories=2)] if labelled else []
    return Layout(
        event=(*event, *label),
        particle=(
            Column("d_eta", support=real),
            Column("d_phi", "rad", support=real),
            Column(THIRD_COLUMNS[coordinates], support=real),
        ),
        particles=constituents,
        sets=tuple(PresenceSet(f"constituents_{n}", n) for n in range(1, constituents + 1)),
    )
