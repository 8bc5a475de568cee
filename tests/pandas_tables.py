"""Small HDF5 files as pandas writes tables with PyTables, for tests."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np


def write_table(
    path: Path,
    columns: Mapping[str, np.ndarray],
    key: str = "table",
    own: Sequence[str] = (),
    protocol: int = 0,
    **storage: object,
) -> Path:
    """Write columns as `DataFrame.to_hdf(path, key=key, format="table")` does.

    Columns of one type share a block; those in `own` are data columns, with fields of their own.
    """
    n = len(next(iter(columns.values())))
    blocks: dict[np.dtype, list[str]] = {}
    for name, values in columns.items():
        if name not in own:
            blocks.setdefault(values.dtype, []).append(name)
    fields: list[tuple] = [("index", "<i8")]
    fields += [
        (f"values_block_{i}", dtype, (len(names),))
        for i, (dtype, names) in enumerate(blocks.items())
    ]
    fields += [(name, columns[name].dtype) for name in own]
    rows = np.zeros(n, dtype=fields)
    rows["index"] = np.arange(n)
    for i, names in enumerate(blocks.values()):
        rows[f"values_block_{i}"] = np.stack([columns[name] for name in names], axis=1)
    for name in own:
        rows[name] = columns[name]
    with h5py.File(path, "w") as file:
        group = file.create_group(key)
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        dataset = group.create_dataset("table", data=rows, maxshape=(None,), **storage)
        for i, names in enumerate(blocks.values()):
            pickled = pickle.dumps(names, protocol)
            stored = np.bytes_(pickled) if protocol == 0 else np.void(pickled)
            dataset.attrs[f"values_block_{i}_kind"] = stored
    return path


def jet_columns(momenta: np.ndarray, **columns: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of the top-tagging data set, from momenta (E, px, py, pz) of shape (n, places, 4)."""
    found = {
        f"{name}_{i}": momenta[:, i, j].astype(np.float32)
        for i in range(momenta.shape[1])
        for j, name in enumerate(("E", "PX", "PY", "PZ"))
    }
    truth = {f"truth{name}": np.zeros(len(momenta), np.float32) for name in ("E", "PX", "PY", "PZ")}
    return {**found, **truth, **columns}
