"""Event files of gg -> n gluinos (HDF5), written piece by piece and read in slices."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py

from hepdensity.files import CHUNK_EVENTS, atomic_h5, for_json
from hepdensity.physics.events import Events

OPTIONAL_DATASETS = ("helicities", "colour_order", "weights", "alpha_s")
OPTIONAL_ATTRIBUTES = ("cross_section", "cross_section_error", "drawn", "invalid")


class EventWriter:
    """Write an HDF5 event file piece by piece, with bounded memory.

    Use as a context manager; the file appears if the block ends without an error. All pieces must
    have the same process, energy, mass, source and optional arrays. `drawn` and the cross-section
    are those of the first piece, unless `set_cross_section` is called.
    """

    def __init__(self, path: str | Path, provenance: Mapping[str, Any]) -> None:
        """Prepare a writer.

        Args:
            path: File to write.
            provenance: Run record (see `hepdensity.provenance.record`).
        """
        self._output = atomic_h5(path)
        self._provenance = json.dumps(provenance, sort_keys=True, default=for_json)
        self._header: dict[str, Any] | None = None

    def __enter__(self) -> EventWriter:
        """Create the file and return the writer."""
        self._file = self._output.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file and move it to its final name, or remove it after an error."""
        self._output.__exit__(kind, error, traceback)

    def append(self, events: Events) -> None:
        """Add events at the end of the file.

        Args:
            events: The piece to add.

        Raises:
            ValueError: If the piece differs from the previous ones in process, energy, etc.
            DiskFull: If there is not enough space.
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
        self._file.check_space()

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
        self._file.attrs["provenance"] = self._provenance
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
        provenance: Run record (see `hepdensity.provenance.record`).

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> momenta = np.array([[[5.0, 0.0, 3.0, 0.0], [5.0, 0.0, -3.0, 0.0]]])
        >>> events = Events(momenta, sqrt_s=10.0, mass=4.0, source="embedded")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_events(f"{folder}/events.h5", events, provenance={})
        ...     count_events(f"{folder}/events.h5")
        1
    """
    with EventWriter(path, provenance) as writer:
        writer.append(events)


def read_events(path: str | Path, start: int = 0, stop: int | None = None) -> Events:
    """Read events from an HDF5 event file.

    Args:
        path: File written by `write_events` or `EventWriter`.
        start: First event, counted from 0.
        stop: One past the last event, or None for the end of the file.

    Returns:
        The events.

    Raises:
        ValueError: If the file is not an event file.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> momenta = np.array(3 * [[[5.0, 0.0, 3.0, 0.0], [5.0, 0.0, -3.0, 0.0]]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_events(f"{folder}/e.h5", Events(momenta, 10.0, 4.0, "embedded"), {})
        ...     events = read_events(f"{folder}/e.h5", start=1)
        >>> len(events), events.process, events.momenta.shape
        (2, 'two_gluino', (2, 2, 4))
    """
    with _open_events(path) as file:
        chosen = slice(start, stop)
        arrays = {name: file[name][chosen] for name in OPTIONAL_DATASETS if name in file}
        scalars = {
            name: file.attrs[name].item() for name in OPTIONAL_ATTRIBUTES if name in file.attrs
        }
        try:
            return Events(
                momenta=file["momenta"][chosen],
                sqrt_s=float(file.attrs["sqrt_s"]),
                mass=float(file.attrs["mass"]),
                source=str(file.attrs["source"]),
                **arrays,
                **scalars,
            )
        except ValueError as error:
            raise ValueError(
                f"{path}: {error}; delete this file and the next run will make it again"
            ) from error


def count_events(path: str | Path) -> int:
    """Number of events in an HDF5 event file.

    Args:
        path: File written by `write_events` or `EventWriter`.

    Raises:
        ValueError: If the file is not an event file.
    """
    with _open_events(path) as file:
        return len(file["momenta"])


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
            raise ValueError(f"{path}: not an event file; give a file written by an ingest rule")
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
