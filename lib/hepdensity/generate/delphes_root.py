"""Reconstructed events as ROOT files with the tree and the names of branches of Delphes.

Branches are flat (`Jet.PT`, with the counter `Jet_size`), because uproot cannot write branches of
objects. Numbers have the types of Delphes 3.5: single precision, and integers of 32 bits.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import awkward as ak
import numpy as np
import uproot

from hepdensity.files import atomic_path
from hepdensity.physics.detector.reconstruction import (
    Collection,
    EnergyFlow,
    Leptons,
    Reconstruction,
)

TREE = "Delphes"
FLUSH_EVENTS = 1_000
"""Events that are gathered before they are written; few large pieces read faster."""


class DelphesWriter:
    """Write a ROOT file piece by piece, with bounded memory.

    Use as a context manager; the file appears if the block ends without an error.
    """

    def __init__(self, path: str | Path, eflow: bool = False) -> None:
        """Prepare a writer.

        Args:
            path: File to write.
            eflow: Whether to write energy-flow candidates too, as collection `EFlow`.
        """
        self._path, self._eflow = Path(path), eflow
        self._stack = ExitStack()
        self._waiting: list[dict[str, ak.Array]] = []
        self._tree: Any = None

    def __enter__(self) -> DelphesWriter:
        """Create the file and return the writer."""
        temporary = self._stack.enter_context(atomic_path(self._path))
        self._file = self._stack.enter_context(uproot.recreate(temporary))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is left and move the file to its final name, or remove it after an error."""
        try:
            if error is None:
                self._flush()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, traceback)

    def append(
        self, events: Reconstruction, n_particles: np.ndarray, chosen: np.ndarray | None = None
    ) -> None:
        """Add events at the end of the file.

        Args:
            events: The events.
            n_particles: Number of generated particles of each, shape (n,).
            chosen: Which of them to write, bool, shape (n,); all by default.

        Raises:
            DiskFull: If there is not enough space.
        """
        columns = branches(events, n_particles, self._eflow)
        if chosen is not None:
            columns = {name: values[chosen] for name, values in columns.items()}
        self.append_columns(columns)

    def append_columns(self, columns: dict[str, ak.Array]) -> None:
        """Add events with collections of your own at the end of the file.

        Args:
            columns: The collections, as `branches` gives them; every call has the same ones.

        Raises:
            DiskFull: If there is not enough space.
        """
        self._waiting.append(columns)
        if sum(len(part["Event"]) for part in self._waiting) >= FLUSH_EVENTS:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        names = list(self._waiting[0])
        columns = {name: ak.concatenate([part[name] for part in self._waiting]) for name in names}
        if self._tree is None:
            self._tree = self._file.mktree(
                TREE,
                {name: values.type.content for name, values in columns.items()},
                counter_name=lambda counted: f"{counted}_size",
                field_name=lambda outer, inner: f"{outer}.{inner}",
            )
        self._tree.extend(columns)
        self._waiting = []


def branches(
    events: Reconstruction, n_particles: np.ndarray, eflow: bool = False
) -> dict[str, ak.Array]:
    """The collections of the tree.

    Args:
        events: The events.
        n_particles: Number of generated particles of each, shape (n,).
        eflow: Whether to add energy-flow candidates.

    Returns:
        Lists of records by name of the collection, and `Particle_size`.
    """
    jets, photons = events.jets, events.photons
    columns = {
        "Event": _single(Number=events.event_id.astype(np.int64), Weight=_f4(events.weight)),
        "MissingET": _single(MET=_f4(events.met), Phi=_f4(events.met_phi)),
        "Jet": _lists(
            jets,
            PT=_f4(jets.pt),
            Eta=_f4(jets.eta),
            Phi=_f4(jets.phi),
            Mass=_f4(jets.mass),
            Flavor=jets.flavour.astype(np.uint32),
            BTag=jets.b_tag.astype(np.uint32),
        ),
        "Electron": _leptons(events.electrons),
        "Muon": _leptons(events.muons),
        "Photon": _lists(
            photons,
            PT=_f4(photons.pt),
            Eta=_f4(photons.eta),
            Phi=_f4(photons.phi),
            E=_f4(photons.energy),
        ),
        "Particle_size": ak.Array(n_particles.astype(np.int32)),
    }
    if eflow:
        columns["EFlow"] = _energy_flow(events.eflow)
    return columns


def _leptons(leptons: Leptons) -> ak.Array:
    return _lists(
        leptons,
        PT=_f4(leptons.pt),
        Eta=_f4(leptons.eta),
        Phi=_f4(leptons.phi),
        Charge=leptons.charge.astype(np.int32),
    )


def _energy_flow(eflow: EnergyFlow) -> ak.Array:
    transverse = np.hypot(eflow.px, eflow.py)
    # Numbers that references could use, counted from 1 in each event: Delphes keeps 0 for none.
    number = np.arange(len(eflow.px)) - eflow.offsets[eflow.event] + 1
    return _lists(
        eflow,
        PT=_f4(transverse),
        Eta=_f4(np.arcsinh(eflow.pz / transverse)),
        Phi=_f4(np.arctan2(eflow.py, eflow.px)),
        E=_f4(eflow.energy),
        Charge=eflow.charge.astype(np.int32),
        PID=eflow.code.astype(np.int32),
        fUniqueID=number.astype(np.uint32),
    )


def _single(**columns: np.ndarray) -> ak.Array:
    """One record per event, in a list, as Delphes has it."""
    return ak.unflatten(ak.zip(columns), np.ones(len(next(iter(columns.values()))), np.int64))


def _lists(collection: Collection, **columns: np.ndarray) -> ak.Array:
    return ak.unflatten(ak.zip(columns), np.diff(collection.offsets))


def _f4(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)
