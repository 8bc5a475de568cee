"""Event files of reconstructed events (HDF5), written piece by piece and read in slices.

The datasets have the names, types and shapes of the attributes of `ObjectEvents`; `process` is text
in UTF-8 of at most `NAME_BYTES` bytes. Attributes: `provenance`, and for simulated samples
`cross_section` [pb] and `generated`, the number of events generated before any cut. Then each event
stands for `cross_section / generated` [pb] times its relative `weight`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from hepdensity.files import CHUNK_EVENTS, atomic_h5, for_json
from hepdensity.physics.objects import MOST_OBJECTS, ObjectEvents

NAME_BYTES = 64
"""Longest name of a process [bytes]."""

_TEXT = h5py.string_dtype("utf-8", NAME_BYTES)
_DATASETS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "met": (np.float64, ()),
    "met_phi": (np.float64, ()),
    "weight": (np.float64, ()),
    "process": (_TEXT, ()),
    "event_id": (np.int64, ()),
    "type": (np.int8, (MOST_OBJECTS,)),
    "energy": (np.float32, (MOST_OBJECTS,)),
    "pt": (np.float32, (MOST_OBJECTS,)),
    "eta": (np.float32, (MOST_OBJECTS,)),
    "phi": (np.float32, (MOST_OBJECTS,)),
    "order": (np.int8, (MOST_OBJECTS,)),
}
# Most places hold no object, so the fastest level already makes files about five times smaller.
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@dataclass(frozen=True)
class Sample:
    """What is known of the events of a file as a whole.

    Attributes:
        cross_section: Cross-section of the process before any cut [pb], or None.
        generated: Number of events generated before any cut, or None.
        mean_weight: Mean weight of the events generated, or None.
    """

    cross_section: float | None = None
    generated: int | None = None
    mean_weight: float | None = None


class ObjectWriter:
    """Write an event file piece by piece, with bounded memory.

    Use as a context manager; the file appears if the block ends without an error.
    """

    def __init__(
        self, path: str | Path, provenance: Mapping[str, Any], sample: Sample | None = None
    ) -> None:
        """Prepare a writer.

        Args:
            path: File to write.
            provenance: Run record (see `hepdensity.provenance.record`).
            sample: What is known of the sample; `describe` can set it later.
        """
        self._path = Path(path)
        self._output = atomic_h5(path)
        self._provenance = json.dumps(provenance, sort_keys=True, default=for_json)
        self._sample = sample or Sample()

    def __enter__(self) -> ObjectWriter:
        """Create the file and return the writer."""
        self._file = self._output.__enter__()
        for name, (dtype, shape) in _DATASETS.items():
            self._file.create_dataset(
                name,
                shape=(0, *shape),
                maxshape=(None, *shape),
                chunks=(CHUNK_EVENTS, *shape),
                dtype=dtype,
                **_COMPRESSION,
            )
        self._file.attrs["provenance"] = self._provenance
        self.describe(self._sample)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file and move it to its final name, or remove it after an error."""
        self._output.__exit__(kind, error, traceback)

    def append(self, events: ObjectEvents) -> None:
        """Add events at the end of the file.

        Args:
            events: The events to add.

        Raises:
            ValueError: If the name of a process is too long.
            DiskFull: If there is not enough space.
        """
        values = {name: getattr(events, name) for name in _DATASETS}
        values["process"] = self._encoded(events.process)
        for name, array in values.items():
            dataset = self._file[name]
            dataset.resize(len(dataset) + len(events), axis=0)
            dataset[len(dataset) - len(events) :] = array
        self._file.check_space()

    def describe(self, sample: Sample) -> None:
        """Set what is known of the sample.

        Args:
            sample: The facts; those that are None are not stored.
        """
        for field in fields(sample):
            if getattr(sample, field.name) is not None:
                self._file.attrs[field.name] = getattr(sample, field.name)

    def _encoded(self, process: np.ndarray) -> np.ndarray:
        encoded = np.strings.encode(process.astype(np.str_), "utf-8")
        if encoded.dtype.itemsize > NAME_BYTES:
            longest = max(process.tolist(), key=len)
            problem = f"the name of the process {longest!r} has more than {NAME_BYTES} bytes"
            raise ValueError(f"{self._path}: {problem}; use a shorter name")
        return encoded.astype(_TEXT)


def read_objects(path: str | Path, start: int = 0, stop: int | None = None) -> ObjectEvents:
    """Read events from an event file.

    Args:
        path: File written by `ObjectWriter`.
        start: First event, counted from 0.
        stop: One past the last event, or None for the end of the file.

    Returns:
        The events.

    Raises:
        ValueError: If the file is not such a file.

    Example:
        >>> import tempfile
        >>> row = np.full((1, MOST_OBJECTS), np.nan, dtype=np.float32)
        >>> none = np.zeros((1, MOST_OBJECTS), dtype=np.int8)
        >>> one = np.ones(1)
        >>> name = np.array(["ttbar"])
        >>> events = ObjectEvents(one, one, one, name, one, none, row, row, row, row, none - 1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with ObjectWriter(f"{folder}/events.h5", {}) as writer:
        ...         writer.append(events)
        ...     read_objects(f"{folder}/events.h5").process.tolist()
        ['ttbar']
    """
    with _opened(path) as file:
        arrays = {name: file[name][start:stop] for name in _DATASETS}
    return ObjectEvents(**{**arrays, "process": _decoded(arrays["process"])})


def iterate_objects(path: str | Path, chunk_events: int = CHUNK_EVENTS) -> Iterator[ObjectEvents]:
    """Read the events of an event file in order.

    Args:
        path: File written by `ObjectWriter`.
        chunk_events: Number of events to read at a time.

    Yields:
        Events.

    Raises:
        ValueError: If the file is not such a file.
    """
    for start in range(0, count_objects(path), chunk_events):
        yield read_objects(path, start, start + chunk_events)


def count_objects(path: str | Path) -> int:
    """Number of events in an event file.

    Args:
        path: File written by `ObjectWriter`.

    Raises:
        ValueError: If the file is not such a file.
    """
    with _opened(path) as file:
        return len(file["met"])


def read_sample(path: str | Path) -> Sample:
    """What is known of the events of a file as a whole.

    Args:
        path: File written by `ObjectWriter`.

    Raises:
        ValueError: If the file is not such a file.
    """
    with _opened(path) as file:
        names = (field.name for field in fields(Sample))
        return Sample(**{name: file.attrs[name].item() for name in names if name in file.attrs})


def _decoded(names: np.ndarray) -> np.ndarray:
    """Text of names; most are equal to the one before, so only changes are decoded."""
    if len(names) == 0:
        return np.empty(0, dtype=np.str_)
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    texts = np.array([name.decode("utf-8") for name in names[starts].tolist()])
    return np.repeat(texts, np.diff([*starts, len(names)]))


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened as HDF5 ({error})") from error
    with file:
        if missing := [name for name in _DATASETS if name not in file]:
            problem = f"not a file of reconstructed events, {', '.join(missing)} missing"
            raise ValueError(f"{path}: {problem}; give a file that an ingest rule wrote")
        yield file
