"""Inputs files (HDF5): events of a dataset in the columns that models take, in named groups.

Groups are `train`, `validation`, `test` and whatever else is scored. Each holds `events`, float64
of shape (n, d), and arrays that only the study reads. The layout of the columns is an attribute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from hepdensity.files import CHUNK_EVENTS, atomic_h5
from hepdensity.models.layout import Layout

EVENTS = "events"
_RESERVED = ("layout", "provenance")


class InputsWriter(AbstractContextManager["InputsWriter"]):
    """Write an inputs file block by block; it appears only when complete."""

    def __init__(
        self,
        path: str | Path,
        layout: Layout,
        provenance: Mapping[str, Any],
        **attributes: str | float,
    ) -> None:
        """Name what all events share.

        Args:
            path: File to write.
            layout: Columns of the events.
            provenance: Run record, see `hepdensity.provenance.record`.
            attributes: What else the study wants to know of the events.
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
        """Close the file, and rename it if all went well."""
        self._opened.__exit__(kind, error, traceback)

    def write(
        self, group: str, rows: int, start: int, events: np.ndarray, **arrays: np.ndarray
    ) -> None:
        """Write a block of events.

        Args:
            group: Name of the group.
            rows: Number of events of the group in all.
            start: Place of the first event of the block.
            events: Columns of the layout, shape (n, d).
            arrays: What the study keeps beside them, shape (n, ...) each.

        Raises:
            ValueError: If the events do not have the columns of the layout.
            DiskFull: If there is no space for them.
        """
        if events.ndim != 2 or events.shape[1] != self._layout.features:
            raise ValueError(
                f"{self._path}: events of shape {events.shape} for a layout of"
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
    """Columns of the events of an inputs file.

    Raises:
        ValueError: If it is no inputs file.
    """
    with _opened(path) as file:
        return Layout.from_json(json.loads(file.attrs["layout"]))


def read_attributes(path: str | Path) -> dict[str, Any]:
    """What the study stored about all events of an inputs file.

    Raises:
        ValueError: If it is no inputs file.
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
        count: Number of events wanted, the first ones; all if None.

    Raises:
        ValueError: If there is no such group or array, or it has fewer events.
    """
    with _opened(path) as file:
        if group not in file:
            raise ValueError(f"{path}: no {group} events; this file has {', '.join(file)}")
        if name not in file[group]:
            raise ValueError(f"{path}: {group} events without {name}")
        values: np.ndarray = file[group][name][:count]
    if count is not None and len(values) < count:
        raise ValueError(
            f"{path}: {len(values)} {group} events, but {count} are needed; lower n_train or"
            " provide more events"
        )
    return values


def read_batch(path: str | Path, group: str, count: int | None = None) -> Tensor:
    """Read events as a model takes them, float64, shape (n, d).

    Args:
        path: Inputs file.
        group: Name of the group.
        count: Number of events wanted, the first ones; all if None.

    Raises:
        ValueError: As `read_array`.
    """
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
        raise ValueError(f"{path}: not an inputs file; a rule of the stage preprocess writes one")
    return file
