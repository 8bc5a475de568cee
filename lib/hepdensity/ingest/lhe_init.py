"""The init block of an LHE file: processes with their cross-sections."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

import pylhe

from hepdensity.ingest.validation import Fault

_COMMENT = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_ELEMENT = re.compile(r"<(\w+)\b[^>]*(?:/>|>.*?</\1\s*>)", re.DOTALL)
_LOOSE_TAG = re.compile(r"<[^>\n]*>")

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Init:
    """What an init block says.

    Attributes:
        processes: Process id (LPRUP) -> cross-section and its standard error [pb].
        problem: Why the processes cannot be relied on, None if they can.
    """

    processes: dict[int, tuple[float, float]]
    problem: str | None = None


@dataclass(frozen=True)
class CrossSection:
    """Cross-section of the events of a file.

    Attributes:
        value: Cross-section [pb], None if it is not known.
        error: Its standard error [pb], None likewise.
        note: What the user should know of it, None if nothing.
    """

    value: float | None
    error: float | None
    note: str | None = None


def parse_init(text: bytes) -> Init:
    """Read an init block.

    Tags, `#` lines and blank lines may stand anywhere, free text behind the processes.

    Args:
        text: What stands between `<init>` and `</init>`.

    Raises:
        Fault: If there is no line of the beams.
    """
    lines = _lines(text.decode("latin-1"))
    beams = _parsed(pylhe.LHEInitInfo.fromstring, next(lines, ""))
    if beams is None:
        problem = "the first line of <init> is not that of the beams (ten numbers)"
        raise Fault(problem, "correct this line or generate the file again", "<init> block")
    rows = (_parsed(pylhe.LHEProcInfo.fromstring, line) for line in lines)
    found = [row for row in takewhile(lambda row: row is not None, rows) if row is not None]
    processes = {row.procId: (row.xSection, row.error) for row in found}
    announced = beams.numProcesses
    if announced != len(found):
        return Init(processes, f"<init> announces {announced} processes but lists {len(found)}")
    if len(processes) != len(found):
        return Init(processes, "<init> lists a process id (LPRUP) twice")
    return Init(processes)


def cross_section_of(init: Init, ids: Collection[int]) -> CrossSection:
    """Sum the cross-sections of the processes that occur among the events.

    Args:
        init: The init block.
        ids: Process ids (IDPRUP) of the events.
    """
    unlisted = sorted(set(ids) - set(init.processes))
    problem = init.problem
    if problem is None and unlisted:
        problem = f"there are events of process {_join(unlisted)}, which <init> does not list"
    if problem is None:
        values, errors = zip(*(init.processes[number] for number in set(ids)), strict=True)
        value, error = sum(values), math.hypot(*errors)
        if 0 < value < math.inf and min(errors) >= 0 and error < math.inf:
            return CrossSection(value, error, _note_on_rest(init, ids))
        problem = f"<init> gives {value:g} +- {error:g} pb"
    return CrossSection(None, None, f"the cross-section is not known: {problem}")


def _note_on_rest(init: Init, ids: Collection[int]) -> str | None:
    rest = sorted(set(init.processes) - set(ids))
    if not rest:
        return None
    used = f"the cross-section is that of process {_join(sorted(set(ids)))}"
    return f"{used}: <init> also lists process {_join(rest)}, of which there are no events"


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of an init block without tags, comments and blank lines."""
    for pattern in (_COMMENT, _ELEMENT, _LOOSE_TAG):
        text = pattern.sub("", text)
    stripped = (line.strip() for line in text.splitlines())
    return (line for line in stripped if line and not line.startswith("#"))


def _parsed(parse: Callable[[str], _Record], line: str) -> _Record | None:
    try:
        return parse(line)
    except (ValueError, IndexError, OverflowError):
        return None


def _join(numbers: Collection[int]) -> str:
    return ", ".join(str(number) for number in numbers)
