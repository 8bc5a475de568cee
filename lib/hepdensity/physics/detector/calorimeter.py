"""Calorimeter towers, and energy flow: what tracks and towers say together about energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from hepdensity.physics.detector.card import Calorimeter, Grid
from hepdensity.physics.detector.random import Randoms, Stream
from hepdensity.physics.detector.tracker import Tracks

_step: Any = numba.njit(cache=True)

ECAL_STREAMS = (Stream.ECAL_ETA, Stream.ECAL_PHI, Stream.ECAL_ENERGY)
HCAL_STREAMS = (Stream.HCAL_ETA, Stream.HCAL_PHI, Stream.HCAL_ENERGY)


@dataclass(frozen=True)
class Towers:
    """Cells of one calorimeter that hold energy, in n events.

    Attributes:
        offsets: First tower of each event and the total number N, int64, shape (n + 1,).
        eta: Pseudorapidity of a random place in the cell, float64, shape (N,).
        phi: Azimuth of that place [rad], likewise.
        deposited: Energy that particles left there [GeV], likewise.
        energy: Energy measured [GeV], 0 below the threshold, likewise.
        deviation: Standard deviation of the energy measured, taken before the threshold [GeV],
            likewise.
        of_particle: Index of the tower that each particle gave energy to, or -1; int64, one per
            particle of the batch.
    """

    offsets: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    deposited: np.ndarray
    energy: np.ndarray
    deviation: np.ndarray
    of_particle: np.ndarray

    @property
    def pt(self) -> np.ndarray:
        """Transverse momentum of each tower, which is massless [GeV], float64, shape (N,)."""
        pt: np.ndarray = self.energy / np.cosh(self.eta)
        return pt


def cells_of(eta: np.ndarray, phi: np.ndarray, grid: Grid) -> np.ndarray:
    """Number of the cell at each place.

    Args:
        eta: Pseudorapidity, shape (N,).
        phi: Azimuth in [-pi, pi) [rad], shape (N,).
        grid: The cells; they are counted ring by ring.

    Returns:
        Number of the cell, -1 outside the grid or where eta is NaN; int64, shape (N,).
    """
    edges, cells = np.array(grid.eta_edges), np.array(grid.phi_cells)
    found: np.ndarray = _cells(eta, phi, edges, cells, grid.first_cells)
    return found


@_step
def _cells(
    eta: np.ndarray, phi: np.ndarray, edges: np.ndarray, cells: np.ndarray, first: np.ndarray
) -> np.ndarray:
    found = np.full(len(eta), -1)
    for i in range(len(eta)):
        if edges[0] <= eta[i] < edges[-1]:
            ring = np.searchsorted(edges, eta[i], side="right") - 1
            column = int((phi[i] + np.pi) / (2 * np.pi) * cells[ring])
            found[i] = first[ring] + min(max(column, 0), cells[ring] - 1)
    return found


def measure(
    offsets: np.ndarray,
    cell: np.ndarray,
    deposit: np.ndarray,
    calorimeter: Calorimeter,
    randoms: Randoms,
    streams: tuple[Stream, Stream, Stream],
) -> Towers:
    """Towers of one calorimeter with their measured energies.

    Args:
        offsets: First particle of each event, shape (n + 1,).
        cell: Number of the cell of each particle, -1 outside, shape (N,).
        deposit: Energy that each particle leaves [GeV], 0 if none, shape (N,).
        calorimeter: The calorimeter.
        randoms: Random numbers.
        streams: Streams for the place in eta, in phi, and for the energy.
    """
    grid, n_cells = calorimeter.grid, sum(calorimeter.grid.phi_cells)
    tower_offsets, cells, deposited, of_particle = _gather(offsets, cell, deposit, n_cells)
    ring = np.searchsorted(grid.first_cells, cells, side="right") - 1
    edges = np.array(grid.eta_edges)
    centre = (edges[:-1] + edges[1:])[ring] / 2
    across, around = (randoms.uniform(stream, tower_offsets) for stream in streams[:2])
    turn = (cells - grid.first_cells[ring] + around) / np.array(grid.phi_cells)[ring]
    spread = calorimeter.resolution(deposited, centre)
    energy = randoms.log_normal(streams[2], tower_offsets, deposited, spread)
    deviation = calorimeter.resolution(energy, centre)
    seen = (energy >= calorimeter.threshold) & (energy >= calorimeter.significance * deviation)
    return Towers(
        tower_offsets,
        edges[ring] + across * np.diff(edges)[ring],
        2 * np.pi * turn - np.pi,
        deposited,
        np.where(seen, energy, 0.0),
        deviation,
        of_particle,
    )


@_step
def _gather(
    offsets: np.ndarray, cell: np.ndarray, deposit: np.ndarray, n_cells: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Add up the energies of each cell; returns offsets, cells, energies, tower of particles."""
    tower_offsets = np.zeros(len(offsets), np.int64)
    size = np.count_nonzero(deposit)
    cells, deposited = np.zeros(size, np.int64), np.zeros(size)
    of_particle, of_cell = np.full(len(cell), -1), np.full(n_cells, -1)
    count = 0
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            if deposit[i] > 0 and cell[i] >= 0:
                if of_cell[cell[i]] < tower_offsets[event]:
                    of_cell[cell[i]] = count
                    cells[count] = cell[i]
                    count += 1
                of_particle[i] = of_cell[cell[i]]
                deposited[of_particle[i]] += deposit[i]
        tower_offsets[event + 1] = count
    return tower_offsets, cells[:count], deposited[:count], of_particle


