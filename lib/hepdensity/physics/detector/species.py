"""What a detector must know of a kind of particle: its charge and how it interacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

INVISIBLE, ELECTRON, MUON, PHOTON, LONG_LIVED, HADRON = range(6)
"""Kinds of particles: the long-lived ones are K0S and Lambda, photons include pi0."""

_step: Any = numba.njit(cache=True)

_NUCLEUS = 1_000_000_000


@dataclass(frozen=True)
class Species:
    """Kinds of the particles of a batch.

    Attributes:
        kind: One of the kinds above, int8, shape (N,).
        charge: Electric charge, int8, likewise.
    """

    kind: np.ndarray
    charge: np.ndarray


def species_of(pdg_id: np.ndarray, final: np.ndarray) -> Species:
    """Kind and charge of particles, from the digits of their codes.

    Anything but electrons, muons, photons and hadrons is invisible, so stable charged particles
    beyond the Standard Model leave no trace.

    Args:
        pdg_id: Particle Data Group code, shape (N,).
        final: Whether a particle is stable; others are invisible, shape (N,).
    """
    return Species(*_species(pdg_id, final))


@_step
def _species(pdg_id: np.ndarray, final: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kind = np.zeros(len(pdg_id), np.int8)
    charge = np.zeros(len(pdg_id), np.int8)
    for i in range(len(pdg_id)):
        code = abs(pdg_id[i])
        if not final[i]:
            continue
        if code == 22 or code == 111:
            kind[i] = PHOTON
        elif code == 11 or code == 13:
            kind[i] = ELECTRON if code == 11 else MUON
            charge[i] = -1 if pdg_id[i] > 0 else 1
        elif code == 310 or code == 3122:
            kind[i] = LONG_LIVED
        elif 100 < code < 100_000 or code > _NUCLEUS:
            kind[i] = HADRON
            charge[i] = _hadron_charge(code) * (1 if pdg_id[i] > 0 else -1)
    return kind, charge


@_step
def _hadron_charge(code: int) -> int:
    """Charge of a hadron or nucleus of positive code."""
    if code > _NUCLEUS:
        return (code // 10_000) % 1000
    first, second, third = (code // 1000) % 10, (code // 100) % 10, (code // 10) % 10
    if first:
        return (_thirds(first) + _thirds(second) + _thirds(third)) // 3
    # The heavier quark of a meson comes first; it is the antiquark if it is of the down type.
    thirds = _thirds(second) - _thirds(third)
    return (thirds if second % 2 == 0 else -thirds) // 3


@_step
def _thirds(quark: int) -> int:
    """Charge of a quark in thirds."""
    return 2 if quark % 2 == 0 else -1
