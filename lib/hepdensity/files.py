"""Artefacts on disk: JSON, CSV and HDF5, each written beside and then renamed."""

from __future__ import annotations

import csv
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

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
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False, default=for_json)
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


def write_table(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV; None becomes an empty field, floats keep all their digits.

    Args:
        path: File to write.
        rows: At least one row; all have the same columns in the same order.

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


def read_table(path: str | Path) -> list[dict[str, Any]]:
    """Read a CSV written by `write_table`.

    Args:
        path: File to read.

    Returns:
        One dict per row; numbers are parsed, empty fields are None.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [{name: _parse(text) for name, text in row.items()} for row in csv.DictReader(file)]


def for_json(value: Any) -> Any:
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


def expanded(path: str | Path) -> Path:
    return Path(path).expanduser()


def identity(path: str | Path) -> dict[str, Any]:
    return {"path": str(path)}
