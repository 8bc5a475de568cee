"""Read tables that pandas wrote to HDF5 with `format="table"`, without pandas or PyTables.

Such a table is a compound dataset `<key>/table`. Its fields are `index`, blocks of columns of one
type, `values_block_0`, `values_block_1`, ..., and single columns under their own names. The names
of the columns of a block are a pickled list of text in the attribute `<block>_kind`; only the
strings in it are taken, and nothing is unpickled. Refused are tables of `format="fixed"`, blocks
whose names are no text (columns of several levels), and data compressed with a filter that HDF5
lacks here (blosc, unless the package hdf5plugin is installed).
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hepdensity.files import open_input
from hepdensity.ingest.validation import place_error

_BLOCK, _INDEX = "values_block_", "index"
_TABLE_REMEDY = "write it with pandas, DataFrame.to_hdf(..., format='table')"
_AGAIN = "copy or download it again"
_STRINGS = {
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE"),
    *("SHORT_BINUNICODE", "BINUNICODE8"),
}
_BOOKKEEPING = {
    *("PROTO", "FRAME", "MARK", "STOP", "LIST", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
}


class PandasTable:
    """An open table.

    Attributes:
        rows: Number of rows.
        columns: Name of each column -> field of the dataset, and place in the field.
    """

    def __init__(self, path: str | Path, dataset: Any) -> None:
        """Find the columns.

        Args:
            path: The file.
            dataset: The dataset.

        Raises:
            ValueError: If the names of the columns cannot be read.
        """
        self._path, self._dataset = path, dataset
        self.rows = len(dataset)
        self.columns: dict[str, tuple[str, int]] = {}
        for field in dataset.dtype.names:
            if field == _INDEX:
                continue
            names = self._names(field) if field.startswith(_BLOCK) else [field]
            self.columns |= {name: (field, i) for i, name in enumerate(names)}

    def read(self, names: Sequence[str], start: int, stop: int) -> np.ndarray:
        """Columns of some rows.

        Args:
            names: Columns that the table has.
            start: First row.
            stop: One past the last row.

        Returns:
            Float64, shape (rows, columns).

        Raises:
            ValueError: If the data are damaged.
        """
        fields = list(dict.fromkeys(self.columns[name][0] for name in names))
        try:
            blocks = {field: self._dataset.fields(field)[start:stop] for field in fields}
        except OSError as error:
            problem = f"rows {start + 1} to {stop} are damaged or cut off ({error})"
            raise place_error(self._path, None, problem, _AGAIN) from error
        found = np.empty((len(blocks[fields[0]]), len(names)))
        for field in fields:
            block = blocks[field].reshape(len(found), -1)
            places = [i for i, name in enumerate(names) if self.columns[name][0] == field]
            found[:, places] = block[:, [self.columns[names[i]][1] for i in places]]
        return found

    def _names(self, field: str) -> list[str]:
        """Names of the columns of a block."""
        count = int(np.prod(self._dataset.dtype[field].shape, dtype=int))
        stored = self._dataset.attrs.get(f"{field}_kind")
        names = None if stored is None else pickled_names(bytes(stored))
        if names is None or len(names) != count:
            problem = f"the names of the {count} columns of {field} cannot be read"
            raise place_error(self._path, None, problem, _TABLE_REMEDY)
        return names


def pickled_names(data: bytes) -> list[str] | None:
    """Strings of a pickled list of strings, without unpickling it.

    Args:
        data: The pickle.

    Returns:
        The strings in order, or None if it is anything but a list of strings.
    """
    names: list[str] = []
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name in _STRINGS:
                names.append(str(argument))
            elif operation.name not in _BOOKKEEPING:
                return None
    except ValueError:
        return None
    return names


@contextmanager
def open_table(path: str | Path, key: str) -> Iterator[PandasTable]:
    """Open a table.

    Args:
        path: The file.
        key: Name of the table.

    Yields:
        The table, with at least one row.

    Raises:
        ValueError: If the file cannot be opened, is damaged, or has no such table.
    """
    with open_input(path):
        pass  # A missing file or a folder gets our message.
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        problem = f"cannot be opened as HDF5; it is another kind of file or cut off ({error})"
        raise place_error(path, None, problem, _AGAIN) from error
    with file:
        yield PandasTable(path, _dataset(path, file, key))


def _dataset(path: str | Path, file: h5py.File, key: str) -> Any:
    if key not in file:
        problem = f"there is no table {key!r}; the file has {', '.join(file) or 'nothing'}"
        raise place_error(path, None, problem, f"store it under the key {key!r}")
    group = file[key]
    dataset = group.get("table") if isinstance(group, h5py.Group) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.names is None:
        fixed = isinstance(group, h5py.Group) and "axis0" in group
        kind = "of format 'fixed'" if fixed else "not a table of pandas"
        raise place_error(path, None, f"{key!r} is {kind}", _TABLE_REMEDY)
    if len(dataset) == 0:
        raise place_error(path, None, f"the table {key!r} has no rows", _AGAIN)
    if lacking := _lacking_filters(dataset):
        problem = f"the table {key!r} is compressed with {', '.join(lacking)}, which HDF5 lacks"
        remedy = "install the package hdf5plugin, or repack it: ptrepack --complib=zlib"
        raise place_error(path, None, problem, remedy)
    return dataset


def _lacking_filters(dataset: Any) -> list[str]:
    """Names of the filters that the data need and HDF5 does not have."""
    settings = dataset.id.get_create_plist()
    used = [settings.get_filter(i) for i in range(settings.get_nfilters())]
    if all(h5py.h5z.filter_avail(of[0]) for of in used):
        return []
    with suppress(ImportError):
        import_module("hdf5plugin")  # Importing it registers its filters.
    return [of[3].decode() or f"filter {of[0]}" for of in used if not h5py.h5z.filter_avail(of[0])]
