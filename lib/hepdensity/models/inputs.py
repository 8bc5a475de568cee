"""Inputs files (HDF5): events of a dataset in the columns that models take, in named groups.

Groups are `train`, `validation`, `test` and any others that are scored. Each group contains
`events`, float64 of shape (n, d), and arrays that only the study reads. The layout of the columns
is an attribute of the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from hepdensity.files import CHUNK_EVENTS, atomic_h5
from hepdensity.models.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor

EVENTS = "events"
_RESERVED = ("layout", "provenance")


class InputsWriter(AbstractContextManager["InputsWriter"]):
    """Writes an inputs file block by block; the file appears only when complete."""

    def __init__(
        self,
        path: str | Path,
        layout: Layout,
        provenance: Mapping[str, Any],
        **attributes: str | float,
    ) -> None:
        """Set what all events share.

        Args:
            path: File to write.
            layout: Columns of the events.
            provenance: Run record (see `hepdensity.provenance.record`).
            attributes: Other facts about the events that the study needs.
        """
        self._path, self._layout = path, layout
        self._attributes = {
            **attributes,
            "layout": json.dumps(layout.to_json(), sort_keys=True),
            "provenance": json.dumps(provenance, sort_keys=True),
        }

    def __enter__(self) -> InputsWriter:
        """Open a temporary file beside the path."""
        with ExitStack() as stack:
            self._file = stack.enter_context(atomic_h5(self._path))
            self._file.attrs.update(self._attributes)
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file, and rename it unless there was an error."""
        self._opened.__exit__(kind, error, traceback)

    def write(
        self, group: str, rows: int, start: int, events: np.ndarray, **arrays: np.ndarray
    ) -> None:
        """Write a block of events.

        Args:
            group: Name of the group.
            rows: Total number of events in the group.
            start: Index of the first event of the block.
            events: Columns of the layout, shape (n, d).
            arrays: Other arrays that the study needs, shape (n, ...) each.

        Raises:
            ValueError: If the events do not have the columns of the layout.
            DiskFull: If there is not enough space.
        """
        if events.ndim != 2 or events.shape[1] != self._layout.features:
            raise ValueError(
                f"{self._path}: the events have shape {events.shape}, but the layout has"
                f" {self._layout.features} columns"
            )
        target = self._file.require_group(group)
        for name, values in {EVENTS: events.astype(np.float64, copy=False), **arrays}.items():
            if name not in target:
                shape = (rows, *values.shape[1:])
                chunks = (min(CHUNK_EVENTS, rows), *shape[1:]) if rows else None
                target.create_dataset(name, shape=shape, dtype=values.dtype, chunks=chunks)
            target[name][start : start + len(values)] = values
        self._file.check_space()


def read_layout(path: str | Path) -> Layout:
    """Layout of the events in an inputs file.

    Raises:
        ValueError: If it is not an inputs file.
    """
    with _opened(path) as file:
        return Layout.from_json(json.loads(file.attrs["layout"]))


def read_attributes(path: str | Path) -> dict[str, Any]:
    """Facts that the study stored about all events of an inputs file.

    Raises:
        ValueError: If it is not an inputs file.
    """
    with _opened(path) as file:
        return {name: value for name, value in file.attrs.items() if name not in _RESERVED}


def read_array(
    path: str | Path, group: str, name: str = EVENTS, count: int | None = None
) -> np.ndarray:
    """Read one array of a group.

    Args:
        path: Inputs file.
        group: Name of the group.
        name: Name of the array; the events themselves by default.
        count: Number of events, counted from the first; all if None.

    Raises:
        ValueError: If there is no such group or array, or it has fewer events.
    """
    with _opened(path) as file:
        if group not in file:
            raise ValueError(f"{path}: there is no group {group}, only {', '.join(file)}")
        if name not in file[group]:
            raise ValueError(f"{path}: the group {group} has no array {name}")
        values: np.ndarray = file[group][name][:count]
    if count is not None and len(values) < count:
        raise ValueError(
            f"{path}: the group {group} has {len(values)} events, but {count} are needed; lower"
            " n_train or provide more events"
        )
    return values


def read_batch(path: str | Path, group: str, count: int | None = None) -> Tensor:
    """Read events in the form that models take, float64, shape (n, d).

    Args:
        path: Inputs file.
        group: Name of the group.
        count: Number of events, counted from the first; all if None.

    Raises:
        ValueError: If there is no such group, or it has fewer events.
    """
    import torch  # Takes a second, and tables and figures read arrays only.

    return torch.from_numpy(read_array(path, group, EVENTS, count))


def group_sizes(path: str | Path) -> dict[str, int]:
    """Number of events of each group of an inputs file."""
    with _opened(path) as file:
        return {name: len(group[EVENTS]) for name, group in file.items()}


def _opened(path: str | Path) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read as HDF5 ({error})") from error
    if "layout" not in file.attrs:
        file.close()
        raise ValueError(f"{path}: not an inputs file; use one written by a preprocess rule")
    return file
