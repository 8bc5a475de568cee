"""Objects of the events in an inputs file, in GeV again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from hepdensity.models.inputs import read_array, read_layout
from hepdensity.models.layout import Layout
from hepdensity.physics.objects import ABSENT, JETS

LOG_MET, MET_PHI = "log_met", "met_phi"
LOG_PT, LOG_ENERGY, LOG_MASS, ETA, PHI = "log_pt", "log_energy", "log_mass", "eta", "phi"
TYPE = "type"


@dataclass(frozen=True)
class Objects:
    """Events of a group of an inputs file, with the objects that its view keeps, by falling pT.

    Attributes:
        met: Missing transverse momentum [GeV], shape (n,).
        met_phi: Its azimuth [rad], shape (n,); pi if the view has azimuths relative to it.
        type: Type of each object (see `hepdensity.physics.objects.LABELS`), 0 if absent, int8,
            shape (n, N_max).
        pt: Transverse momenta [GeV], 0 if absent, shape (n, N_max).
        energy: Energies [GeV], likewise; from the masses of jets if the view has these instead,
            and without masses if it has neither.
        eta: Pseudorapidities, likewise.
        phi: Azimuths [rad], likewise.
    """

    met: np.ndarray
    met_phi: np.ndarray
    type: np.ndarray
    pt: np.ndarray
    energy: np.ndarray
    eta: np.ndarray
    phi: np.ndarray

    def __len__(self) -> int:
        """Number of events."""
        return len(self.met)

    def is_of(self, types: tuple[int, ...]) -> np.ndarray:
        """Whether each object has one of some types, bool, shape (n, N_max)."""
        return np.isin(self.type, types)

    @property
    def present(self) -> np.ndarray:
        """Whether each object is present, bool, shape (n, N_max)."""
        present: np.ndarray = self.type != ABSENT
        return present

    @property
    def ht(self) -> np.ndarray:
        """Sum of the pT of the jets that the view keeps [GeV], shape (n,)."""
        total: np.ndarray = np.where(self.is_of(JETS), self.pt, 0.0).sum(axis=1)
        return total


def read_objects(path: str | Path, group: str) -> Objects:
    """Read the events of a group.

    Args:
        path: Inputs file of the study.
        group: Name of the group.

    Raises:
        ValueError: If there is no such group, or the file has other columns.
    """
    return objects_of(read_layout(path), read_array(path, group))


def objects_of(layout: Layout, rows: np.ndarray) -> Objects:
    """Objects of events.

    Args:
        layout: Columns of the events.
        rows: The events, shape (n, d).

    Raises:
        ValueError: If the layout lacks a column.
    """
    types = _columns(layout, rows, TYPE)
    present = np.isfinite(types)
    pt = np.where(present, np.exp(_columns(layout, rows, LOG_PT)), 0.0)
    eta = np.where(present, _columns(layout, rows, ETA), 0.0)
    kind = np.where(present, types + 1, ABSENT).astype(np.int8)
    names = {column.name for column in (*layout.event, *layout.particle)}
    energy = pt * np.cosh(eta)
    if LOG_MASS in names:
        mass = np.exp(_columns(layout, rows, LOG_MASS))
        energy = np.hypot(energy, np.where(np.isin(kind, JETS), mass, 0.0))
    elif LOG_ENERGY in names:
        energy = np.where(present, np.exp(_columns(layout, rows, LOG_ENERGY)), 0.0)
    phi = np.where(present, _columns(layout, rows, PHI), 0.0)
    order = np.argsort(-pt, axis=1, kind="stable")  # Views in file order are not sorted.
    kind, pt, energy, eta, phi = (
        np.take_along_axis(values, order, axis=1) for values in (kind, pt, energy, eta, phi)
    )
    met = np.exp(rows[:, layout.index(LOG_MET)])
    met_phi = rows[:, layout.index(MET_PHI)] if MET_PHI in names else np.full(len(rows), np.pi)
    return Objects(met, met_phi, kind, pt, energy, eta, phi)


def read_optional(path: str | Path, group: str, name: str) -> np.ndarray | None:
    """An array of a group, shape (n, ...), or None if it has none of this name.

    Args:
        path: Inputs file of the study.
        group: Name of the group.
        name: Name of the array.
    """
    with h5py.File(path, "r") as file:
        if name not in file.get(group, ()):
            return None
    return read_array(path, group, name)


@dataclass(frozen=True)
class Measure:
    """What a density is told per unit of: the product of (pT / scale)^a d log pT over objects.

    With a = 0 that is the coordinate of the inputs, with a = 1 it is pT, and with a = 2 the
    transverse part of the phase space of a massless object, pT dpT dphi deta.

    Attributes:
        pt: Power of the pT of each object.
        met: Power of MET.
        scale: Unit of both [GeV].
    """

    pt: float = 0.0
    met: float = 0.0
    scale: float = 1.0

    def log_volume(self, path: str | Path, group: str) -> np.ndarray:
        """Logarithm of what it has beside log pT and log MET, shape (n,).

        A log-density in log pT and log MET minus this is one in this measure [nats].

        Args:
            path: Inputs file of the study.
            group: Name of the group.
        """
        layout, rows = read_layout(path), read_array(path, group)
        unit = np.log(self.scale)
        objects = np.nansum(_columns(layout, rows, LOG_PT) - unit, axis=1)
        total: np.ndarray = self.pt * objects + self.met * (rows[:, layout.index(LOG_MET)] - unit)
        return total


def _columns(layout: Layout, rows: np.ndarray, name: str) -> np.ndarray:
    """A column of all objects, NaN where absent, shape (n, N_max)."""
    columns = [layout.index(name, place) for place in range(layout.particles)]
    values: np.ndarray = rows[:, columns]
    return values
