"""Compiled reading of the usual lines of a challenge CSV file.

The kernel takes only lines that need no second look: known names, numbers of at most 15 digits,
values in range, no blanks. It leaves all others to `hepdensity.ingest.challenge_lines`, which
accepts every valid spelling and words the errors. So the kernel may refuse, but never differs.

A decimal of at most 15 digits and a power of ten up to 10^22 are exact in double precision, so one
multiplication or division rounds as `float` does (Clinger 1990). Everything is in one file, because
numba's cache checks only the time stamp of the file of a function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from hepdensity.ingest.challenge_lines import LARGEST
from hepdensity.physics.objects import MOST_OBJECTS

READ, BLANK, CAREFUL = range(3)
"""What became of a line: read, blank, or left to `challenge_lines`."""

_MOST_NAMES = 256
_MOST_DIGITS = 15
_MOST_POWER = 22
_POWERS = 10.0 ** np.arange(_MOST_POWER + 1)
_BREAK, _RETURN, _PLUS, _COMMA, _MINUS, _POINT, _ZERO, _SEMICOLON = (ord(c) for c in "\n\r+,-.0;")
_SMALL_E, _LARGE_E = ord("e"), ord("E")
_A, _B, _G, _J, _M, _U = (ord(c) for c in "abgjmu")
_PI = math.pi

_compile: Any = numba.njit(cache=True)
_piece: Any = numba.njit(cache=True, inline="always")

Array = np.ndarray


@dataclass(frozen=True)
class Parsed:
    """Result of the kernel for n lines; entries of lines that are not `READ` mean nothing.

    Attributes:
        status: `READ`, `BLANK` or `CAREFUL`, int8, shape (n,).
        header: Weight, MET [GeV] and its azimuth [rad], float64, shape (n, 3).
        event_id: Number of the event, int64, shape (n,).
        process: Index of the name of the process, int64, shape (n,).
        names: First byte of each name and the byte after it, shape (names, 2).
        counts: Number of objects in the file, int64, shape (n,).
        type: Type of each object, int8, shape (n, MOST_OBJECTS), sorted by falling pT.
        order: Place in the file, likewise.
        values: Energy, pT [GeV], pseudorapidity and azimuth [rad], float32, shape
            (4, n, MOST_OBJECTS), likewise; NaN where there is no object.
    """

    status: Array
    header: Array
    event_id: Array
    process: Array
    names: Array
    counts: Array
    type: Array
    order: Array
    values: Array


def parse_lines(data: Array, starts: Array) -> Parsed:
    """Read lines.

    Args:
        data: Bytes, each line with the newline that ends it, uint8.
        starts: First byte of each line and the byte after the last line, int64, shape (n + 1,).

    Returns:
        The events.
    """
    n = len(starts) - 1
    result = Parsed(
        status=np.zeros(n, dtype=np.int8),
        header=np.empty((n, 3)),
        event_id=np.empty(n, dtype=np.int64),
        process=np.zeros(n, dtype=np.int64),
        names=np.zeros((_MOST_NAMES, 2), dtype=np.int64),
        counts=np.zeros(n, dtype=np.int64),
        type=np.zeros((n, MOST_OBJECTS), dtype=np.int8),
        order=np.full((n, MOST_OBJECTS), -1, dtype=np.int8),
        values=np.full((4, n, MOST_OBJECTS), np.nan, dtype=np.float32),
    )
    arrays = [getattr(result, name) for name in Parsed.__dataclass_fields__]
    found = _parse_lines(data, starts, *arrays)
    return Parsed(**{**vars(result), "names": result.names[:found]})


@_piece
def _number(data: Array, i: int, end: int) -> tuple[float, int]:
    """The number that begins at i, and the byte after it; -1 if there is none that is exact."""
    negative = data[i] == _MINUS
    if negative or data[i] == _PLUS:
        i += 1
    mantissa = 0
    digits = 0
    places = 0
    point = False
    while i < end:
        digit = data[i] - _ZERO
        if 0 <= digit <= 9:
            mantissa = 10 * mantissa + digit
            digits += 1
            places += point
        elif data[i] == _POINT and not point:
            point = True
        else:
            break
        if digits > _MOST_DIGITS:
            break
        i += 1
    power = -places
    good = 0 < digits <= _MOST_DIGITS
    if good and i < end and (data[i] == _SMALL_E or data[i] == _LARGE_E):
        i += 1
        below = data[i] == _MINUS
        if below or data[i] == _PLUS:
            i += 1
        first = i
        exponent = 0
        while i < end and i < first + 3 and 0 <= data[i] - _ZERO <= 9:
            exponent = 10 * exponent + data[i] - _ZERO
            i += 1
        good = i > first
        power += -exponent if below else exponent
    value = float(mantissa)
    if not good or abs(power) > _MOST_POWER:
        i = -1
    elif power < 0:
        value = value / _POWERS[-power]
    else:
        value = value * _POWERS[power]
    if value > LARGEST:
        i = -1
    return (-value if negative else value), i


@_piece
def _label(data: Array, i: int) -> tuple[int, int]:
    """Type of the object whose name begins at i, and the comma after it; type 0 if unknown."""
    first = data[i]
    kind = 0
    if data[i + 1] == _COMMA:
        if first == _J:
            kind = 1
        elif first == _B:
            kind = 2
        elif first in (_G, _A):
            kind = 7
        return kind, i + 1
    sign = i + 2 if first == _M and data[i + 1] == _U else i + 1
    if first == _SMALL_E:
        kind = 3
    elif first == _M:
        kind = 5
    if data[sign] == _PLUS:
        kind += kind > 0
    elif data[sign] != _MINUS:
        kind = 0
    return kind, sign + 1


@_piece
def _name(data: Array, first: int, after: int, names: Array, found: int) -> int:
    """Index of the name of a process among those found, or `found` if it is new."""
    for k in range(found):
        length = names[k, 1] - names[k, 0]
        if length == after - first:
            same = 0
            while same < length and data[names[k, 0] + same] == data[first + same]:
                same += 1
            if same == length:
                return k
    return found


@_compile
def _parse_lines(
    data: Array,
    starts: Array,
    status: Array,
    header: Array,
    event_id: Array,
    process: Array,
    names: Array,
    counts: Array,
    kinds: Array,
    order: Array,
    values: Array,
) -> int:
    found = 0
    numbers = np.empty(4)
    for line in range(len(status)):
        status[line] = CAREFUL
        i = starts[line]
        # Reading a byte beyond a field is safe, because each line ends with a newline.
        end = starts[line + 1] - 1
        while end > i and data[end - 1] == _RETURN:
            end -= 1
        if end == i:
            status[line] = BLANK
            continue

        negative = data[i] == _MINUS
        i += negative
        first = i
        number = 0
        while i < end and i < first + 18 and 0 <= data[i] - _ZERO <= 9:
            number = 10 * number + data[i] - _ZERO
            i += 1
        if i == first or data[i] != _SEMICOLON:
            continue
        event_id[line] = -number if negative else number

        i += 1
        first = i
        while i < end and data[i] != _SEMICOLON:
            i += 1
        if i == end:
            continue
        blank = data[first] <= 32 or data[i - 1] <= 32
        name = _name(data, first, i, names, found)
        if blank or name == _MOST_NAMES:
            continue
        process[line] = name
        fresh, name_start, name_stop = name == found, first, i

        good = True
        for k in range(3):
            good = good and data[i] == _SEMICOLON and i < end
            if good:
                header[line, k], i = _number(data, i + 1, end)
                good = i >= 0
        if not good or header[line, 1] < 0 or abs(header[line, 2]) > _PI:
            continue
        header[line, 1] /= 1000

        count = 0
        while good and i < end and data[i] == _SEMICOLON and i + 1 < end:
            kind, i = _label(data, i + 1)
            good = kind > 0
            for k in range(4):
                good = good and i < end and data[i] == _COMMA
                if good:
                    numbers[k], i = _number(data, i + 1, end)
                    good = i >= 0
            if not good or not numbers[0] > 0 or not numbers[1] > 0 or abs(numbers[3]) > _PI:
                good = False
            elif count < MOST_OBJECTS:
                # An object moves past those of smaller pT; the latter move back by one place.
                pt = np.float32(numbers[1] / 1000)
                place = count
                while place > 0 and values[1, line, place - 1] < pt:
                    kinds[line, place] = kinds[line, place - 1]
                    order[line, place] = order[line, place - 1]
                    for k in range(4):
                        values[k, line, place] = values[k, line, place - 1]
                    place -= 1
                kinds[line, place] = kind
                order[line, place] = count
                values[0, line, place] = np.float32(numbers[0] / 1000)
                values[1, line, place] = pt
                values[2, line, place] = np.float32(numbers[2])
                values[3, line, place] = np.float32(numbers[3])
            count += 1
        if not good or (i < end and (data[i] != _SEMICOLON or i + 1 < end)):
            continue
        counts[line] = count
        if fresh:
            names[found, 0] = name_start
            names[found, 1] = name_stop
            found += 1
        status[line] = READ
    return found
