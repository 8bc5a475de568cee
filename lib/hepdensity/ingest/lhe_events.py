"""Turn the records of an LHE file into events gg -> n gluinos and check each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.ingest.lhe_stream import LheStream
from hepdensity.ingest.validation import (
    ZERO_WIDTH,
    Check,
    Tolerance,
    check_kinematics,
    finite_check,
    helicity_check,
    input_error,
    raise_first,
)
from hepdensity.physics.colour_order import tags_to_order
from hepdensity.physics.events import N_INCOMING, Events, Particle

BLOCK_EVENTS = 1000

FIXED_BEAMS = (
    "use gluon beams of fixed energy (lpp1 = lpp2 = 0 and ebeam1 = ebeam2 in the run card)"
)

_leg_fields = attrgetter("id", "status", "color1", "color2", "e", "px", "py", "pz", "m", "spin")
_event_fields = attrgetter("weight", "aqcd", "pid")
_N_VALUES = 5
_CODE, _STATUS, _PZ, _MASS, _SPIN = 0, 1, 7, 8, 9
_TAGS, _MOMENTUM, _MOMENTA_AND_MASS = slice(2, 4), slice(4, 8), slice(4, 9)


def read_records(stream: LheStream, n_legs: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read the records of a file block by block, including those before a broken one.

    Args:
        stream: The file.
        n_legs: Number of particles in each event.

    Yields:
        Legs with the columns code, status, colour tag, anticolour tag, E, px, py, pz, mass [GeV]
        and helicity, shape (n, n_legs, 10); weight, alpha_s and process id, shape (n, 3).

    Raises:
        ValueError: If an event cannot be read or has another number of particles; names the file
            and the event.
    """
    while rows := stream.read_block(BLOCK_EVENTS, _row):
        stop = next((i for i, row in enumerate(rows) if not row[0] == row[1] == n_legs), len(rows))
        if stop:
            table = np.array(rows[:stop], dtype=np.float64)
            legs = table[:, _N_VALUES:].reshape(stop, n_legs, -1)
            yield np.ascontiguousarray(legs), table[:, 2:_N_VALUES]
        if stop < len(rows):
            number = stream.count - len(rows) + stop + 1
            announced, present = int(rows[stop][0]), int(rows[stop][1])
            raise _multiplicity_error(stream.path, number, announced, present, n_legs)


def _row(event: Any) -> list[float]:
    """Announced and actual number of particles, values and legs of an event, in one flat list.

    Nested lists would be more objects, and the garbage collector would take a tenth of the time.
    """
    info, particles = event.eventinfo, event.particles
    row = [info.nparticles, len(particles), *_event_fields(info)]
    for leg in particles:
        row += _leg_fields(leg)
    return row


def _multiplicity_error(
    path: Path, number: int, announced: int, present: int, n_legs: int
) -> ValueError:
    problem = f"{present} particles, but gg -> {n_legs - N_INCOMING} gluinos has {n_legs}"
    if announced != present:
        problem = f"{present} particles, but its first line announces {announced}"
    return input_error(
        path, number, problem, "give complete files of this process, with undecayed gluinos"
    )


