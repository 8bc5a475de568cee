"""Read and write the CSV files of the Dark Machines challenge (arXiv:2105.14027; Zenodo 3961917).

`hepdensity.ingest.challenge_lines` describes the format. Files are read in blocks, so memory does
not grow with the file.
"""

from __future__ import annotations

import gzip
import io
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from hepdensity.files import atomic_path
from hepdensity.ingest.archive import open_member
from hepdensity.ingest.challenge_kernel import BLANK, CAREFUL, READ, parse_lines
from hepdensity.ingest.challenge_lines import LINE, REMEDY, parse_line
from hepdensity.ingest.compression import damage_as_fault
from hepdensity.ingest.irregular import MOST_IRREGULAR, NO_MET, WEIGHT, IrregularEvents
from hepdensity.ingest.validation import Fault, place_error
from hepdensity.physics.objects import ABSENT, LABELS, MOST_OBJECTS, ObjectEvents
from hepdensity.physics.selection import SHORTENED

logger = logging.getLogger(__name__)

CHUNK_EVENTS = 20_000
BLOCK_BYTES = 4 * 2**20
LOWEST_TYPICAL_PT = 5.0
"""A median over events of the largest pT below this [GeV] shows another unit than MeV."""

_NEWLINE = ord("\n")
_BOM = b"\xef\xbb\xbf"


def read_challenge_csv(
    path: str | Path,
    member: str | None = None,
    chunk_events: int = CHUNK_EVENTS,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ObjectEvents]:
    """Read a file of the challenge.

    Left out and counted as irregular are events with MET = 0 or a weight of 0 or below. Of more
    than 20 objects, an event keeps the first 20 of the file; this is irregular too. No cuts are
    applied: the files hold selected objects and events. Blank lines do not matter.

    Args:
        path: The file: plain, gzip, bzip2 or xz, or a tar archive of such files.
        member: Path of the file inside the archive, or the end of this path if no other member ends
            with it, e.g. "background_chan1_7.79.csv"; only for archives.
        chunk_events: Largest number of events to return at a time.
        counts: Receives how many events are irregular for which reason, and the numbers of events
            `"read"` and `"kept"`.
        most_irregular: Largest fraction of irregular events.

    Yields:
        Events, energies in GeV, objects sorted by falling pT.

    Raises:
        ValueError: If the file cannot be opened or read, a line is invalid (names it), there are no
            events, or too many irregular ones.
    """
    name = str(path) if member is None else f"{path} ({member})"
    irregular = IrregularEvents(name, most_irregular)
    kept = 0
    for lines in _lines(path, member, name, chunk_events):
        events = _regular(lines, irregular)
        if kept == 0:
            _warn_if_unit_differs(name, events)
        kept += len(events)
        if len(events):
            yield events
    irregular.conclude()
    if counts is not None:
        counts.update(irregular.counts, read=irregular.events, kept=kept)
    logger.info("%s: %d events, %d kept", name, irregular.events, kept)


def _lines(path: str | Path, member: str | None, name: str, chunk_events: int) -> Iterator[_Lines]:
    """Lines of a file, at most `chunk_events` at a time."""
    before = 0
    with open_member(path, member) as file:
        for block in _blocks(file, name):
            data = np.frombuffer(block, dtype=np.uint8)
            ends = np.flatnonzero(data == _NEWLINE) + 1
            starts = np.concatenate([[0], ends])
            for i in range(0, len(ends), chunk_events):
                yield _Lines(name, before + i, data, starts[i : i + chunk_events + 1])
            before += len(ends)


