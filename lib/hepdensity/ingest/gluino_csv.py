"""Ingest the public CSV files of Verheyen (2022, arXiv:2205.01697; Zenodo 6519993).

They have no header. Four gluinos: 27 columns, momenta (E, px, py, pz) [GeV] of the gluinos, six
helicities (incoming gluons first), five colour columns, which are the positions of legs 1 to 5 in
the colour order behind leg 0. Two gluinos: 8 columns of momenta. Neither has alpha_s.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.ingest.event_file import EventWriter
from hepdensity.ingest.validation import (
    Check,
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
"""The process whose file has helicities and colours."""


def ingest_csv(
    path: str | Path,
    output: str | Path,
    process: str,
    provenance: Mapping[str, Any],
    tolerance: Tolerance | None = None,
) -> int:
    """Read a CSV file into an HDF5 event file, which appears only when all of it is right.

    Energy and mass of the data set are the medians over the first block of events.

    Args:
        path: The CSV file; event number = line number.
        output: Event file to write.
        process: A key of `hepdensity.physics.events.PROCESSES`.
        provenance: Run record.
        tolerance: Allowed deviations.

    Returns:
        Number of events.

    Raises:
        ValueError: Naming file and event, if anything is wrong with the input.
    """
    path = Path(path)
    reader = _BlockReader(path, process, tolerance or Tolerance())
    with EventWriter(output, provenance) as writer:
        for rows in _blocks(path, columns_of(process)):
            writer.append(reader.to_events(rows))
        if reader.count == 0:
            raise input_error(path, 1, "the file is empty", "download it anew")
    logger.info("%s: %d events", path, reader.count)
    return reader.count


def columns_of(process: str) -> int:
    """Number of columns of a process's file.

    Args:
        process: A key of `hepdensity.physics.events.PROCESSES`.
    """
    n_out = PROCESSES[process]
    labels = N_INCOMING + n_out + (1 + n_out)
    return 4 * n_out + (labels if process == LABELLED else 0)


def _blocks(path: Path, columns: int) -> Iterator[np.ndarray]:
    """Yield rows of numbers, shape (n, columns)."""
    count = 0
    try:
        with path.open(encoding="ascii") as file:
            while lines := list(islice(file, BLOCK_EVENTS)):
                yield _parse(path, count, lines, columns)
                count += len(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise input_error(path, count + 1, f"cannot be read ({error})", "check the file") from error


def _parse(path: Path, offset: int, lines: list[str], columns: int) -> np.ndarray:
    remedy = "give the file of this process, complete and without header"
    for i, line in enumerate(lines):
        found = line.count(",") + 1 if line.strip() else 0
        if found != columns:
            problem = f"{found} columns where there should be {columns}"
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
    """Turn blocks of rows of one file into events, checking them."""

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
    return Check(bad, "the colour columns are no permutation of 0 to 4", "download the file anew")
