"""Ingest LHE files of gg -> n gluinos: plain or gzip, streamed, several files in parallel.

The Les Houches Event format is that of Alwall et al. (2006, hep-ph/0609017), read with pylhe.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hepdensity.ingest.event_file import EventWriter, read_events
from hepdensity.ingest.lhe_stream import LheStream, open_lhe
from hepdensity.ingest.validation import (
    Check,
    Tolerance,
    check_kinematics,
    finite_check,
    helicity_check,
    input_error,
    raise_first,
)
from hepdensity.physics.colour_order import tags_to_order
from hepdensity.physics.events import N_INCOMING, PROCESSES, Events, Particle

logger = logging.getLogger(__name__)

BLOCK_EVENTS = 2000
MERGE_EVENTS = 50_000

_leg_fields = attrgetter("id", "status", "color1", "color2", "e", "px", "py", "pz", "m", "spin")
_event_fields = attrgetter("weight", "aqcd")
_CODE, _STATUS, _MASS, _SPIN = 0, 1, 8, 9
_TAGS, _MOMENTUM, _MOMENTA_AND_MASS = slice(2, 4), slice(4, 8), slice(4, 9)
_SEPARATE = "one data set has one mass and one energy: ingest them apart"


@dataclass(frozen=True)
class FileSummary:
    """What is known of an LHE file once it has been read.

    Attributes:
        path: The file.
        events: Number of events.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        mean_weight: Mean of the event weights as they stand in the file.
        cross_section: Sum over the processes of the init block [pb], None if it has no such.
        cross_section_error: Its standard error [pb], None likewise.
    """

    path: Path
    events: int
    sqrt_s: float
    mass: float
    mean_weight: float
    cross_section: float | None
    cross_section_error: float | None


def ingest_lhe(
    paths: Sequence[str | Path],
    output: str | Path,
    process: str,
    provenance: Mapping[str, Any],
    source: str = "lhe",
    tolerance: Tolerance | None = None,
    workers: int = 1,
) -> list[FileSummary]:
    """Read LHE files into one HDF5 event file, which appears only when all of it is right.

    Weights are divided by the mean weight of their file, so that unweighted events have weight 1.

    Args:
        paths: LHE files of one process, energy and mass; their order is that of the events.
        output: Event file to write.
        process: A key of `hepdensity.physics.events.PROCESSES`.
        provenance: Run record.
        source: Source of the events, see `hepdensity.physics.events.SOURCES`.
        tolerance: Allowed deviations.
        workers: Number of processes; each reads one file at a time with bounded memory.

    Returns:
        One summary per file.

    Raises:
        ValueError: Naming file and event, if anything is wrong with the input.
    """
    if not paths:
        raise ValueError(f"no LHE files for {process}; name them in gluino.lhe.{process}")
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".ingest_") as folder:
        parts = [Path(folder) / f"{i}.h5" for i in range(len(paths))]
        jobs = [
            (Path(path), part, process, source, tolerance or Tolerance())
            for path, part in zip(paths, parts, strict=True)
        ]
        summaries = _run(jobs, workers)
        _check_common(summaries, tolerance or Tolerance())
        _merge(parts, summaries, output, provenance)
    return summaries


def combined_cross_section(summaries: Sequence[FileSummary]) -> tuple[float, float] | None:
    """Cross-section and standard error [pb] of all files together, None if one has none.

    Files with the same numbers are pieces of one run and share its error; others are independent
    and weighted by their events.
    """
    known = {(summary.cross_section, summary.cross_section_error): 0 for summary in summaries}
    value = error = 0.0
    for summary in summaries:
        known[summary.cross_section, summary.cross_section_error] += summary.events
    total = sum(known.values())
    for (cross_section, cross_section_error), events in known.items():
        if cross_section is None or cross_section_error is None:
            return None
        value += events / total * cross_section
        error = math.hypot(error, events / total * cross_section_error)
    return value, error


_Job = tuple[Path, Path, str, str, Tolerance]


def _run(jobs: Sequence[_Job], workers: int) -> list[FileSummary]:
    """Read the files; with several errors, that of the first file is raised."""
    if min(workers, len(jobs)) <= 1:
        return _collect(map(_read_file, jobs))
    # Spawned rather than forked: the parent may have threads by now.
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool:
        try:
            return _collect(pool.map(_read_file, jobs))
        except ValueError:
            pool.shutdown(cancel_futures=True)
            raise


def _collect(results: Iterable[FileSummary]) -> list[FileSummary]:
    summaries = []
    for summary in results:
        logger.info("%s: %d events", summary.path, summary.events)
        summaries.append(summary)
    return summaries


def _read_file(job: _Job) -> FileSummary:
    """Read one LHE file into a part file, whose weights are still those of the file."""
    path, part, process, source, tolerance = job
    with open_lhe(path) as stream, EventWriter(part, {}) as writer:
        cross_section, error = _cross_section(stream)
        reader = _BlockReader(path, PROCESSES[process], source, tolerance)
        weight_sum = 0.0
        with closing(_blocks(stream, reader.n_legs)) as blocks:
            for legs, values in blocks:
                events = reader.to_events(legs, values)
                weight_sum += float(values[:, 0].sum())
                writer.append(events)
        if reader.count == 0:
            raise input_error(path, 1, "the file has no events", "give a file with events")
    return FileSummary(
        path,
        reader.count,
        reader.sqrt_s,
        reader.mass,
        weight_sum / reader.count,
        cross_section,
        error,
    )


def _cross_section(stream: LheStream) -> tuple[float | None, float | None]:
    processes = stream.init.procInfo
    value = sum(info.xSection for info in processes)
    error = math.hypot(*(info.error for info in processes))
    if not processes or not (0 < value < math.inf) or not (0 <= error < math.inf):
        return None, None
    return value, error


def _blocks(stream: LheStream, n_legs: int) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
    """Yield legs (n, n_legs, 10) and values (n, 2) of events, also those before a broken one."""
    while True:
        legs: list[list[tuple[float, ...]]] = []
        values: list[tuple[float, ...]] = []
        broken: ValueError | None = None
        try:
            for event in stream.read_block(BLOCK_EVENTS):
                _check_multiplicity(stream, event, n_legs)
                legs.append([_leg_fields(particle) for particle in event.particles])
                values.append(_event_fields(event.eventinfo))
        except ValueError as error:
            broken = error
        if legs:
            yield np.array(legs, dtype=np.float64), np.array(values, dtype=np.float64)
        if broken is not None:
            raise broken
        if len(legs) < BLOCK_EVENTS:
            return


def _check_multiplicity(stream: LheStream, event: Any, n_legs: int) -> None:
    announced, present = event.eventinfo.nparticles, len(event.particles)
    if announced == present == n_legs:
        return
    problem = f"{present} particles where gg -> {n_legs - N_INCOMING} gluinos has {n_legs}"
    if announced != present:
        problem = f"{present} particles, but its first line announces {announced}"
    raise input_error(
        stream.path, stream.count, problem, "give files of this process, complete, undecayed"
    )


class _BlockReader:
    """Turn blocks of LHE records of one file into events, checking them."""

    def __init__(self, path: Path, n_out: int, source: str, tolerance: Tolerance) -> None:
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
            legs: Fields of `_leg_fields`, shape (n, n_legs, 10).
            values: Weight and alpha_s, shape (n, 2).
        """
        legs = _plus_z_first(legs)
        if self.count == 0:
            self.sqrt_s = float(legs[0, :N_INCOMING, _MOMENTUM][:, 0].sum())
            self.mass = float(legs[0, -1, _MASS])
        order, closed = tags_to_order(legs[:, :, _TAGS])
        checks = [
            *self._check_process(legs),
            finite_check(legs[:, :, _MOMENTA_AND_MASS], "momenta or masses"),
            *self._check_settings(legs),
            *check_kinematics(
                legs[:, N_INCOMING:, _MOMENTUM], self.sqrt_s, self.mass, self._tolerance
            ),
            helicity_check(legs[:, :, _SPIN]),
            _colour_check(closed),
            *_check_values(values),
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

    def _check_process(self, legs: np.ndarray) -> list[Check]:
        n_out = self.n_legs - N_INCOMING
        other = (legs[:, :, _CODE] != self._codes) | (legs[:, :, _STATUS] != self._status)
        bad = other.any(axis=1)
        codes = " ".join(f"{code:.0f}" for code in legs[bad.argmax(), :, _CODE])
        problem = f"particles {codes} are not the incoming gluons and the gluinos of gg -> {n_out}"
        return [Check(bad, f"{problem} gluinos", "give files of this process")]

    def _check_settings(self, legs: np.ndarray) -> list[Check]:
        """Check beams and masses: all events of a data set have the same."""
        beams = legs[:, :N_INCOMING, _MOMENTUM]
        total = beams.sum(axis=1)
        slack = self._tolerance.momentum * self.sqrt_s
        moving = np.abs(total[:, 1:]).max(axis=1) > slack
        not_along_z = np.abs(beams[:, :, 0] - np.abs(beams[:, :, 3])).max(axis=1) > slack
        not_along_z |= (beams[:, 0, 3] <= 0) | (beams[:, 1, 3] >= 0)
        other_energy = np.abs(total[:, 0] - self.sqrt_s) > slack
        masses = legs[:, N_INCOMING:, _MASS]
        other_mass = ~(np.abs(masses - self.mass).max(axis=1) <= self._tolerance.mass * self.mass)
        boost = "boost the events to the centre-of-mass frame, gluons along the z axis"
        return [
            Check(not_along_z, "the incoming gluons are not massless along +z and -z", boost),
            Check(
                other_energy,
                f"sqrt(s) differs from the {self.sqrt_s:.8g} GeV of event 1",
                _SEPARATE,
            ),
            Check(moving, "the event is not in the centre-of-mass frame", boost),
            Check(
                other_mass,
                f"a gluino mass differs from the {self.mass:.8g} GeV of event 1",
                _SEPARATE,
            ),
        ]


def _plus_z_first(legs: np.ndarray) -> np.ndarray:
    """Swap the incoming legs of events whose first gluon moves along -z."""
    swapped = legs[:, 0, 7] < 0
    legs[swapped, :N_INCOMING] = legs[swapped, :N_INCOMING][:, ::-1]
    return legs


def _colour_check(closed: np.ndarray) -> Check:
    return Check(
        ~closed,
        "the colour tags do not form one single closed order of all legs",
        "write the file with leading-colour flows of all particles",
    )


def _check_values(values: np.ndarray) -> list[Check]:
    weight, alpha_s = values.T
    return [
        Check(
            ~((weight > 0) & np.isfinite(weight)),
            "its weight (XWGTUP) is not a positive number",
            "generate unweighted events at leading order",
        ),
        Check(
            ~((alpha_s > 0) & np.isfinite(alpha_s)),
            "alpha_s (AQCDUP) is not a positive number",
            "write the file with the coupling that was used",
        ),
    ]


def _check_common(summaries: Sequence[FileSummary], tolerance: Tolerance) -> None:
    """Check that all files have the energy and the mass of the first."""
    first = summaries[0]
    for summary in summaries[1:]:
        same_energy = math.isclose(summary.sqrt_s, first.sqrt_s, rel_tol=tolerance.momentum)
        same_mass = math.isclose(summary.mass, first.mass, rel_tol=tolerance.mass)
        if not (same_energy and same_mass):
            problem = (
                f"sqrt(s) {summary.sqrt_s:.8g} GeV and gluino mass {summary.mass:.8g} GeV, but"
                f" {first.path} has {first.sqrt_s:.8g} GeV and {first.mass:.8g} GeV"
            )
            raise input_error(summary.path, 1, problem, _SEPARATE)


def _merge(
    parts: Sequence[Path],
    summaries: Sequence[FileSummary],
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Join the part files, weights in units of their file's mean."""
    cross_section = combined_cross_section(summaries)
    sqrt_s, mass = summaries[0].sqrt_s, summaries[0].mass
    with EventWriter(output, provenance) as writer:
        for part, summary in zip(parts, summaries, strict=True):
            for start in range(0, summary.events, MERGE_EVENTS):
                events = read_events(part, start, start + MERGE_EVENTS)
                assert events.weights is not None
                weights = events.weights / summary.mean_weight
                writer.append(replace(events, weights=weights, sqrt_s=sqrt_s, mass=mass))
        if cross_section is not None:
            writer.set_cross_section(*cross_section)
