"""Handling of a full disk: one clear error, and HDF5 files that do not crash the process."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REASONS = {
    errno.ENOSPC: "no space left on device",
    errno.EDQUOT: "disk quota exceeded",
    errno.EFBIG: "file too large for this disk or for the limit set by ulimit -f",
}
"""Error number of the operating system -> its meaning."""

ADVICE = "free some space or choose a results folder on another disk"


class DiskFull(OSError):
    """A file cannot be written because the disk is full; a one-line message names the file."""

    def __str__(self) -> str:
        """The message, without the error number."""
        return str(self.strerror)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error means that the disk is full.

    Args:
        error: Any error.
    """
    return isinstance(error, OSError) and error.errno in REASONS


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Turn full-disk errors into `DiskFull`; if nested, the outermost call names the file.

    Args:
        path: The file that is being written.

    Raises:
        DiskFull: If there is not enough space.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise DiskFull(error.errno, f"{path}: {REASONS[error.errno]}; {ADVICE}") from error


class ForgivingFile(io.RawIOBase):
    """A file that stores the first write error and from then on only pretends to write.

    HDF5 crashes the process if it cannot write the remaining data when it closes a file. With this
    class it never sees an error; the caller must check `error`.

    Attributes:
        error: The first error, or None if there was none.
    """

    def __init__(self, path: str | Path) -> None:
        """Create the file.

        Args:
            path: File to write; an existing one is emptied.
        """
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of the data, or store the error."""
        left = memoryview(data).cast("B")
        size = len(left)
        while len(left) and self.error is None:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self.error = error
        return size

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The current position."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or store the error."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return 0 if size is None else size

    def close(self) -> None:
        """Close the file; some file systems report a full disk only now."""
        if not self._file.closed:
            try:
                self._file.close()
            except OSError as error:
                self.error = self.error or error
        super().close()