class EventReader:
    """Turns blocks of records of one file into events and checks them.

    Attributes:
        path: The file.
        n_legs: Number of particles in each event.
        count: Number of events read so far.
        sqrt_s: Centre-of-mass energy of the first event [GeV].
        mass: Gluino mass of the first event [GeV].
    """

    def __init__(self, path: Path, n_out: int, source: str, tolerance: Tolerance) -> None:
        """Start reading a file.

        Args:
            path: The file.
            n_out: Number of gluinos.
            source: Source of the events (see `hepdensity.physics.events.SOURCES`).
            tolerance: Allowed deviations.
        """
        self.path = path
        self.n_legs = N_INCOMING + n_out
        self.count = 0
        self.sqrt_s = self.mass = math.nan
        self._source = source
        self._tolerance = tolerance
        self._codes = [Particle.GLUON] * N_INCOMING + [Particle.GLUINO] * n_out
        self._status = [-1] * N_INCOMING + [1] * n_out

    def to_events(self, legs: np.ndarray, values: np.ndarray) -> Events:
        """Check a block and convert it.

        Args:
            legs: Legs from `read_records`, shape (n, n_legs, 10).
            values: Values from `read_records`, shape (n, 3).

        Raises:
            ValueError: If an event fails a check; names the file and the event.
        """
        legs = _plus_z_first(legs)
        if self.count == 0:
            self.sqrt_s = float(legs[0, :N_INCOMING, _MOMENTUM][:, 0].sum())
            self.mass = float(legs[0, -1, _MASS])
        order, closed = tags_to_order(legs[:, :, _TAGS])
        checks = [
            self._process_check(legs),
            finite_check(legs[:, :, _MOMENTA_AND_MASS], "momenta or masses"),
            *self._beam_checks(legs[:, :N_INCOMING, _MOMENTUM]),
            *self._mass_checks(legs[:, N_INCOMING:, _MASS]),
            *check_kinematics(
                legs[:, N_INCOMING:, _MOMENTUM], self.sqrt_s, self.mass, self._tolerance
            ),
            helicity_check(legs[:, :, _SPIN]),
            _colour_check(closed),
            *_value_checks(values),
        ]
        raise_first(self.path, self.count, checks)
        self.count += len(legs)
        return Events(
            momenta=legs[:, N_INCOMING:, _MOMENTUM],
            sqrt_s=self.sqrt_s,
            mass=self.mass,
            source=self._source,
            helicities=legs[:, :, _SPIN],
            colour_order=order,
            weights=values[:, 0],
            alpha_s=values[:, 1],
        )

    def _process_check(self, legs: np.ndarray) -> Check:
        n_out = self.n_legs - N_INCOMING
        other = (legs[:, :, _CODE] != self._codes) | (legs[:, :, _STATUS] != self._status)
        bad = other.any(axis=1)
        codes = " ".join(f"{code:.0f}" for code in legs[bad.argmax(), :, _CODE])
        problem = f"particles {codes} are not two incoming gluons and the gluinos of gg -> {n_out}"
        return Check(bad, f"{problem} gluinos", "give files of this process")

    def _beam_checks(self, beams: np.ndarray) -> list[Check]:
        """Check that the incoming gluons are the same in all events.

        Args:
            beams: Momenta (E, px, py, pz) [GeV], shape (n, 2, 4).
        """
        total = beams.sum(axis=1)
        slack = self._tolerance.momentum * self.sqrt_s
        moving = np.abs(total[:, 1:]).max(axis=1) > slack
        not_along_z = np.abs(beams[:, :, 0] - np.abs(beams[:, :, 3])).max(axis=1) > slack
        not_along_z |= (beams[:, 0, 3] <= 0) | (beams[:, 1, 3] >= 0)
        other_energy = np.abs(total[:, 0] - self.sqrt_s) > slack
        differs = f"sqrt(s) differs from the {self.sqrt_s:.8g} GeV of event 1"
        return [
            Check(not_along_z, "the incoming gluons are not massless along +z and -z", FIXED_BEAMS),
            Check(moving, "the event is not in the centre-of-mass frame", FIXED_BEAMS),
            Check(
                other_energy,
                differs,
                f"{FIXED_BEAMS}; use a separate run for each energy",
            ),
        ]

    def _mass_checks(self, masses: np.ndarray) -> list[Check]:
        """Check the mass column of the gluinos.

        Args:
            masses: Masses [GeV], shape (n, n_out).
        """
        shift = np.abs(masses - self.mass).max(axis=1)
        other: np.ndarray = ~(shift <= self._tolerance.mass * self.mass)
        found = masses[other.argmax()]
        odd = found[np.abs(found - self.mass).argmax()]
        return [
            Check(
                masses.min(axis=1) <= 0,
                "the gluino mass must be positive (mass column)",
                "write the mass from the parameter card into this column for every gluino",
            ),
            Check(
                other,
                f"a gluino mass of {odd:.8g} GeV differs from the {self.mass:.8g} GeV of event 1",
                f"{ZERO_WIDTH}; use a separate run for each mass",
            ),
        ]


def _plus_z_first(legs: np.ndarray) -> np.ndarray:
    """Swap the incoming legs of events whose first gluon moves along -z."""
    swapped = legs[:, 0, _PZ] < 0
    legs[swapped, :N_INCOMING] = legs[swapped, :N_INCOMING][:, ::-1]
    return legs


def _colour_check(closed: np.ndarray) -> Check:
    return Check(
        ~closed,
        "the colour tags do not form a single closed order of all legs",
        "generate the file with leading-colour flows for all particles",
    )


def _value_checks(values: np.ndarray) -> list[Check]:
    weight, alpha_s = values[:, 0], values[:, 1]
    return [
        Check(
            ~((weight > 0) & np.isfinite(weight)),
            "the weight (XWGTUP) is not a positive number",
            "generate unweighted events at leading order",
        ),
        Check(
            ~((alpha_s > 0) & np.isfinite(alpha_s)),
            "alpha_s (AQCDUP) is not a positive number",
            "generate the file with the coupling of each event",
        ),
    ]
