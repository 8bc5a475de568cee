"""Artefacts on disk: event files (HDF5), JSON and CSV, each written beside and then renamed."""

from __future__ import annotations

import csv
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from hepdensity.events import Events

OPTIONAL_DATASETS = ("helicities", "colour_order", "weights", "alpha_s")
OPTIONAL_ATTRIBUTES = ("cross_section", "cross_section_error", "drawn", "invalid")
CHUNK_EVENTS = 8192


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it on success and removed on error.

    The temporary name ends like `path`, so writers that look at suffixes see the same ones.

    Args:
        path: The file to appear; its folder is made if need be.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class EventWriter:
    """Write an HDF5 event file piece by piece, with bounded memory.

    Use as a context manager on a path of `atomic_path`. The pieces must agree in process, energy,
    mass, source and in which optional arrays they have; cross-section and `drawn` are those of the
    first piece unless `set_cross_section` is called.
    """

    def __init__(self, path: str | Path, provenance: Mapping[str, Any]) -> None:
        """Create the file.

        Args:
            path: File to write.
            provenance: Run record, see `hepdensity.provenance.record`.
        """
        self._file = h5py.File(path, "w")
        self._file.attrs["provenance"] = json.dumps(provenance, sort_keys=True, default=_for_json)
        self._header: dict[str, Any] | None = None

    def __enter__(self) -> EventWriter:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def append(self, events: Events) -> None:
        """Add events at the end of the file.

        Args:
            events: The piece to add.

        Raises:
            ValueError: If the piece does not fit the previous ones.
        """
        header = _header(events)
        if self._header is None:
            self._header = header
            self._create(events, header)
        if header != self._header:
            raise ValueError(f"events with {header} cannot be added to events with {self._header}")
        for name in header["datasets"]:
            dataset = self._file[name]
            dataset.resize(len(dataset) + len(events), axis=0)
            dataset[len(dataset) - len(events) :] = getattr(events, name)

    def set_cross_section(self, value: float, error: float) -> None:
        """Set the cross-section and its standard error [pb]."""
        self._file.attrs["cross_section"] = value
        self._file.attrs["cross_section_error"] = error

    def _create(self, events: Events, header: Mapping[str, Any]) -> None:
        for name in header["datasets"]:
            values = getattr(events, name)
            self._file.create_dataset(
                name,
                shape=(0, *values.shape[1:]),
                maxshape=(None, *values.shape[1:]),
                chunks=(CHUNK_EVENTS, *values.shape[1:]),
                dtype=values.dtype,
            )
        for name in ("process", "sqrt_s", "mass", "source"):
            self._file.attrs[name] = header[name]
        for name in OPTIONAL_ATTRIBUTES:
            if getattr(events, name) is not None:
                self._file.attrs[name] = getattr(events, name)


def write_events(path: str | Path, events: Events, provenance: Mapping[str, Any]) -> None:
    """Write events to an HDF5 event file.

    Args:
        path: File to write; it appears only when complete.
        events: The events.
        provenance: Run record, see `hepdensity.provenance.record`.
    """
    with atomic_path(path) as temporary, EventWriter(temporary, provenance) as writer:
        writer.append(events)


def read_events(path: str | Path, start: int = 0, stop: int | None = None) -> Events:
    """Read events from an HDF5 event file.

    Args:
        path: File written by `write_events` or `EventWriter`.
        start: First event, 0-based.
        stop: One past the last event; the end of the file if None.

    Returns:
        The events.

    Raises:
        ValueError: If the file is not an event file.
    """
    with _open_events(path) as file:
        wanted = slice(start, stop)
        arrays = {name: file[name][wanted] for name in OPTIONAL_DATASETS if name in file}
        scalars = {
            name: file.attrs[name].item() for name in OPTIONAL_ATTRIBUTES if name in file.attrs
        }
        try:
            return Events(
                momenta=file["momenta"][wanted],
                sqrt_s=float(file.attrs["sqrt_s"]),
                mass=float(file.attrs["mass"]),
                source=str(file.attrs["source"]),
                **arrays,
                **scalars,
            )
        except ValueError as error:
            raise ValueError(f"{path}: {error}; write the event file anew") from error


def count_events(path: str | Path) -> int:
    """Number of events in an HDF5 event file.

    Args:
        path: File written by `write_events` or `EventWriter`.

    Raises:
        ValueError: If the file is not an event file.
    """
    with _open_events(path) as file:
        return len(file["momenta"])


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Run record of an HDF5 artefact.

    Args:
        path: An HDF5 file with the attribute `provenance`.
    """
    with h5py.File(path, "r") as file:
        record: dict[str, Any] = json.loads(file.attrs["provenance"])
        return record


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, numpy scalars and paths included; not-a-number is refused.

    Args:
        path: File to write.
        content: Anything JSON can hold.

    Raises:
        ValueError: If a number is not finite.
    """
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, default=_for_json)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Args:
        path: File to read.

    Raises:
        ValueError: If it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON file ({error}); write it anew") from error


def write_table(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write rows as CSV; None becomes an empty field, floats keep all their digits.

    Args:
        path: File to write.
        rows: At least one row; all have the same columns in the same order.
        provenance: Run record, written beside the table as JSON; None where another file of the
            same run has it.

    Raises:
        ValueError: If there is no row or the columns differ.
    """
    if not rows:
        raise ValueError(f"{path}: a table needs at least one row")
    columns = list(rows[0])
    if any(list(row) != columns for row in rows):
        raise ValueError(f"{path}: the rows of a table must have the same columns")
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[_plain(value) for value in row.values()] for row in rows])
    if provenance is not None:
        write_json(Path(path).with_suffix(".json"), {"provenance": provenance})


def read_table(path: str | Path) -> list[dict[str, Any]]:
    """Read a CSV written by `write_table`.

    Args:
        path: File to read.

    Returns:
        One dict per row; numbers are parsed, empty fields are None.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [{name: _parse(text) for name, text in row.items()} for row in csv.DictReader(file)]


@contextmanager
def _open_events(path: str | Path) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened as HDF5 ({error})") from error
    with file:
        missing = [
            name for name in ("process", "sqrt_s", "mass", "source") if name not in file.attrs
        ]
        if "momenta" not in file or missing:
            raise ValueError(f"{path}: not an event file; write it with an ingest rule")
        yield file


def _header(events: Events) -> dict[str, Any]:
    present = [name for name in OPTIONAL_DATASETS if getattr(events, name) is not None]
    return {
        "process": events.process,
        "sqrt_s": events.sqrt_s,
        "mass": events.mass,
        "source": events.source,
        "datasets": ["momenta", *present],
    }


def _for_json(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _plain(value: Any) -> Any:
    """Turn numpy scalars into Python's, whose text form carries all digits."""
    return value.item() if isinstance(value, np.generic) else value


def _parse(text: str) -> Any:
    if text == "":
        return None
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
