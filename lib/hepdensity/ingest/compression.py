"""Open input files by their first bytes; plain, gzip, bzip2 and xz files are read directly."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shlex
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from hepdensity.files import open_input
from hepdensity.ingest.validation import Fault, place_error

AGAIN = "copy, download or generate it again"
PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4", ".Z")

_Opener = Callable[[IO[bytes]], IO[bytes]]


@dataclass(frozen=True)
class _Kind:
    """A kind of file that is not plain text.

    Attributes:
        name: Name of the kind, with its article.
        magic: Bytes that identify it.
        remedy: What to do; {file} and {unpacked} are replaced by names quoted for a shell.
        offset: Position of `magic` in the file.
        opener: Function that reads the file directly, if there is one.
        layer: Whether it only wraps another file, and a command can unwrap it.
    """

    name: str
    magic: bytes
    remedy: str
    offset: int = 0
    opener: _Opener | None = None
    layer: bool = True

    def fits(self, head: bytes) -> bool:
        return head.startswith(self.magic, self.offset)


def _unpack(command: str) -> str:
    return f"unpack it with `{command} {{file}} > {{unpacked}}` and give {{unpacked}}"


_EXTRACT = "extract it with `{}` and give the file that was inside"
_GZIP = cast(_Opener, lambda file: gzip.GzipFile(fileobj=file))
_KINDS = (
    _Kind("a gzip file", b"\x1f\x8b", _unpack("gzip -dc"), opener=_GZIP),
    _Kind("a bzip2 file", b"BZh", _unpack("bzip2 -dc"), opener=cast(_Opener, bz2.BZ2File)),
    _Kind("an xz file", b"\xfd7zXZ\0", _unpack("xz -dc"), opener=cast(_Opener, lzma.LZMAFile)),
    _Kind("an lzma file", b"]\0\0", _unpack("xz -dc"), opener=cast(_Opener, lzma.LZMAFile)),
    _Kind("a Zstandard file", b"\x28\xb5\x2f\xfd", _unpack("unzstd -c")),
    _Kind("an lz4 file", b"\x04\x22\x4d\x18", _unpack("lz4 -dc")),
    _Kind("a compress file", b"\x1f\x9d", _unpack("gzip -dc")),
    _Kind("a zip archive", b"PK\x03\x04", _EXTRACT.format("unzip {file}")),
    _Kind("a 7-zip archive", b"7z\xbc\xaf\x27\x1c", _EXTRACT.format("7z x {file}")),
    # tar detects the compression of an archive.
    _Kind("a tar archive", b"ustar", _EXTRACT.format("tar -xf {file}"), offset=257, layer=False),
    _Kind("an HDF5 file", b"\x89HDF\r\n\x1a\n", "give the events as a text file", layer=False),
    _Kind("a ROOT file", b"root\0", "give the events as a text file", layer=False),
    _Kind("UTF-16 text", b"\xff\xfe", _unpack("iconv -f UTF-16 -t UTF-8"), layer=False),
    _Kind("UTF-16 text", b"\xfe\xff", _unpack("iconv -f UTF-16 -t UTF-8"), layer=False),
    _Kind("a Git LFS pointer", b"version https://git-lfs", "run `git lfs pull`", layer=False),
)
_WEB_PAGE = (b"<!doctype html", b"<html")


@contextmanager
def open_plain(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its uncompressed bytes.

    Args:
        path: A plain, gzip, bzip2 or xz file; its name does not matter.

    Yields:
        The file, at its beginning. Wrap the reading in `damage_as_fault`.

    Raises:
        ValueError: If it cannot be opened, is empty, or is another kind of file; the message names
            the kind and says how to unpack it.
    """
    with open_input(path) as file, unpacked(path, file) as plain:
        yield plain


@contextmanager
def unpacked(path: str | Path, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Uncompress an open file if it is compressed.

    Args:
        path: Name of the file in messages.
        file: The file at its beginning, with a method `peek`.

    Yields:
        The uncompressed file, at its beginning, as `open_plain` does.

    Raises:
        ValueError: As in `open_plain`.
    """
    path = Path(path)
    kind = _kind_of(path, _head(path, file))
    if kind is None:
        yield file
        return
    if kind.opener is None:
        raise _foreign(path, kind)
    with kind.opener(file) as plain:
        inner = _kind_of(path, _head(path, plain))
        if inner is not None:
            raise _foreign(path, inner, kind)
        yield plain


def _head(path: Path, file: IO[bytes]) -> bytes:
    try:
        with damage_as_fault():
            return cast(bytes, file.peek(1))  # type: ignore[attr-defined]
    except Fault as fault:
        raise place_error(path, None, fault.problem, fault.remedy) from fault


@contextmanager
def damage_as_fault() -> Iterator[None]:
    """Turn errors raised while reading a file into a `Fault`.

    Raises:
        Fault: If compressed data are truncated or damaged, or the file cannot be read.
    """
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise Fault(f"the file cannot be read ({error.strerror})", "try again") from error
        problem = f"the compressed data are truncated or damaged ({error})"
        raise Fault(problem, AGAIN) from error


def _kind_of(path: Path, head: bytes) -> _Kind | None:
    """Kind of a file with these first bytes, or None for plain text."""
    if not head:
        raise place_error(path, None, "the file is empty", AGAIN)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_WEB_PAGE):
        problem = "this is a web page, not data: the download failed or led to a login page"
        raise place_error(path, None, problem, "download the file again")
    return next((kind for kind in _KINDS if kind.fits(head)), None)


def _foreign(path: Path, kind: _Kind, outer: _Kind | None = None) -> ValueError:
    problem = f"this is {kind.name}" + (f" inside {outer.name}" if outer else "")
    remedy = outer.remedy if outer and kind.layer else kind.remedy
    packed = path.suffix in PACKED_SUFFIXES
    unpacked = path.with_suffix("") if packed else path.with_name(f"{path.name}.unpacked")
    names = {"file": shlex.quote(str(path)), "unpacked": shlex.quote(str(unpacked))}
    return place_error(path, None, problem, remedy.format(**names))