def explain(
    towers: Towers, tracks: Tracks, energy: np.ndarray, calorimeter: Calorimeter
) -> tuple[np.ndarray, np.ndarray]:
    """Compare the energy of each tower with that of the tracks that point to it.

    Energy beyond that of the tracks counts as neutral if it is above the threshold and significant.
    Otherwise the tracks are scaled so that their sum is the mean of both measurements, weighted by
    inverse variances.

    Args:
        towers: Towers of the calorimeter.
        tracks: The tracks.
        energy: Their energies so far [GeV], one per track.
        calorimeter: The calorimeter.

    Returns:
        Energy of each tower that tracks do not explain [GeV], 0 where there is none, and the
        corrected energies of the tracks [GeV].
    """
    n_towers = len(towers.energy)
    tower = towers.of_particle[tracks.particle]
    meets = np.flatnonzero(tower >= 0)
    variances = (tracks.resolution * energy) ** 2
    # Without tracks, bincount gives integers.
    tracked, variance = (
        np.bincount(tower[meets], weights=of[meets], minlength=n_towers).astype(np.float64)
        for of in (energy, variances)
    )
    more = towers.energy - tracked
    spread = np.sqrt(variance + towers.deviation**2)
    neutral = (more > calorimeter.threshold) & (more > calorimeter.significance * spread)
    scale = np.ones(n_towers)
    both = np.flatnonzero((tracked > 0) & ~neutral)
    best = _weighted(
        tracked[both], variance[both], towers.energy[both], towers.deviation[both] ** 2
    )
    scale[both] = best / tracked[both]
    corrected = energy.copy()
    corrected[meets] *= scale[tower[meets]]
    return np.where(neutral, more, 0.0), corrected


def _weighted(
    one: np.ndarray, variance: np.ndarray, other: np.ndarray, other_variance: np.ndarray
) -> np.ndarray:
    """Mean of two measurements, weighted by inverse variances, of which the first is not 0.

    A second variance of 0 means that the second measurement has no weight.
    """
    weight = np.divide(variance, other_variance, where=other_variance > 0, out=np.zeros_like(one))
    mean: np.ndarray = (one + weight * other) / (1 + weight)
    return mean