def _blocks(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Whole lines, each with its newline, about `BLOCK_BYTES` at a time."""
    rest, lines = b"", 0
    first = True
    while True:
        try:
            with damage_as_fault():
                read = file.read(BLOCK_BYTES)
        except Fault as fault:
            where = f"line {lines + 1} or later"
            raise place_error(name, where, fault.problem, fault.remedy) from fault
        if first:
            read, first = read.removeprefix(_BOM), False
        if not read:
            break
        cut = read.rfind(b"\n") + 1
        if cut == 0 and len(rest) + len(read) >= BLOCK_BYTES:
            problem = f"the line is longer than {len(rest) + len(read)} bytes"
            raise place_error(name, f"line {lines + 1}", problem, REMEDY)
        if cut:
            yield rest + read[:cut]
            lines += read.count(b"\n")
            rest = read[cut:]
        else:
            rest += read
    if rest:
        yield rest + b"\n"


class _Lines:
    """Some consecutive lines of a file."""

    def __init__(self, name: str, before: int, data: np.ndarray, starts: np.ndarray) -> None:
        self._name, self._before, self._data, self._starts = name, before, data, starts
        self._parsed = parse_lines(data, starts)
        self._processes = self._numbered()

    def events(self) -> tuple[ObjectEvents, np.ndarray]:
        """The events of all lines that are not blank, and their numbers of objects."""
        parsed = self._parsed
        for i in np.flatnonzero(parsed.status == CAREFUL):
            self._read_carefully(int(i))
        weight, met, met_phi = parsed.header.T
        energy, pt, eta, phi = parsed.values
        events = ObjectEvents(
            met=met,
            met_phi=met_phi,
            weight=weight,
            process=np.array([*self._processes, ""])[parsed.process],
            event_id=parsed.event_id,
            type=parsed.type,
            energy=energy,
            pt=pt,
            eta=eta,
            phi=phi,
            order=parsed.order,
        )
        filled = parsed.status != BLANK
        return (events, parsed.counts) if filled.all() else (events[filled], parsed.counts[filled])

    def _numbered(self) -> dict[str, int]:
        """Names of processes that the compiled reader found, and their numbers."""
        try:
            names = [bytes(self._data[a:b]).decode() for a, b in self._parsed.names]
            return {name: number for number, name in enumerate(names)}
        except UnicodeDecodeError:
            # The careful reader finds the line and words the error.
            self._parsed.status[self._parsed.status == READ] = CAREFUL
            return {}

    def _read_carefully(self, i: int) -> None:
        parsed = self._parsed
        text = bytes(self._data[self._starts[i] : self._starts[i + 1] - 1])
        if not text.strip():
            parsed.status[i] = BLANK
            return
        try:
            line = parse_line(text)
        except Fault as fault:
            where = f"line {self._before + i + 1}"
            raise place_error(self._name, where, fault.problem, fault.remedy) from fault
        parsed.process[i] = self._processes.setdefault(line.process, len(self._processes))
        parsed.event_id[i] = line.event_id
        parsed.header[i] = line.weight, line.met, line.met_phi
        parsed.counts[i] = len(line.objects)
        parsed.type[i], parsed.order[i], parsed.values[:, i] = ABSENT, -1, np.nan
        kept = [np.array(numbers, dtype=np.float32) for _, *numbers in line.objects[:MOST_OBJECTS]]
        by_pt = sorted(range(len(kept)), key=lambda k: -kept[k][1])
        for place, k in enumerate(by_pt):
            parsed.type[i, place] = line.objects[k][0]
            parsed.values[:, i, place] = kept[k]
            parsed.order[i, place] = k


def _regular(lines: _Lines, irregular: IrregularEvents) -> ObjectEvents:
    """The events of some lines without those to leave out, which are counted."""
    events, counts = lines.events()
    light, balanced = events.weight <= 0, events.met == 0
    irregular.events += len(events)
    irregular.counts[WEIGHT] += int(light.sum())
    irregular.counts[NO_MET] += int((balanced & ~light).sum())
    kept = ~(light | balanced)
    irregular.counts[SHORTENED] += int((counts[kept] > MOST_OBJECTS).sum())
    return events if kept.all() else events[kept]


def _warn_if_unit_differs(name: str, events: ObjectEvents) -> None:
    leading = events.pt[events.present[:, 0], 0]
    if len(leading) and (median := float(np.median(leading))) < LOWEST_TYPICAL_PT:
        logger.warning(
            "%s: the median of the largest pT in an event is %.3g GeV, which is very small; are the"
            " numbers in GeV? The file must have MeV (%s)",
            name,
            median,
            LINE,
        )


def write_challenge_csv(path: str | Path, chunks: Iterable[ObjectEvents], digits: int = 6) -> int:
    """Write events as a file of the challenge, objects in the order that their `order` says.

    Args:
        path: File to write; compressed if the name ends with `.gz`.
        chunks: The events.
        digits: Number of significant digits; the files of the challenge have 6.

    Returns:
        Number of events.
    """
    written = 0
    with atomic_path(path) as temporary, _created(temporary) as file:
        for events in chunks:
            file.writelines(_line(events, i, digits) for i in range(len(events)))
            written += len(events)
    return written


@contextmanager
def _created(path: Path) -> Iterator[IO[str]]:
    if path.suffix != ".gz":
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    # Without a name and a time in its header, so that equal events give equal files.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
    ):
        yield file


def _line(events: ObjectEvents, i: int, digits: int) -> str:
    def text(value: float) -> str:
        return f"{value:.{digits}g}"

    met = f"{text(1000 * events.met[i])};{text(events.met_phi[i])}"
    parts = [f"{events.event_id[i]};{events.process[i]};{text(events.weight[i])};{met}"]
    present = np.flatnonzero(events.present[i])
    for k in present[np.argsort(events.order[i, present], kind="stable")]:
        energy, pt = (1000 * float(values[i, k]) for values in (events.energy, events.pt))
        numbers = (energy, pt, float(events.eta[i, k]), float(events.phi[i, k]))
        parts.append(",".join([LABELS[events.type[i, k] - 1], *map(text, numbers)]))
    return ";".join(parts) + ";\n"
