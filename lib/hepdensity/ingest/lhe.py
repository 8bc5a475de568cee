"""Ingest LHE files of gg -> n gluinos as a stream, several files in parallel.

The files have the Les Houches Event format of Alwall et al. (2006, hep-ph/0609017).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hepdensity.disk import naming
from hepdensity.files import atomic_path
from hepdensity.ingest.event_file import EventWriter, read_events
from hepdensity.ingest.gluino_repeats import gluino_words, refuse_repeated_gluinos
from hepdensity.ingest.lhe_events import EventReader, read_records
from hepdensity.ingest.lhe_init import CrossSection, cross_section_of
from hepdensity.ingest.lhe_stream import open_lhe
from hepdensity.ingest.repeats import RepeatFinder, refuse_same_files
from hepdensity.ingest.validation import Tolerance, place_error
from hepdensity.physics.events import PROCESSES

logger = logging.getLogger(__name__)

MERGE_EVENTS = 50_000


@dataclass(frozen=True)
class FileSummary:
    """Summary of an LHE file that has been read.

    Attributes:
        path: The file.
        events: Number of events.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        mean_weight: Mean of the event weights as written in the file.
        cross_section: Cross-section of the processes that occur among the events.
    """

    path: Path
    events: int
    sqrt_s: float
    mass: float
    mean_weight: float
    cross_section: CrossSection


def ingest_lhe(
    paths: Sequence[str | Path],
    output: str | Path,
    process: str,
    provenance: Mapping[str, Any],
    source: str = "lhe",
    tolerance: Tolerance | None = None,
    workers: int = 1,
) -> list[FileSummary]:
    """Read LHE files into one HDF5 event file, which appears only if the input is valid.

    Weights are divided by the mean weight of their file, so that unweighted events have weight 1.

    Args:
        paths: LHE files of one process, energy and mass, in the order of the events.
        output: Event file to write.
        process: A key of `hepdensity.physics.events.PROCESSES`.
        provenance: Run record.
        source: Source of the events (see `hepdensity.physics.events.SOURCES`).
        tolerance: Allowed deviations.
        workers: Number of processes; each reads one file at a time with bounded memory.

    Returns:
        One summary per file.

    Raises:
        ValueError: If an event cannot be read or belongs to another process, or a file or an event
            occurs twice; names the file and the event.
    """
    setting = f"gluino.lhe.{process}"
    if not paths:
        raise ValueError(f"there are no LHE files for {process}; list them in {setting}")
    refuse_same_files(paths, setting)
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with naming(output), TemporaryDirectory(dir=output.parent, prefix=".ingest_") as folder:
        parts = [Path(folder) / f"{i}.h5" for i in range(len(paths))]
        jobs = [
            _Job(Path(path), part, process, source, tolerance or Tolerance())
            for path, part in zip(paths, parts, strict=True)
        ]
        summaries = _read_files(jobs, workers)
        _check_common(summaries, tolerance or Tolerance())
        _merge(parts, summaries, output, provenance)
    return summaries


def combined_cross_section(summaries: Sequence[FileSummary]) -> tuple[float, float] | None:
    """Cross-section and standard error [pb] of all files together, or None if one is unknown.

    Files with the same numbers are taken as parts of one generator run with one error. Otherwise,
    files are independent and are weighted by their numbers of events.

    Args:
        summaries: Summaries of the files.
    """
    known: dict[tuple[float, float], int] = {}
    for summary in summaries:
        value, error = summary.cross_section.value, summary.cross_section.error
        if value is None or error is None:
            return None
        known[value, error] = known.get((value, error), 0) + summary.events
    total = sum(known.values())
    shares = np.array(list(known.values())) / total
    values, errors = np.array(list(known)).T
    return float(shares @ values), float(np.hypot.reduce(shares * errors))


@dataclass(frozen=True)
class _Job:
    """Work for one worker: read an LHE file and write it as an event file."""

    path: Path
    part: Path
    process: str
    source: str
    tolerance: Tolerance


def _read_files(jobs: Sequence[_Job], workers: int) -> list[FileSummary]:
    """Read the files; if several fail, the error of the first file is raised."""
    if min(workers, len(jobs)) <= 1:
        return _collect(map(_read_file, jobs))
    # Spawn instead of fork, because the parent may already have threads.
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_read_file, job) for job in jobs]
        try:
            return _collect(future.result() for future in futures)
        except BrokenProcessPool as error:
            raise _killed(jobs, futures) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _killed(jobs: Sequence[_Job], futures: Sequence[Future[FileSummary]]) -> ValueError:
    """Make the error for a killed worker, whose file was begun but not finished."""
    unfinished = [
        job for job, future in zip(jobs, futures, strict=True) if future.exception() is not None
    ]
    # A part has a temporary name until it is complete.
    begun = [job for job in unfinished if any(job.part.parent.glob(f".*.{job.part.name}"))]
    begun = begun or unfinished
    names = " or ".join(str(job.path) for job in begun)
    return place_error(
        names,
        None,
        "the process that was reading this file was killed, probably because memory ran out",
        "use fewer threads (--set-threads ingest_lhe=1) or give the job more memory",
    )


def _collect(results: Iterable[FileSummary]) -> list[FileSummary]:
    summaries = []
    for summary in results:
        logger.info("%s: %d events", summary.path, summary.events)
        if summary.cross_section.note is not None:
            logger.warning("%s: %s", summary.path, summary.cross_section.note)
        summaries.append(summary)
    return summaries


def _read_file(job: _Job) -> FileSummary:
    """Read one LHE file into a part file, with weights as written in the LHE file."""
    # Create the part file first: it shows which files were begun if a worker is killed.
    with EventWriter(job.part, {}) as writer, open_lhe(job.path) as stream:
        reader = EventReader(job.path, PROCESSES[job.process], job.source, job.tolerance)
        weight_sum = 0.0
        ids: set[int] = set()
        for legs, values in read_records(stream, reader.n_legs):
            writer.append(reader.to_events(legs, values))
            weight_sum += float(values[:, 0].sum())
            ids.update(np.unique(values[:, 2]).astype(int).tolist())
    if reader.count == 0:
        raise place_error(job.path, None, "the file has no events", "give a file with events")
    return FileSummary(
        job.path,
        reader.count,
        reader.sqrt_s,
        reader.mass,
        weight_sum / reader.count,
        cross_section_of(stream.init, ids),
    )


def _check_common(summaries: Sequence[FileSummary], tolerance: Tolerance) -> None:
    """Check that all files have the energy and mass of the first."""
    first = summaries[0]
    for summary in summaries[1:]:
        same_energy = math.isclose(summary.sqrt_s, first.sqrt_s, rel_tol=tolerance.momentum)
        same_mass = math.isclose(summary.mass, first.mass, rel_tol=tolerance.mass)
        if not (same_energy and same_mass):
            problem = (
                f"sqrt(s) = {summary.sqrt_s:.8g} GeV and gluino mass = {summary.mass:.8g} GeV, but"
                f" {first.path} has {first.sqrt_s:.8g} GeV and {first.mass:.8g} GeV"
            )
            remedy = "list only files of one energy and one mass; use the others in another run"
            raise place_error(summary.path, None, problem, remedy)


def _merge(
    parts: Sequence[Path],
    summaries: Sequence[FileSummary],
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Join the part files, with weights in units of the mean weight of each file."""
    cross_section = combined_cross_section(summaries)
    sqrt_s, mass = summaries[0].sqrt_s, summaries[0].mass
    finder = RepeatFinder()
    with atomic_path(output) as temporary:
        with EventWriter(temporary, provenance) as writer:
            for part, summary in zip(parts, summaries, strict=True):
                for start in range(0, summary.events, MERGE_EVENTS):
                    events = read_events(part, start, start + MERGE_EVENTS)
                    assert events.weights is not None
                    weights = events.weights / summary.mean_weight
                    writer.append(replace(events, weights=weights, sqrt_s=sqrt_s, mass=mass))
                    finder.add(gluino_words(events))
            if cross_section is not None:
                writer.set_cross_section(*cross_section)
        files = [(summary.path, summary.events) for summary in summaries]
        refuse_repeated_gluinos(finder, temporary, files)
