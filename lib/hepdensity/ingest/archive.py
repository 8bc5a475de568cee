"""Open a file that may be a member of a tar archive."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hepdensity.files import open_input
from hepdensity.ingest.compression import AGAIN, damage_as_fault, open_plain, unpacked
from hepdensity.ingest.validation import Fault, place_error

_MOST_NAMES = 8


@contextmanager
def open_member(path: str | Path, member: str | None) -> Iterator[IO[bytes]]:
    """Open a file or a member of an archive for reading its uncompressed bytes.

    Members of plain archives are reached directly. Archives that are compressed as a whole must be
    read up to the member, or once to the end if its path is not given in full.

    Args:
        path: A plain, gzip, bzip2 or xz file, or a tar archive, compressed or not.
        member: Path in the archive, or the end of this path if no other member ends with it; None
            if this is not an archive.

    Yields:
        The file at its beginning. Wrap the reading in `damage_as_fault`.

    Raises:
        ValueError: If the file cannot be opened, is empty, or is another kind of file, or if there
            is no such member or more than one.
    """
    with open_input(path):
        pass  # A missing file or a folder gets our message.
    archive = _is_archive(path)
    if member is None and not archive:
        with open_plain(path) as plain:
            yield plain
        return
    if not archive:
        raise place_error(path, None, "this is not a tar archive", "give it without a member")
    with tarfile.open(path) as content:
        file = content.extractfile(_found(path, content, member))
        assert file is not None  # only directories have none
        with file, unpacked(f"{path} ({member})", file) as plain:
            yield plain


def _is_archive(path: str | Path) -> bool:
    try:
        with damage_as_fault():
            return tarfile.is_tarfile(path)
    except Fault:
        return False  # The error comes when the file is read.


def _found(path: str | Path, content: tarfile.TarFile, member: str | None) -> tarfile.TarInfo:
    files = []
    try:
        with damage_as_fault():
            for info in content:
                if info.isfile():
                    files.append(info)
                    if info.name == member:
                        return info
    except (Fault, tarfile.TarError) as error:
        problem = f"the archive is truncated or damaged ({error})"
        raise place_error(path, None, problem, AGAIN) from error
    fitting = [info for info in files if member and info.name.endswith(f"/{member}")]
    if len(fitting) == 1:
        return fitting[0]
    names = [info.name for info in fitting or files]
    told = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
    problem = f"this is a tar archive with {told or 'no files'}"
    if member:
        number = f"{len(fitting)} files" if fitting else "no file"
        problem = f"the archive has {number} {member!r}, but {told or 'nothing'}"
    raise place_error(path, None, problem, "name one of its files in `member`")
