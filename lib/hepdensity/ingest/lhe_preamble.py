"""Read the text before and after the events of an LHE file, without an XML parser.

Generators copy their cards, messages and comments into this text, and these are often invalid XML.
Only the init block is needed, so the text is searched for tags and otherwise skipped, in bounded
memory.
"""

from __future__ import annotations

import re
from typing import IO

from hepdensity.ingest.compression import damage_as_fault
from hepdensity.ingest.validation import Fault

READ_BYTES = 2**14
"""A larger piece makes the XML parser slower: its elements no longer fit into the cache."""

LOOKAHEAD = 64
"""Longer than any tag searched for, so that a tag cut by the end of the buffer is not missed."""

MAX_INIT_BYTES = 2**20

TRUNCATED = "copy, download or generate it again"
_OPENING = re.compile(rb"<LesHouchesEvents(?=[\s>])|<\?|<!--|<!DOCTYPE|<!ENTITY|\S")
_PREAMBLE = re.compile(
    rb"<init(?=[\s>])|<header\s*/>|<header(?=[\s>])|<!--|<event(?=[\s>])|</LesHouchesEvents"
    rb"|<!DOCTYPE|<!ENTITY"
)
_TRAILER = re.compile(rb"<LesHouchesEvents(?=[\s>])|<init(?=[\s>])|<event(?=[\s>])|<!--")
_TAG_END = re.compile(rb">")
_COMMENT_END = re.compile(rb"-->")
_DECLARATION_END = re.compile(rb"\?>")
_HEADER_END = re.compile(rb"</header\s*>")
_INIT_END = re.compile(rb"</init\s*>")


class ByteScanner:
    """A file seen through a buffer that only moves forward.

    Attributes:
        buffer: Bytes read but not yet consumed.
        line: Number of the line where the buffer begins, counted from 1.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        """Begin at the start of `raw`."""
        self.buffer = b""
        self.line = 1
        self._raw = raw
        self._ended = False

    def fill(self) -> bool:
        """Read more bytes into the buffer, unless the file has ended.

        Returns:
            Whether there were more bytes.

        Raises:
            Fault: If they cannot be read.
        """
        with damage_as_fault():
            data = self._raw.read(READ_BYTES)
        self._ended = not data
        self.buffer += data
        return not self._ended

    def drop(self, size: int) -> bytes:
        """Consume bytes.

        Args:
            size: Number of bytes.

        Returns:
            These bytes.
        """
        dropped, self.buffer = self.buffer[:size], self.buffer[size:]
        self.line += dropped.count(b"\n")
        return dropped

    def find(self, pattern: re.Pattern[bytes]) -> bytes | None:
        """Consume everything up to and including the next match.

        Args:
            pattern: Matches at most `LOOKAHEAD` bytes.

        Returns:
            The match, or None if the file ends first.
        """
        while True:
            match = pattern.search(self.buffer)
            if match and (self._ended or match.end() + LOOKAHEAD <= len(self.buffer)):
                self.drop(match.end())
                return match[0]
            if self._ended:
                self.drop(len(self.buffer))
                return None
            self.drop(match.start() if match else max(0, len(self.buffer) - LOOKAHEAD))
            self.fill()

    def take(self, end: re.Pattern[bytes], limit: int) -> bytes | None:
        """Consume everything up to and including the next match, and return what precedes it.

        Args:
            end: Pattern to search for.
            limit: Number of bytes to search.

        Returns:
            The bytes before the match, or None if there is none.
        """
        while not (match := end.search(self.buffer)):
            if len(self.buffer) > limit or not self.fill():
                return None
        return self.drop(match.end())[: match.start()]


def skip_to_init(scanner: ByteScanner) -> bytes:
    """Skip everything before the init block, including comments and the header.

    Args:
        scanner: At the start of the file; it ends up after `</init>`.

    Returns:
        The text of the init block.

    Raises:
        Fault: If there is no init block.
    """
    _skip_to_root(scanner)
    while (tag := scanner.find(_PREAMBLE)) and tag != b"<init":
        if tag in (b"<event", b"</LesHouchesEvents"):
            problem = f"there is no <init> block before {_text(tag)}"
            raise Fault(problem, "generate the complete file again", _place(scanner))
        if tag == b"<!--":
            _skip(scanner, _COMMENT_END, "a comment")
        elif tag.startswith(b"<!"):
            raise declaration_fault(tag, _place(scanner))
        elif not tag.endswith(b"/>"):
            _skip(scanner, _HEADER_END, "the header")
    if tag is None:
        raise Fault(
            "the file is truncated: it ends before the <init> block", TRUNCATED, _place(scanner)
        )
    _skip(scanner, _TAG_END, "the tag <init>")
    place = _place(scanner)
    text = scanner.take(_INIT_END, MAX_INIT_BYTES)
    if text is None:
        raise Fault("the <init> block does not end (</init> is missing)", TRUNCATED, place)
    return text


def check_trailer(scanner: ByteScanner) -> None:
    """Check that no event or document follows the end tag; comments and text are allowed.

    Args:
        scanner: After the end tag; it ends up at the end of the file.

    Raises:
        Fault: If an event or document follows.
    """
    while tag := scanner.find(_TRAILER):
        place = f"after the end of the events (</LesHouchesEvents>), {_place(scanner)}"
        if tag != b"<!--":
            problem = f"another document or event begins with {_text(tag)}"
            raise Fault(problem, "split the file into one file per document and list all", place)
        _skip(scanner, _COMMENT_END, "a comment")


def declaration_fault(mark: bytes, place: str) -> Fault:
    """Make the fault for a declaration that could make an XML parser run out of memory.

    Args:
        mark: Beginning of the declaration, e.g. `<!ENTITY`.
        place: Where it is.
    """
    problem = f"{mark[2:].decode()} declarations are not allowed in LHE files"
    return Fault(problem, "remove the declaration", place)


def _skip_to_root(scanner: ByteScanner) -> None:
    if not scanner.buffer:
        scanner.fill()
    scanner.buffer = scanner.buffer.removeprefix(b"\xef\xbb\xbf")
    while tag := scanner.find(_OPENING):
        if tag == b"<LesHouchesEvents":
            _skip(scanner, _TAG_END, "the tag <LesHouchesEvents>")
            return
        if tag == b"<!--":
            _skip(scanner, _COMMENT_END, "a comment")
        elif tag == b"<?":
            _skip(scanner, _DECLARATION_END, "the XML declaration")
        elif tag.startswith(b"<!"):
            raise declaration_fault(tag, _place(scanner))
        else:
            break
    problem = "this is not an LHE file: it does not begin with <LesHouchesEvents>"
    raise Fault(problem, "give the path of an LHE file", _place(scanner))


def _skip(scanner: ByteScanner, end: re.Pattern[bytes], what: str) -> None:
    place = _place(scanner)
    if scanner.find(end) is None:
        raise Fault(f"{what} does not end: the file is truncated or damaged", TRUNCATED, place)


def _place(scanner: ByteScanner) -> str:
    return f"line {scanner.line}"


def _text(tag: bytes) -> str:
    return tag.decode("ascii") + ">"
