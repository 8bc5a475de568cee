"""One line of a challenge CSV file, read with care: any spelling that is valid, or what is wrong.

    eventID;processID;weight;MET;METphi;object,E,pT,eta,phi;object,E,pT,eta,phi;...;

MET, E and pT are in MeV, phi is in [-pi, pi]; the objects are jets and b-jets together, then
electrons, muons and photons, each group by falling pT (Aarrestad et al. 2021, arXiv:2105.14027).
`hepdensity.ingest.challenge_kernel` reads the usual lines, much faster, and leaves the others here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hepdensity.ingest.validation import Fault
from hepdensity.physics.objects import LABELS

LINE = "eventID;processID;weight;MET;METphi;object,E,pT,eta,phi;..., energies in MeV"
REMEDY = f"each line must be {LINE}"

TYPES: dict[str, int] = {
    **{label: i + 1 for i, label in enumerate(LABELS)},
    "mu-": LABELS.index("m-") + 1,
    "mu+": LABELS.index("m+") + 1,
    "a": LABELS.index("g") + 1,
}
"""Label of an object, in any of the spellings that files use -> its type."""

LARGEST, SMALLEST = 1e30, 1e-30
"""Numbers beyond these are wrong, and would not fit into single precision."""

_HEADER_FIELDS = 5
_OBJECT_FIELDS = 5
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_MOST_IN_MESSAGE = 40
_LONGEST_NUMBER = 100


@dataclass(frozen=True)
class Line:
    """One event as the file states it, but in GeV.

    Attributes:
        event_id: Number of the event.
        process: Name of the process.
        weight: Weight of the event.
        met: Missing transverse momentum [GeV].
        met_phi: Its azimuth in [-pi, pi] [rad].
        objects: Type, energy [GeV], pT [GeV], pseudorapidity and azimuth [rad] of each object, in
            the order of the file.
    """

    event_id: int
    process: str
    weight: float
    met: float
    met_phi: float
    objects: list[tuple[int, float, float, float, float]]


def parse_line(line: bytes) -> Line:
    """Read one line.

    Args:
        line: The line, which is not blank; blanks at its ends and around fields do not matter.

    Returns:
        The event.

    Raises:
        Fault: If the line is not valid; says which field is wrong.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Fault(f"there are bytes that are not text ({error.reason})", REMEDY) from error
    fields = [field.strip(" \t\r") for field in text.strip(" \t\r").removesuffix(";").split(";")]
    if len(fields) < _HEADER_FIELDS:
        raise Fault(f"there are {len(fields)} fields instead of {_HEADER_FIELDS} or more", REMEDY)
    identity, process, weight, met, met_phi = fields[:_HEADER_FIELDS]
    return Line(
        event_id=_integer(identity),
        process=process,
        weight=_number(weight, "the weight"),
        met=_at_least_zero(met, "MET") / 1000,
        met_phi=_angle(met_phi, "METphi"),
        objects=[_object(field, i + 1) for i, field in enumerate(fields[_HEADER_FIELDS:])],
    )


def _object(field: str, number: int) -> tuple[int, float, float, float, float]:
    name = f"of object {number}"
    parts = [part.strip(" \t") for part in field.split(",")]
    if len(parts) != _OBJECT_FIELDS:
        problem = f"object {number} has {len(parts)} values instead of {_OBJECT_FIELDS}"
        raise Fault(problem, f"each object must be a name, E, pT, eta and phi ({LINE})")
    label, energy, pt, eta, phi = parts
    if label not in TYPES:
        problem = f"the name {_shown(label)} {name} is unknown"
        raise Fault(problem, f"use {', '.join(LABELS)}")
    return (
        TYPES[label],
        _positive(energy, f"E {name}") / 1000,
        _positive(pt, f"pT {name}") / 1000,
        _number(eta, f"eta {name}"),
        _angle(phi, f"phi {name}"),
    )


def _number(text: str, name: str) -> float:
    if _NOT_FINITE.fullmatch(text):
        raise Fault(f"{name} is {_shown(text)}, not a finite number", "remove the event")
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise Fault(f"{name} is {_shown(text)}, not a number", REMEDY)
    value = float(text)
    if abs(value) > LARGEST:
        raise Fault(f"{name} is {_shown(text)}, which is too large", "remove the event")
    return value


def _at_least_zero(text: str, name: str) -> float:
    value = _number(text, name)
    if value < 0:
        raise Fault(f"{name} is negative ({_shown(text)})", "remove the event")
    return value


def _positive(text: str, name: str) -> float:
    value = _at_least_zero(text, name)
    if value < SMALLEST:
        raise Fault(f"{name} is 0", "remove the event")
    return value


def _angle(text: str, name: str) -> float:
    """An angle of up to one turn, moved into [-pi, pi]."""
    value = _number(text, name)
    if abs(value) > 2 * math.pi + 1e-5:
        raise Fault(f"{name} is {_shown(text)}, more than a turn", "give angles in radians")
    return value if abs(value) <= math.pi else value - math.copysign(2 * math.pi, value)


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER or not _INTEGER.fullmatch(text):
        raise Fault(f"the event number is {_shown(text)}, not an integer", REMEDY)
    if not -(2**63) <= int(text) < 2**63:
        raise Fault(f"the event number {_shown(text)} is too large", "use at most 18 digits")
    return int(text)


def _shown(text: str) -> str:
    short = text if len(text) <= _MOST_IN_MESSAGE else text[: _MOST_IN_MESSAGE - 3] + "..."
    return repr(short)
