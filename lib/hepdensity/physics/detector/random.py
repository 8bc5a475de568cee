"""Random numbers of an event, which depend on nothing but a seed, a stream and its number.

So an event comes out the same wherever it is in a batch. The generator is SplitMix64 (Steele, Lea
and Flood 2014, doi:10.1145/2714064.2660195): a counter, scrambled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Any

import numba
import numpy as np

_step: Any = numba.njit(cache=True)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_R30, _R27, _R31, _R11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53


class Stream(IntEnum):
    """What random numbers are for; streams share none."""

    TRACK_FOUND = auto()
    TRACK_PT = auto()
    ECAL_ETA = auto()
    ECAL_PHI = auto()
    ECAL_ENERGY = auto()
    HCAL_ETA = auto()
    HCAL_PHI = auto()
    HCAL_ENERGY = auto()
    PHOTON = auto()
    ELECTRON = auto()
    MUON = auto()
    B_TAG = auto()


@dataclass(frozen=True)
class Randoms:
    """Random numbers for the objects of a batch of events.

    Attributes:
        seed: Seed.
        event_id: Number of each event, int64, shape (n,).
    """

    seed: int
    event_id: np.ndarray

    def uniform(self, stream: Stream, offsets: np.ndarray) -> np.ndarray:
        """Uniform random numbers in (0, 1), one per object.

        Args:
            stream: What they are for.
            offsets: First object of each event and the total number N, shape (n + 1,).

        Returns:
            Float64, shape (N,).
        """
        values: np.ndarray = _uniform(_seed(self.seed), int(stream), self.event_id, offsets)
        return values

    def log_normal(
        self, stream: Stream, offsets: np.ndarray, mean: np.ndarray, deviation: np.ndarray
    ) -> np.ndarray:
        """Log-normal random numbers, one per object.

        Args:
            stream: What they are for.
            offsets: First object of each event and the total number N, shape (n + 1,).
            mean: Mean of each number, shape (N,); where it is 0, so is the number.
            deviation: Standard deviation of each number, shape (N,).

        Returns:
            Float64, shape (N,).
        """
        seed = _seed(self.seed)
        args = (int(stream), self.event_id, offsets, mean, deviation)
        values: np.ndarray = _log_normal(seed, *args)
        return values


def _seed(seed: int) -> np.uint64:
    return np.uint64(seed % 2**64)


@_step
def _scrambled(counter: Any) -> Any:
    z = (counter ^ (counter >> _R30)) * _FIRST
    z = (z ^ (z >> _R27)) * _SECOND
    return z ^ (z >> _R31)


@_step
def _start(seed: Any, stream: int, event: int) -> Any:
    """Counter at which the random numbers of an event begin."""
    key = _scrambled(seed + _GOLDEN)
    key = _scrambled((key ^ np.uint64(stream)) + _GOLDEN)
    return _scrambled((key ^ np.uint64(event)) + _GOLDEN)


@_step
def _unit(counter: Any) -> float:
    """The number in (0, 1) that belongs to a counter."""
    return (np.float64(_scrambled(counter) >> _R11) + 0.5) * _UNIT


@_step
def _uniform(seed: Any, stream: int, event_id: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    values = np.empty(offsets[-1])
    for event in range(len(offsets) - 1):
        counter = _start(seed, stream, event_id[event])
        for i in range(offsets[event], offsets[event + 1]):
            counter += _GOLDEN
            values[i] = _unit(counter)
    return values


@_step
def _log_normal(
    seed: Any,
    stream: int,
    event_id: np.ndarray,
    offsets: np.ndarray,
    mean: np.ndarray,
    deviation: np.ndarray,
) -> np.ndarray:
    """Exponentials of normal numbers by the method of Box and Muller (1958)."""
    values = np.zeros(offsets[-1])
    for event in range(len(offsets) - 1):
        counter = _start(seed, stream, event_id[event])
        for i in range(offsets[event], offsets[event + 1]):
            radius = math.sqrt(-2.0 * math.log(_unit(counter + _GOLDEN)))
            counter += _GOLDEN + _GOLDEN
            normal = radius * math.cos(2.0 * math.pi * _unit(counter))
            if mean[i] > 0.0:
                variance = math.log(1.0 + (deviation[i] / mean[i]) ** 2)
                values[i] = mean[i] * math.exp(math.sqrt(variance) * normal - 0.5 * variance)
    return values
