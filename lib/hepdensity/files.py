"""Artefacts on disk: JSON, CSV and HDF5, each written to a temporary file and then renamed."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hepdensity.disk import ForgivingFile, naming

CHUNK_EVENTS = 8192

DIGEST_BYTES = 64 * 2**20
"""Files up to this size are identified by their content; hashing takes at most 0.1 s."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on error.

    The temporary name has the same suffix as `path`, for writers that look at it.

    Args:
        path: The final file; its folder is created if needed.

    Raises:
        DiskFull: If there is not enough space.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


class OutputFile(h5py.File):
    """An HDF5 file being written; call `check_space` now and then while writing a large one."""

    def __init__(self, raw: ForgivingFile, path: Path) -> None:
        """Begin an empty file.

        Args:
            raw: File that receives the bytes.
            path: Name of the file in messages.
        """
        super().__init__(raw, "w")
        self._raw, self._path = raw, path

    def check_space(self) -> None:
        """Detect a full disk before the file is closed.

        Raises:
            DiskFull: If some data could not be written.
        """
        if self._raw.error is not None:
            with naming(self._path):
                raise self._raw.error


@contextmanager
def atomic_h5(path: str | Path) -> Iterator[OutputFile]:
    """Yield an HDF5 file to write; it appears at `path` on success and is removed on error.

    Unlike `h5py.File`, it survives a full disk.

    Args:
        path: The final file; its folder is created if needed.

    Raises:
        DiskFull: If there is not enough space.
    """
    with atomic_path(path) as temporary, ForgivingFile(temporary) as raw:
        try:
            with OutputFile(raw, Path(path)) as file:
                yield file
            raw.close()
        finally:
            # This also replaces the error that HDF5 raises about data it could not write.
            if raw.error is not None:
                raise raw.error


def expanded(path: str | Path) -> Path:
    """Replace a leading `~` or `~user` of a configured path by the home folder.

    Args:
        path: Path as written by the user.

    Raises:
        ValueError: If there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: there is no such user; write the path in full") from error


def open_input(path: str | Path) -> BufferedReader:
    """Open a user's file to read bytes.

    Args:
        path: The file.

    Raises:
        ValueError: If the file is missing, a folder or unreadable.
    """
    path = Path(path)
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        link = f"a link to {path.readlink()}, which does not exist" if path.is_symlink() else ""
        raise ValueError(f"{path}: {link or 'no such file'}; correct the path") from error
    except IsADirectoryError as error:
        raise ValueError(f"{path}: this is a folder; give the path of a file in it") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise ValueError(f"{path}: {problem}; check the path and its permissions") from error


def identity(path: str | Path) -> dict[str, Any]:
    """Identify the file at a path, so that a later replacement is noticed.

    Args:
        path: A file; links are followed, `~` is expanded.

    Returns:
        `path` (absolute, links resolved), `size` [bytes], and the `sha256` of files up to
        `DIGEST_BYTES`, `mtime_ns` for larger ones.

    Raises:
        ValueError: If the file is missing, a folder, unreadable or not a regular file.
    """
    path = expanded(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError(f"{path}: this is a pipe or a device; give the path of a regular file")
    with open_input(path) as file:
        status = os.fstat(file.fileno())
        known: dict[str, Any] = {"path": str(path.resolve()), "size": status.st_size}
        if status.st_size <= DIGEST_BYTES:
            return {**known, "sha256": _sha256(path.resolve(), status.st_size, status.st_mtime_ns)}
        return {**known, "mtime_ns": status.st_mtime_ns}


# Checks and params of the workflow identify the same files several times while it is parsed.
@cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Digest of the file of this size and time of modification."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Run record of an HDF5 artefact.

    Args:
        path: An HDF5 file with the attribute `provenance`.
    """
    with h5py.File(path, "r") as file:
        record: dict[str, Any] = json.loads(file.attrs["provenance"])
        return record


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON; numpy scalars and paths are converted, NaN and infinity are rejected.

    Args:
        path: File to write.
        content: Anything that JSON can represent.

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
        raise ValueError(
            f"{path}: not a JSON file ({error}); delete it and the next run will write it again"
        ) from error


def write_table(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV; None becomes an empty field and floats keep all their digits.

    Args:
        path: File to write.
        rows: At least one row; all rows have the same columns in the same order.

    Raises:
        ValueError: If there are no rows or their columns differ.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_table(f"{folder}/t.csv", [{"seed": 1, "auc": 0.5}, {"seed": 2, "auc": None}])
        ...     print(Path(f"{folder}/t.csv").read_text(), end="")
        seed,auc
        1,0.5
        2,
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
    """Read a CSV file written by `write_table`.

    Args:
        path: File to read.

    Returns:
        One dict per row; numbers are parsed, empty fields are None.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_table(f"{folder}/t.csv", [{"model": "sort", "seed": 1, "auc": None}])
        ...     read_table(f"{folder}/t.csv")
        [{'model': 'sort', 'seed': 1, 'auc': None}]
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [{name: _parse(text) for name, text in row.items()} for row in csv.DictReader(file)]


def for_json(value: Any) -> Any:
    """Turn numpy values, mappings and paths into values that JSON can represent."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _plain(value: Any) -> Any:
    """Turn numpy scalars into Python numbers, which print with all their digits."""
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
