"""Ingest the public CSV files of Verheyen (2022, arXiv:2205.01697; Zenodo 6519993).

The files have no header and no alpha_s. A four-gluino file has 27 columns: the momenta
(E, px, py, pz) [GeV] of the gluinos, six helicities (incoming gluons first) and five colours. The
colours are the positions of legs 1 to 5 in the colour order after leg 0. A two-gluino file has the
8 columns of the momenta.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.files import atomic_path
from hepdensity.ingest.compression import damage_as_fault, open_plain
from hepdensity.ingest.event_file import EventWriter
from hepdensity.ingest.gluino_repeats import gluino_words, refuse_repeated_gluinos
from hepdensity.ingest.repeats import RepeatFinder
from hepdensity.ingest.validation import (
    Check,
    Fault,
    Tolerance,
    check_kinematics,
    finite_check,
    helicity_check,
    input_error,
    raise_first,
)
from hepdensity.physics.colour_order import positions_to_order
from hepdensity.physics.events import N_INCOMING, PROCESSES, Events, invariant_mass

logger = logging.getLogger(__name__)

BLOCK_EVENTS = 20_000
LABELLED = "four_gluino"
"""The process whose file contains helicities and colours."""


def ingest_csv(
    path: str | Path,
    output: str | Path,
    process: str,
    provenance: Mapping[str, Any],
    tolerance: Tolerance | None = None,
) -> int:
    """Read a CSV file into an HDF5 event file, which appears only if the input is valid.

    The file may be compressed (gzip, bzip2, xz), begin with a byte-order mark and end with blank
    lines. The energy and the mass of the events are the medians over the first block.

    Args:
        path: The CSV file; the line number is the event number.
        output: Event file to write.
        process: A key of `hepdensity.physics.events.PROCESSES`.
        provenance: Run record.
        tolerance: Allowed deviations.

    Returns:
        Number of events.

    Raises:
        ValueError: If the input is invalid or an event occurs twice; names the file and the event.
    """
    path = Path(path)
    reader = _BlockReader(path, process, tolerance or Tolerance())
    finder = RepeatFinder()
    with atomic_path(output) as temporary:
        with EventWriter(temporary, provenance) as writer:
            for rows in _blocks(path, columns_of(process)):
                events = reader.to_events(rows)
                writer.append(events)
                finder.add(gluino_words(events))
        if reader.count == 0:
            raise input_error(path, 1, "the file has only blank lines", "download it again")
        refuse_repeated_gluinos(finder, temporary, [(path, reader.count)])
    logger.info("%s: %d events", path, reader.count)
    return reader.count


def columns_of(process: str) -> int:
    """Number of columns in the file of a process.

    Args:
        process: A key of `hepdensity.physics.events.PROCESSES`.
    """
    n_out = PROCESSES[process]
    labels = N_INCOMING + n_out + (1 + n_out)
    return 4 * n_out + (labels if process == LABELLED else 0)


def _blocks(path: Path, columns: int) -> Iterator[np.ndarray]:
    """Yield rows of numbers, shape (n, columns)."""
    count = 0
    with open_plain(path) as plain, io.TextIOWrapper(plain, encoding="utf-8-sig") as file:
        content = _without_blank_end(file)
        while lines := _next_lines(path, content, count):
            yield _parse(path, count, lines, columns)
            count += len(lines)


def _without_blank_end(lines: Iterable[str]) -> Iterator[str]:
    """Yield all lines except blank ones at the end."""
    blank = 0
    for line in lines:
        if line.strip():
            yield from repeat("\n", blank)
            blank = 0
            yield line
        else:
            blank += 1


def _next_lines(path: Path, lines: Iterator[str], count: int) -> list[str]:
    try:
        with damage_as_fault():
            return list(islice(lines, BLOCK_EVENTS))
    except Fault as fault:
        raise input_error(path, count + 1, fault.problem, fault.remedy) from fault
    except UnicodeDecodeError as error:
        problem = f"there is a byte that is not text in or after this line ({error.reason})"
        raise input_error(path, count + 1, problem, "give a CSV file of numbers") from error


def _parse(path: Path, offset: int, lines: list[str], columns: int) -> np.ndarray:
    remedy = "give the complete file of this process, without a header"
    for i, line in enumerate(lines):
        found = line.count(",") + 1 if line.strip() else 0
        if found != columns:
            problem = f"{found} columns instead of {columns}"
            raise input_error(path, offset + i + 1, problem, remedy)
    try:
        return np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    except ValueError:
        bad = next(i for i, line in enumerate(lines) if not _is_numeric(line))
        raise input_error(path, offset + bad + 1, "a field is not a number", remedy) from None


def _is_numeric(line: str) -> bool:
    try:
        np.loadtxt([line], delimiter=",", comments=None)
    except ValueError:
        return False
    return True


class _BlockReader:
    """Turns blocks of rows of one file into events and checks them."""

    def __init__(self, path: Path, process: str, tolerance: Tolerance) -> None:
        self.count = 0
        self._path = path
        self._n_out = PROCESSES[process]
        self._labelled = process == LABELLED
        self._tolerance = tolerance
        self._sqrt_s = self._mass = float("nan")

    def to_events(self, rows: np.ndarray) -> Events:
        """Check a block and convert it.

        Args:
            rows: Numbers of the file, shape (n, columns).
        """
        momenta = rows[:, : 4 * self._n_out].reshape(-1, self._n_out, 4)
        if self.count == 0:
            self._sqrt_s = float(np.median(momenta[:, :, 0].sum(axis=1)))
            self._mass = float(np.median(invariant_mass(momenta)))
            if not self._mass > 0 and np.isfinite(momenta).all():
                problem = "the gluino mass must be positive (E^2 - p^2)"
                remedy = "give the columns E, px, py, pz for each gluino"
                raise input_error(self._path, 1, problem, remedy)
        finite = finite_check(rows, "momenta or labels")
        kinematics = check_kinematics(momenta, self._sqrt_s, self._mass, self._tolerance)
        legs = N_INCOMING + self._n_out
        helicities, positions = np.split(rows[:, 4 * self._n_out :], [legs], axis=1)
        labels = [helicity_check(helicities), _colour_check(positions)] if self._labelled else []
        raise_first(self._path, self.count, [finite, *kinematics, *labels])
        self.count += len(rows)
        return Events(
            momenta=momenta,
            sqrt_s=self._sqrt_s,
            mass=self._mass,
            source="csv",
            helicities=helicities if self._labelled else None,
            colour_order=positions_to_order(positions) if self._labelled else None,
        )


def _colour_check(positions: np.ndarray) -> Check:
    bad = (np.sort(positions, axis=1) != np.arange(positions.shape[1])).any(axis=1)
    return Check(
        bad, "the colour columns are not a permutation of 0 to 4", "download the file again"
    )
