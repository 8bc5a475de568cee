"""A guarded stream of LHE events: pylhe between checks that it does not make itself."""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import pylhe

from hepdensity.ingest.validation import input_error

MAX_BYTES_BETWEEN_EVENTS = 8 * 2**20
"""Header and events are far smaller; what lies between two event ends is held in memory."""

_FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)")
_READABLE = {b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1"}
_EVENT_END = b"</event>"
_FILE_END = b"</LesHouchesEvents>"
_OVERLAP = len(_FILE_END)
_ANEW = "copy or write the file anew"


class _GuardedFile:
    """Bytes of an LHE file on their way to the XML parser, checked before it sees them.

    Entities could blow up memory (Expat would expand them), and only encodings that contain ASCII
    let us find their declarations.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._tail = b""
        self._pending = 0
        self._started = False
        self._closing: bytes | None = None

    def __enter__(self) -> _GuardedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the file open: `check_end` reads on when pylhe is done."""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes.

        Raises:
            ValueError: If the bytes must not reach the parser or cannot be read.
        """
        try:
            data = self._raw.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"the compressed data are truncated or damaged ({error})") from error
        if not self._started:
            self._check_start(data)
        seen = self._tail + data
        if _FORBIDDEN.search(seen):
            raise ValueError("DOCTYPE and ENTITY declarations are not allowed in LHE files")
        if b"\0" in data:
            raise ValueError("the file is not plain text (a zero byte)")
        self._count_pending(seen, data)
        self._watch_end(seen, data)
        self._tail = seen[-_OVERLAP:]
        return data

    def check_end(self) -> None:
        """Check that nothing follows the closing tag, where the parser does not look.

        Raises:
            ValueError: If something does.
        """
        while self.read(2**16):
            pass
        if self._closing is not None and self._closing.strip():
            raise ValueError(
                "something follows the closing tag; keep files apart, do not join them"
            )

    def _check_start(self, data: bytes) -> None:
        self._started = True
        declared = _ENCODING.match(data.lstrip(b"\xef\xbb\xbf"))
        if declared and declared[1].lower() not in _READABLE:
            raise ValueError(
                f"encoding {declared[1].decode('ascii', 'replace')!r} is not supported"
            )

    def _count_pending(self, seen: bytes, data: bytes) -> None:
        end = seen.rfind(_EVENT_END)
        self._pending = self._pending + len(data) if end < 0 else len(seen) - end
        if self._pending > MAX_BYTES_BETWEEN_EVENTS:
            raise ValueError(
                f"more than {MAX_BYTES_BETWEEN_EVENTS} bytes without the end of an event"
            )

    def _watch_end(self, seen: bytes, data: bytes) -> None:
        if self._closing is not None:
            self._closing = (self._closing + data).strip()[:1]
        elif (end := seen.find(_FILE_END)) >= 0:
            self._closing = seen[end + len(_FILE_END) :]


class LheStream:
    """Events of one LHE file in their order, with bounded memory.

    Attributes:
        path: The file.
        count: Number of events read so far.
        init: pylhe's record of the init block.
    """

    def __init__(self, path: Path, guarded: _GuardedFile) -> None:
        """Read the header and the init block.

        Raises:
            ValueError: If they cannot be read.
        """
        self.path = path
        self.count = 0
        self._guarded = guarded
        with _pylhe_errors(self):
            file = pylhe.LHEFile.frombuffer(cast(IO[bytes], guarded), with_attributes=False)
        self.init: pylhe.LHEInit = file.init
        self._events = iter(file.events)

    def read_block(self, size: int) -> Iterator[pylhe.LHEEvent]:
        """Yield up to `size` further events.

        Raises:
            ValueError: Naming file and event, if the next event cannot be read.
        """
        for _ in range(size):
            with _pylhe_errors(self):
                event = next(self._events, None)
                if event is None:
                    self._guarded.check_end()
                    return
            self.count += 1
            yield event


@contextmanager
def open_lhe(path: str | Path) -> Iterator[LheStream]:
    """Open a plain or gzip-compressed LHE file.

    Args:
        path: The file.

    Yields:
        Its stream of events.

    Raises:
        ValueError: If it is not an LHE file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be read ({error}); give the path of an LHE file"
        ) from error
    if path.stat().st_size == 0:
        raise input_error(path, 1, "the file is empty", _ANEW)
    with path.open("rb") as file, ExitStack() as stack:
        raw = stack.enter_context(gzip.GzipFile(fileobj=file)) if packed else file
        yield LheStream(path, _GuardedFile(cast(IO[bytes], raw)))


@contextmanager
def _pylhe_errors(stream: LheStream) -> Iterator[None]:
    """Turn what pylhe raises, or only warns of, into one error that names file and event.

    pylhe answers broken XML with a warning and the end of the events, and bad fields with errors
    of many kinds.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except Exception as error:
        problem = str(error).removeprefix("Parse Error: ")
        if "no element found" in problem or "unclosed" in problem:
            problem = f"the file is truncated ({problem})"
        raise input_error(stream.path, stream.count + 1, problem, _ANEW) from error
