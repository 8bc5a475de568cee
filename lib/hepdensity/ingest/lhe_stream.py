"""A stream of LHE events, parsed by pylhe after checks that pylhe does not make."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar, cast

import pylhe

from hepdensity.ingest.compression import open_plain
from hepdensity.ingest.lhe_init import parse_init
from hepdensity.ingest.lhe_preamble import (
    TRUNCATED,
    ByteScanner,
    check_trailer,
    declaration_fault,
    skip_to_init,
)
from hepdensity.ingest.validation import Fault, place_error

MAX_BYTES_BETWEEN_EVENTS = 8 * 2**20
"""Text up to the end of the next event is held in memory; real events are much smaller."""

_EVENT_END = b"</event>"
_FILE_END = b"</LesHouchesEvents"
_FORBIDDEN = (b"\0", b"<!DOCTYPE", b"<!ENTITY")

# pylhe needs a whole document, so it gets our own preamble. Any byte is valid Latin-1.
_HEAD = (
    b"<?xml version='1.0' encoding='iso-8859-1'?><LesHouchesEvents version='3.0'>"
    b"<init>\n0 0 0 0 0 0 0 0 0 0\n</init>"
)
_POSITION = re.compile(r": line (\d+), column (\d+)")
_CORRECT = "correct the event or generate the file again"

_Record = TypeVar("_Record")


class _EventBytes:
    """Passes the events to the XML parser, always whole events at a time.

    Attributes:
        truncated: Whether the file ended before its end tag.
        first_line: Number of the line where the events begin.
    """

    def __init__(self, scanner: ByteScanner) -> None:
        self.truncated = False
        self.first_line = scanner.line
        self._scanner = scanner
        self._head = _HEAD
        self._ended = False

    def __enter__(self) -> _EventBytes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the file open, because its end is checked after pylhe has finished."""

    def read(self, size: int) -> bytes:
        """Return the next bytes for the parser: whole events, or the text after the last one.

        Args:
            size: Ignored, because the parser needs at least one whole event.

        Raises:
            Fault: If the bytes cannot be read or must not reach the parser.
        """
        if self._head:
            head, self._head = self._head, b""
            return head
        scanner = self._scanner
        while not self._ended:
            if stop := self._stop():
                return scanner.drop(stop)
            if len(scanner.buffer) > MAX_BYTES_BETWEEN_EVENTS:
                problem = f"more than {MAX_BYTES_BETWEEN_EVENTS} bytes without the end of an event"
                raise Fault(problem, TRUNCATED)
            self._ended = self.truncated = not scanner.fill()
        return scanner.drop(len(scanner.buffer)) if self.truncated else b""

    def _stop(self) -> int:
        """Number of bytes in the buffer ready for the parser, or 0 if more must be read."""
        buffer = self._scanner.buffer
        end = buffer.find(_FILE_END)
        limit = end if end >= 0 else len(buffer)
        found = [
            (place, mark) for mark in _FORBIDDEN if (place := buffer.find(mark, 0, limit)) >= 0
        ]
        last = buffer.rfind(_EVENT_END, 0, min(found)[0] if found else limit)
        if found and last < 0:
            raise self._forbidden(*min(found))
        if not found and end >= 0 and (close := buffer.find(b">", end)) >= 0:
            self._ended = True
            return close + 1
        return last + len(_EVENT_END) if last >= 0 else 0

    def _forbidden(self, place: int, mark: bytes) -> Fault:
        newlines = self._scanner.buffer.count(b"\n", 0, place)
        line = f"line {self._scanner.line + newlines}"
        if mark != b"\0":
            return declaration_fault(mark, line)
        return Fault("a zero byte: the file is damaged or not plain text", TRUNCATED, line)


class LheStream:
    """Events of one LHE file in order, read with bounded memory.

    Attributes:
        path: The file.
        count: Number of events read so far.
        init: The init block.
    """

    def __init__(self, path: Path, raw: IO[bytes]) -> None:
        """Read the text before the events.

        Args:
            path: The file.
            raw: Its uncompressed bytes.

        Raises:
            ValueError: If the file has no valid init block.
        """
        self.path = path
        self.count = 0
        self._broken: ValueError | None = None
        self._scanner = ByteScanner(raw)
        try:
            self.init = parse_init(skip_to_init(self._scanner))
        except Fault as fault:
            raise place_error(path, fault.place, fault.problem, fault.remedy) from fault
        self._bytes = _EventBytes(self._scanner)
        file = pylhe.LHEFile.frombuffer(cast(IO[bytes], self._bytes), with_attributes=False)
        self._events = iter(file.events)

    def read_block(self, size: int, record: Callable[[pylhe.LHEEvent], _Record]) -> list[_Record]:
        """Read more events.

        Args:
            size: Number of events.
            record: Extracts what to keep of an event; keeping pylhe's objects would be slower.

        Returns:
            The records; there are fewer at the end of the file or before an unreadable event.

        Raises:
            ValueError: If the next event cannot be read; names the file and the place.
        """
        if self._broken is not None:
            raise self._broken
        block: list[_Record] = []
        try:
            with self._located():
                for event in islice(self._events, size):
                    block.append(record(event))
                    self.count += 1
                if len(block) < size:
                    check_trailer(self._scanner)
        except ValueError as error:
            if not block:
                raise
            self._broken = error
        return block

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Turn errors and warnings of pylhe into one error that names the file and the place.

        At broken XML, pylhe only warns and ends the events. For bad fields, it raises errors of
        several kinds.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                yield
        except Fault as fault:
            raise self._error(fault.problem, fault.remedy, fault.place) from fault
        except Warning as warning:
            raise self._xml_error(str(warning)) from warning
        except IndexError as error:
            raise self._error("a line has too few columns", _CORRECT) from error
        except (ValueError, OverflowError) as error:
            raise self._error(f"a line cannot be read ({error})", _CORRECT) from error

    def _xml_error(self, message: str) -> ValueError:
        if self._bytes.truncated:
            problem = "the file is truncated: it ends before </LesHouchesEvents>"
            return self._error(problem, TRUNCATED)
        problem = message.removeprefix("Parse Error: ")
        if position := _POSITION.search(problem):
            line = int(position[1]) - _HEAD.count(b"\n") + self._bytes.first_line - 1
            place = f"line {line}, column {int(position[2]) + 1}"
            problem = f"invalid XML at {place} ({problem[: position.start()]})"
        return self._error(problem, _CORRECT)

    def _error(self, problem: str, remedy: str, place: str | None = None) -> ValueError:
        return place_error(self.path, place or f"event {self.count + 1}", problem, remedy)


@contextmanager
def open_lhe(path: str | Path) -> Iterator[LheStream]:
    """Open an LHE file: plain, gzip, bzip2 or xz.

    Args:
        path: The file.

    Yields:
        Its stream of events.

    Raises:
        ValueError: If it is not an LHE file.
    """
    path = Path(path)
    with open_plain(path) as raw:
        yield LheStream(path, raw)
