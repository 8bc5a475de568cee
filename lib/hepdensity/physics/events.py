"""Collision events: particle codes, processes and the event container."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations

import numpy as np

from hepdensity.physics.processes import PROCESSES

SOURCES: tuple[str, ...] = ("embedded", "lhe", "csv", "model")
"""Where events can come from."""

N_INCOMING = 2
"""Incoming legs: the gluon along +z, then the gluon along -z."""


class Particle(IntEnum):
    """Particle Data Group codes."""

    GLUON = 21
    GLUINO = 1000021


def invariant_mass(momenta: np.ndarray) -> np.ndarray:
    """Invariant mass [GeV] of momenta (E, px, py, pz), or 0 if they are space-like.

    Args:
        momenta: Shape (..., 4).
    """
    squared = momenta[..., 0] ** 2 - (momenta[..., 1:] ** 2).sum(axis=-1)
    mass: np.ndarray = np.sqrt(np.maximum(squared, 0))
    return mass


def pair_masses(momenta: np.ndarray) -> np.ndarray:
    """Invariant masses [GeV] of all pairs of particles, (1, 2), (1, 3), ..., shape (n, pairs).

    Args:
        momenta: (E, px, py, pz) of two or more particles [GeV], shape (n, particles, 4).
    """
    pairs = combinations(range(momenta.shape[1]), 2)
    return np.stack([invariant_mass(momenta[:, i] + momenta[:, j]) for i, j in pairs], axis=1)


@dataclass(frozen=True)
class SampleYield:
    """Numbers of valid, unphysical and invalid samples drawn from a model.

    Attributes:
        drawn: Number of samples drawn.
        physical: Number of samples with a valid category at physical points.
        invalid: Number of samples without a valid category.
    """

    drawn: int
    physical: int
    invalid: int = 0

    @property
    def unphysical_fraction(self) -> float:
        """Fraction of the samples drawn that are at unphysical points."""
        return (self.drawn - self.invalid - self.physical) / self.drawn

    @property
    def invalid_fraction(self) -> float:
        """Fraction of the samples drawn without a valid category."""
        return self.invalid / self.drawn


@dataclass(frozen=True)
class Events:
    """Events gg -> n gluinos in the centre-of-mass frame, gluons along +z and -z.

    Legs are numbered from 0: gluon (+z), gluon (-z), then the gluinos as in `momenta`.

    Attributes:
        momenta: Gluino momenta (E, px, py, pz) [GeV], float64, shape (n, n_out, 4).
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        source: One of `SOURCES`.
        helicities: +1 or -1 per leg (physical helicity, also of the incoming gluons), int8,
            shape (n, 2 + n_out), or None.
        colour_order: Sequence of legs in the colour trace, leg 0 first, int8,
            shape (n, 2 + n_out), or None.
        weights: Event weights in units of the mean weight of their file, shape (n,), or None.
        alpha_s: Strong coupling of each event, shape (n,), or None.
        cross_section: Cross-section [pb], or None.
        cross_section_error: Its standard error [pb], or None.
        drawn: Number of samples drawn from a model, including those that were dropped because they
            are at unphysical points or have no valid category; None if the events are not samples.
        invalid: Number of these samples without a valid category.

    Raises:
        ValueError: If shapes, values or labels are invalid or inconsistent.
    """

    momenta: np.ndarray
    sqrt_s: float
    mass: float
    source: str
    helicities: np.ndarray | None = None
    colour_order: np.ndarray | None = None
    weights: np.ndarray | None = None
    alpha_s: np.ndarray | None = None
    cross_section: float | None = None
    cross_section_error: float | None = None
    drawn: int | None = None
    invalid: int = 0

    def __post_init__(self) -> None:
        """Convert the arrays to their types and check them."""
        self._convert("momenta", np.float64)
        self._convert("weights", np.float64)
        self._convert("alpha_s", np.float64)
        self._check_shapes()
        self._check_values()
        self._check_labels()
        self._convert("helicities", np.int8)
        self._convert("colour_order", np.int8)

    def __len__(self) -> int:
        """Number of events."""
        return len(self.momenta)

    @property
    def n_out(self) -> int:
        """Number of outgoing gluinos."""
        return self.momenta.shape[1]

    @property
    def n_legs(self) -> int:
        """Number of incoming and outgoing legs."""
        return N_INCOMING + self.n_out

    @property
    def process(self) -> str:
        """Name of the process, a key of `PROCESSES`."""
        return next(name for name, n_out in PROCESSES.items() if n_out == self.n_out)

    @property
    def sample_yield(self) -> SampleYield:
        """Numbers of valid, unphysical and invalid samples drawn from a model.

        Raises:
            ValueError: If the events are not samples of a model.
        """
        if self.drawn is None:
            raise ValueError("the number drawn is known only for samples of a model")
        return SampleYield(self.drawn, len(self), self.invalid)

    @property
    def unphysical_fraction(self) -> float:
        """Fraction of the samples drawn that are at unphysical points (see `sample_yield`)."""
        return self.sample_yield.unphysical_fraction

    @property
    def invalid_fraction(self) -> float:
        """Fraction of the samples drawn without a valid category (see `sample_yield`)."""
        return self.sample_yield.invalid_fraction

    def _convert(self, name: str, dtype: type[np.generic]) -> None:
        value = getattr(self, name)
        if value is not None:
            object.__setattr__(self, name, np.ascontiguousarray(value, dtype=dtype))

    def _check_shapes(self) -> None:
        if self.momenta.ndim != 3 or self.momenta.shape[2] != 4:
            raise ValueError(f"momenta must have shape (n, n_out, 4), got {self.momenta.shape}")
        if self.n_out not in PROCESSES.values():
            raise ValueError(
                f"events have {self.n_out} gluinos; the known processes are {sorted(PROCESSES)}"
            )
        per_event, per_leg = (len(self),), (len(self), self.n_legs)
        expected = {
            "helicities": per_leg,
            "colour_order": per_leg,
            "weights": per_event,
            "alpha_s": per_event,
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {np.shape(value)}")

    def _check_values(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(f"source must be one of {SOURCES}, got {self.source!r}")
        if not (
            np.isfinite(self.sqrt_s) and self.mass > 0 and self.sqrt_s > self.n_out * self.mass
        ):
            raise ValueError(
                f"sqrt_s = {self.sqrt_s} GeV is not enough to produce {self.n_out} gluinos"
                f" of mass {self.mass} GeV"
            )
        for name in ("momenta", "weights", "alpha_s"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value).all():
                bad = np.flatnonzero(~np.isfinite(value.reshape(len(self), -1)).all(axis=1))[0]
                raise ValueError(f"{name} of event {bad + 1} is not finite")
        if self.alpha_s is not None and (self.alpha_s <= 0).any():
            bad = np.flatnonzero(self.alpha_s <= 0)[0]
            raise ValueError(f"alpha_s of event {bad + 1} is not positive")
        if self.drawn is not None and self.drawn < len(self) + self.invalid:
            parts = f"{len(self)} events and {self.invalid} invalid samples"
            raise ValueError(f"drawn = {self.drawn} is less than {parts}")

    def _check_labels(self) -> None:
        if self.helicities is not None:
            bad = (np.abs(np.asarray(self.helicities)) != 1).any(axis=1)
            if bad.any():
                raise ValueError(f"a helicity of event {bad.argmax() + 1} is neither +1 nor -1")
        if self.colour_order is not None:
            order = np.asarray(self.colour_order)
            bad = (np.sort(order, axis=1) != np.arange(self.n_legs)).any(axis=1)
            bad |= order[:, 0] != 0
            if bad.any():
                raise ValueError(
                    f"the colour order of event {bad.argmax() + 1} is not a sequence"
                    f" of the legs 0 to {self.n_legs - 1} that starts with leg 0"
                )
