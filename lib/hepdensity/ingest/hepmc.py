"""Read HepMC files of versions 2 and 3 (Buckley et al. 2021, arXiv:1912.08005), through pyhepmc.

`read_particles` gives what generators wrote; `read_hepmc` passes it through the detector. Units are
converted to GeV. Where particles were made is not used: all of them start at the origin.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyhepmc
from pyhepmc.io import ReaderAscii, ReaderAsciiHepMC2, pyiostream

from hepdensity.ingest.compression import damage_as_fault, open_plain
from hepdensity.ingest.irregular import MOST_IRREGULAR, NO_MET, WEIGHT, IrregularEvents
from hepdensity.ingest.validation import Fault, input_error, place_error
from hepdensity.physics.detector.card import ATLAS, Card
from hepdensity.physics.detector.objects import objects_of
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.objects import ObjectEvents
from hepdensity.physics.particles import Particles
from hepdensity.physics.selection import SHORTENED, Selection

logger = logging.getLogger(__name__)

CHUNK_EVENTS = 500

FINAL, BEAM = 1, 4
"""Status codes of stable and of beam particles."""

_READERS = {b"HepMC::Asciiv3": ReaderAscii, b"HepMC::IO_GenEvent": ReaderAsciiHepMC2}
_HEAD_BYTES, _BLOCK_BYTES = 4096, 65536
_EVENT = b"\nE "
_END = b"END_EVENT_LISTING"
_END_LINES = "HepMC::Asciiv3-END_EVENT_LISTING or HepMC::IO_GenEvent-END_EVENT_LISTING"
_AGAIN = "copy it or generate it again"
_HADRONS = "generate events with showers, hadronisation and decays"


def read_hepmc(
    path: str | Path,
    seed: int = 1,
    card: Card = ATLAS,
    process: str | None = None,
    selection: Selection | None = None,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ObjectEvents]:
    """Read events, pass them through the detector, and keep those that pass a selection.

    Left out and counted as irregular are events with MET = 0 or with a weight of 0 or below. Of
    more than 20 objects, an event keeps the first 20 in the order jets, electrons, muons, photons;
    this is irregular too.

    Args:
        path: A HepMC file of version 2 or 3, plain or compressed with gzip, bzip2 or xz.
        seed: Seed of the detector; what becomes of an event depends on it and on the place of the
            event in the file only.
        card: The detector.
        process: Name of the process, by default the name of the file without its suffixes.
        selection: Cuts on objects and events, by default those of the challenge.
        counts: Receives what each cut removes (see `gather_objects`), how many events are irregular
            for which reason, and the numbers of events `"read"` and `"kept"`.
        most_irregular: Largest fraction of irregular events.

    Yields:
        Events, at most `CHUNK_EVENTS` at a time.

    Raises:
        ValueError: As in `read_particles`; also if too many events are irregular, or none passes.
    """
    name = Path(path).name.split(".")[0] if process is None else process
    irregular = IrregularEvents(path, most_irregular)
    totals: Counter[str] = Counter()
    with_partons = False
    for particles in read_particles(path):
        with_partons = with_partons or not particles.final.all()
        found = reconstruct(particles, seed, card)
        usable = found.weight > 0
        irregular.counts[WEIGHT] += int((~usable).sum())
        irregular.counts[NO_MET] += int((usable & (found.met == 0)).sum())
        events = objects_of(found, name, selection, totals, usable & (found.met > 0))
        irregular.events += len(particles)
        irregular.counts[SHORTENED] += totals.pop(SHORTENED)
        totals.update(read=len(particles), kept=len(events))
        if len(events):
            yield events
    irregular.conclude()
    if not with_partons:
        logger.warning("%s: there are no partons, so all jets count as light for b-tags", path)
    totals.update(irregular.counts)
    logger.info("%s: %s", path, dict(totals))
    if counts is not None:
        counts.update(totals)
    if totals["kept"] == 0:
        problem = f"none of the {totals['read']} events passes the selection"
        raise place_error(path, None, problem, "give more events, or loosen the cuts")


def read_particles(path: str | Path, chunk_events: int = CHUNK_EVENTS) -> Iterator[Particles]:
    """Read stable particles and partons.

    Partons are quarks except top, and gluons, of any status but stable or beam; they give jets
    their flavour.

    Args:
        path: A HepMC file of version 2 or 3, plain or compressed with gzip, bzip2 or xz.
        chunk_events: Number of events to read at a time.

    Yields:
        Events; `event_id` is the place in the file, counted from 0, because the numbers that
        generators write may repeat. The weight is the first one, or 1 if there is none.

    Raises:
        ValueError: If the file cannot be opened, is no HepMC file, is damaged, cut off or empty, or
            if an event has no final state, a final state of partons, or impossible momenta.
    """
    n_read = 0
    batch: list[_Event] = []
    for event in _generated(path):
        batch.append(_checked(path, n_read, _Event(event)))
        n_read += 1
        if len(batch) == chunk_events:
            yield _particles(batch, n_read - len(batch))
            batch = []
    if batch:
        yield _particles(batch, n_read - len(batch))
    if n_read == 0:
        raise place_error(path, None, "there are no events", "give a file with events")


class _Event:
    """Particles of one event that matter, and its weight."""

    def __init__(self, event: Any) -> None:
        event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
        every = event.numpy.particles
        self.weight = float(event.weights[0]) if len(event.weights) else 1.0
        status, code = every.status, np.abs(every.pid)
        final = status == FINAL
        partonic = ((code >= 1) & (code <= 5)) | (code == 21)
        kept = final | (partonic & (status != BEAM))
        self.partons_left = bool((final & partonic).any())
        self.final, self.pdg_id = final[kept], every.pid[kept]
        self.momentum = np.stack([every.px, every.py, every.pz, every.e])[:, kept]


def _checked(path: str | Path, place: int, event: _Event) -> _Event:
    """The event, if it can enter the detector."""
    faults = {
        "there are no stable particles (status 1)": not event.final.any(),
        "quarks or gluons are stable": event.partons_left,
    }
    for problem, is_so in faults.items():
        if is_so:
            raise input_error(path, place + 1, problem, _HADRONS)
    x, y, z, energy = event.momentum[:, event.final]
    momentum = np.sqrt(x * x + y * y + z * z)
    # Files with few digits make light particles slightly spacelike; virtual partons may be it.
    if not (np.isfinite(event.momentum).all() and (energy >= 0.99 * momentum).all()):
        problem = "a momentum is not finite, or larger than the energy"
        raise input_error(path, place + 1, problem, _AGAIN)
    return event


def _particles(batch: list[_Event], first: int) -> Particles:
    px, py, pz, energy = np.concatenate([event.momentum for event in batch], axis=1)
    return Particles(
        offsets=np.cumsum([0, *(len(event.final) for event in batch)]),
        pdg_id=np.concatenate([event.pdg_id for event in batch]).astype(np.int32),
        px=px,
        py=py,
        pz=pz,
        energy=energy,
        final=np.concatenate([event.final for event in batch]),
        weight=np.array([event.weight for event in batch]),
        event_id=np.arange(first, first + len(batch)),
    )


def _generated(path: str | Path) -> Iterator[Any]:
    """Events as pyhepmc gives them."""
    with open_plain(path) as file:
        text = _Text(file)
        head = text.head()
        with _fault_placed(path):
            text.check()
        readers = [reader for key, reader in _READERS.items() if key in head]
        if not readers:
            problem = "this is not a HepMC file of version 2 or 3; it has no START_EVENT_LISTING"
            raise place_error(path, None, problem, "give a file that a generator wrote as HepMC")
        n_read = 0
        with readers[0](pyiostream(text, _BLOCK_BYTES)) as reader:
            while (event := _next(reader)) is not None:
                yield event
                n_read += 1
        with _fault_placed(path):
            text.check()
        if text.events > n_read:
            raise input_error(path, n_read + 1, "the event is damaged or cut off", _AGAIN)
        if not text.complete:
            problem = f"the file seems cut off: it has no {_END.decode()} after the last event"
            remedy = f"copy or generate it again, or add the line {_END_LINES}"
            raise place_error(path, None, problem, remedy)


@contextmanager
def _fault_placed(path: str | Path) -> Iterator[None]:
    try:
        yield
    except Fault as fault:
        raise place_error(path, None, fault.problem, fault.remedy) from fault


def _next(reader: Any) -> Any:
    """The next event, or None; HepMC does not print what we report ourselves."""
    setup = pyhepmc.Setup
    before = setup.print_errors, setup.print_warnings, setup.debug_level
    setup.print_errors, setup.print_warnings, setup.debug_level = False, False, 0
    try:
        return reader.read()
    finally:
        setup.print_errors, setup.print_warnings, setup.debug_level = before


class _Text:
    """A file that notes what passes through it, because the readers hide errors and the end.

    Attributes:
        events: Number of events that begin in what was read.
        complete: Whether it ends as a file should.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.events = 0
        self._file, self._head, self._tail = file, b"", b"\n"
        self._fault: Fault | None = None

    @property
    def complete(self) -> bool:
        return _END in self._tail

    def head(self) -> bytes:
        """The first bytes; they will be read again."""
        self._head = self._bytes(_HEAD_BYTES)
        return self._head

    def check(self) -> None:
        """Raise the error met on reading, if any."""
        if self._fault is not None:
            raise self._fault

    def readinto(self, buffer: memoryview) -> int:
        """Read as a file does, but end at an error."""
        data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        data = data or self._bytes(len(buffer))
        seen = self._tail + data
        self.events += seen.count(_EVENT) - self._tail.count(_EVENT)
        self._tail = seen[-64:]
        buffer[: len(data)] = data
        return len(data)

    def _bytes(self, size: int) -> bytes:
        try:
            with damage_as_fault():
                return self._file.read(size)
        except Fault as fault:
            self._fault = fault
            return b""
