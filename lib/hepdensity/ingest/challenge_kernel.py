"""Compiled reading of the usual lines of a challenge CSV file.

The kernel takes only lines that need no second look: known names, numbers of at most 18 digits,
values in range, no blanks. It leaves all others to `hepdensity.ingest.challenge_lines`, which
accepts every valid spelling and words the errors. So the kernel may refuse, but never differs.

An integer up to 2^53 and a power of ten up to 10^22 are exact in double precision, so one
multiplication or division rounds as `float` does (Clinger 1990). Longer numbers are divided with
about 100 bits, which shows in almost all cases how the exact result rounds.

Everything is in one file, because numba's cache checks only the time stamp of the file of a
function.
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
_MOST_DIGITS = 18
_EXACT = 2**53
_SPLITTER = 2.0**27 + 1
# Far above the relative error of the rest of a quotient, which is a few 2^-53.
_DOUBT = 1e-12
_MOST_POWER = 22
_POWERS = 10.0 ** np.arange(_MOST_POWER + 1)
_BREAK, _RETURN, _PLUS, _COMMA, _MINUS, _POINT, _ZERO, _SEMICOLON = (ord(c) for c in "\n\r+,-.0;")
_SMALL_E, _LARGE_E = ord("e"), ord("E")
_SPACE = ord(" ")
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
def _quotient(mantissa: int, power: float) -> tuple[float, bool]:
    """An integer above 2^53 over an exact power of ten, and whether its rounding is certain."""
    high = float(mantissa)
    low = float(mantissa - int(high))
    quotient = high / power
    # The rounding error of quotient * power, exactly (Dekker 1971).
    split = _SPLITTER * quotient
    q_high = split - (split - quotient)
    q_low = quotient - q_high
    split = _SPLITTER * power
    p_high = split - (split - power)
    p_low = power - p_high
    product = quotient * power
    error = ((q_high * p_high - product) + q_high * p_low + q_low * p_high) + q_low * p_low
    rest = (((high - product) - error) + low) / power
    value = quotient + rest
    certain = quotient + rest * (1 - _DOUBT) == value == quotient + rest * (1 + _DOUBT)
    return value, certain


@_piece
def _number(data: Array, i: int, end: int) -> tuple[float, int]:
    """The number that begins at i, and the byte after it; -1 if it needs a careful look."""
    negative = data[i] == _MINUS
    if negative or data[i] == _PLUS:
        i += 1
    mantissa = 0
    read = 0
    digits = 0
    places = 0
    point = False
    while i < end and digits <= _MOST_DIGITS:
        digit = data[i] - _ZERO
        if 0 <= digit <= 9:
            mantissa = 10 * mantissa + digit
            read += 1
            digits += mantissa > 0
            places += point
        elif data[i] == _POINT and not point:
            point = True
        else:
            break
        i += 1
    power = -places
    good = read > 0 and digits <= _MOST_DIGITS
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
    good = good and abs(power) <= _MOST_POWER
    value = float(mantissa)
    if not good:
        pass
    elif mantissa > _EXACT:
        good = power <= 0
        if good:
            value, good = _quotient(mantissa, _POWERS[-power])
    elif power < 0:
        value = value / _POWERS[-power]
    else:
        value = value * _POWERS[power]
    if not good or value > LARGEST:
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


@_piece
def _integer(data: Array, i: int, end: int) -> tuple[int, int]:
    """The integer that begins at i, and the byte after it; -1 if it needs a careful look."""
    negative = data[i] == _MINUS
    i += negative
    first = i
    value = 0
    while i < end and i < first + _MOST_DIGITS and 0 <= data[i] - _ZERO <= 9:
        value = 10 * value + data[i] - _ZERO
        i += 1
    return (-value if negative else value), (i if i > first else -1)


@_piece
def _numbers(data: Array, i: int, end: int, separator: int, out: Array) -> int:
    """Read as many numbers as `out` holds, each behind a separator; as `_number` else."""
    for k in range(len(out)):
        if i < 0 or i >= end or data[i] != separator:
            return -1
        out[k], i = _number(data, i + 1, end)
    return i


@_piece
def _insert(
    kind: int, numbers: Array, number: int, kinds: Array, order: Array, values: Array, line: int
) -> None:
    """Insert an object behind those of larger or equal pT; the others move back by one place."""
    pt = np.float32(numbers[1])
    place = number
    while place > 0 and values[1, line, place - 1] < pt:
        kinds[line, place] = kinds[line, place - 1]
        order[line, place] = order[line, place - 1]
        for k in range(4):
            values[k, line, place] = values[k, line, place - 1]
        place -= 1
    kinds[line, place] = kind
    order[line, place] = number
    for k in range(4):
        values[k, line, place] = np.float32(numbers[k])


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
        # Reading the byte behind a field is safe, because each line ends with a newline.
        end = starts[line + 1] - 1
        while end > i and data[end - 1] == _RETURN:
            end -= 1
        if end == i:
            status[line] = BLANK
            continue

        event_id[line], i = _integer(data, i, end)
        if i < 0 or data[i] != _SEMICOLON:
            continue
        i += 1
        first = i
        while i < end and data[i] != _SEMICOLON:
            i += 1
        name = _name(data, first, i, names, found)
        if i == end or data[first] <= _SPACE or data[i - 1] <= _SPACE or name == _MOST_NAMES:
            continue
        after_name = i
        i = _numbers(data, i, end, _SEMICOLON, header[line])
        if i < 0 or header[line, 1] < 0 or abs(header[line, 2]) > _PI:
            continue
        header[line, 1] /= 1000

        count = 0
        while i >= 0 and i + 1 < end and data[i] == _SEMICOLON:
            kind, i = _label(data, i + 1)
            i = _numbers(data, i, end, _COMMA, numbers)
            if kind == 0 or not (numbers[0] > 0 and numbers[1] > 0 and abs(numbers[3]) <= _PI):
                i = -1
            elif i >= 0 and count < MOST_OBJECTS:
                numbers[0] /= 1000
                numbers[1] /= 1000
                _insert(kind, numbers, count, kinds, order, values, line)
            count += 1
        if i < 0 or (i < end and (data[i] != _SEMICOLON or i + 1 < end)):
            continue
        counts[line] = count
        process[line] = name
        if name == found:
            names[found, 0] = first
            names[found, 1] = after_name
            found += 1
        status[line] = READ
    return found
