"""Checks for gluino events from any source, and the errors that report a violation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hepdensity.physics.events import invariant_mass

ROUNDING = 1e-4
"""A larger relative deviation of a mass is not due to rounding but to a non-zero width."""

ZERO_WIDTH = (
    "set the gluino width to zero in the parameter card (DECAY 1000021 0) and generate again"
)


@dataclass(frozen=True)
class Tolerance:
    """Largest relative deviations that count as rounding in a file.

    Attributes:
        momentum: For momentum sums and beam energies, relative to the centre-of-mass energy.
        mass: For the invariant mass of a gluino, relative to the mass of the file.
    """

    momentum: float = 1e-6
    mass: float = 1e-6


@dataclass(frozen=True)
class Check:
    """Result of one check on a block of events.

    Attributes:
        bad: Whether each event fails, shape (n,).
        problem: What is wrong.
        remedy: What to do about it.
    """

    bad: np.ndarray
    problem: str
    remedy: str


class Fault(ValueError):
    """A problem found by code that does not know the file or the event.

    The caller turns it into a `place_error`.

    Attributes:
        problem: What is wrong.
        remedy: What to do about it.
        place: Where it is, e.g. "line 12", or None for the event that is being read.
    """

    def __init__(self, problem: str, remedy: str, place: str | None = None) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy, self.place = problem, remedy, place


def place_error(path: str | Path, place: str | None, problem: str, remedy: str) -> ValueError:
    """Make the error for an invalid input file.

    Args:
        path: The file.
        place: Place in the file, e.g. "line 12", or None for the file as a whole.
        problem: What is wrong.
        remedy: What to do about it.
    """
    where = f"{path}: {place}" if place else f"{path}"
    return ValueError(f"{where}: {problem}; {remedy}")


def input_error(path: str | Path, event: int, problem: str, remedy: str) -> ValueError:
    """Make the error for an invalid event.

    Args:
        path: The file.
        event: Number of the event, counted from 1.
        problem: What is wrong.
        remedy: What to do about it.
    """
    return place_error(path, f"event {event}", problem, remedy)


def raise_first(path: str | Path, offset: int, checks: Sequence[Check]) -> None:
    """Report the first invalid event of a block and the first check that it fails.

    Args:
        path: The file.
        offset: Number of events in the file before the block.
        checks: Results of the checks, the most informative first.

    Raises:
        ValueError: If an event fails a check.
    """
    failed = [check for check in checks if check.bad.any()]
    if failed:
        first = min(failed, key=lambda check: int(check.bad.argmax()))
        event = offset + int(first.bad.argmax()) + 1
        raise input_error(path, event, first.problem, first.remedy)


def check_kinematics(
    momenta: np.ndarray, sqrt_s: float, mass: float, tolerance: Tolerance
) -> list[Check]:
    """Check that momenta are finite and conserved, and that gluinos are on their mass shell.

    Args:
        momenta: Gluino momenta (E, px, py, pz) [GeV], shape (n, n_out, 4).
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        tolerance: Allowed deviations.
    """
    total = momenta.sum(axis=1) - [sqrt_s, 0, 0, 0]
    off_balance = np.abs(total).max(axis=1) > tolerance.momentum * sqrt_s
    shift = np.abs(invariant_mass(momenta) - mass).max(axis=1)
    off_shell = f"a gluino is off its mass shell of {mass:.8g} GeV by more than {tolerance.mass:g}"
    return [
        finite_check(momenta, "momenta"),
        Check(
            off_balance,
            f"momentum is not conserved within {tolerance.momentum:g} of sqrt(s)",
            "write the file with more digits, or raise gluino.tolerance.momentum",
        ),
        Check(shift > max(tolerance.mass, ROUNDING) * mass, off_shell, ZERO_WIDTH),
        Check(
            shift > tolerance.mass * mass,
            off_shell,
            "write the file with more digits, or raise gluino.tolerance.mass",
        ),
    ]


def finite_check(values: np.ndarray, name: str) -> Check:
    """Check that all numbers of an event are finite.

    Args:
        values: Shape (n, ...).
        name: Name of the values.
    """
    bad = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    return Check(bad, f"{name} are not finite numbers", "remove the event or generate it again")


def helicity_check(helicities: np.ndarray) -> Check:
    """Check that helicities are +1 or -1; 9 means unknown in LHE files.

    Args:
        helicities: Shape (n, legs).
    """
    return Check(
        (np.abs(helicities) != 1).any(axis=1),
        "a helicity (spin column) is neither +1 nor -1; 9 means that it was not recorded",
        "generate the file with helicities, as MadGraph does at leading order",
    )
