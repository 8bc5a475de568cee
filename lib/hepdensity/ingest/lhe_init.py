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
    """Content of an init block.

    Attributes:
        processes: Process id (LPRUP) -> cross-section and its standard error [pb].
        problem: Why the list of processes is unreliable, or None if it is fine.
    """

    processes: dict[int, tuple[float, float]]
    problem: str | None = None


@dataclass(frozen=True)
class CrossSection:
    """Cross-section of the events of a file.

    Attributes:
        value: Cross-section [pb], or None if unknown.
        error: Its standard error [pb], or None if unknown.
        note: What the user should know about it, or None.
    """

    value: float | None
    error: float | None
    note: str | None = None


def parse_init(text: bytes) -> Init:
    """Read an init block.

    Tags, `#` lines and blank lines are allowed anywhere, free text after the processes.

    Args:
        text: The text between `<init>` and `</init>`.

    Raises:
        Fault: If the line for the beams is missing.
    """
    lines = _lines(text.decode("latin-1"))
    beams = _parsed(pylhe.LHEInitInfo.fromstring, next(lines, ""))
    if beams is None:
        problem = "the first line of <init> does not have the ten numbers for the beams"
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
        problem = f"<init> does not list process {_join(unlisted)}, but there are events of it"
    if problem is None:
        values, errors = zip(*(init.processes[number] for number in set(ids)), strict=True)
        value, error = sum(values), math.hypot(*errors)
        if 0 < value < math.inf and min(errors) >= 0 and error < math.inf:
            return CrossSection(value, error, _note_on_rest(init, ids))
        problem = f"<init> gives {value:g} +- {error:g} pb"
    return CrossSection(None, None, f"the cross-section is unknown: {problem}")


def _note_on_rest(init: Init, ids: Collection[int]) -> str | None:
    rest = sorted(set(init.processes) - set(ids))
    if not rest:
        return None
    used = f"the cross-section is that of process {_join(sorted(set(ids)))}"
    return f"{used}: <init> also lists process {_join(rest)}, but there are no events of it"


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
