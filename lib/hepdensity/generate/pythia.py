"""Events of hadron collisions from Pythia 8 (Bierlich et al. 2022, arXiv:2203.11601)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc

from hepdensity.generate.requirement import Activity, Requirement
from hepdensity.generate.vetoes import EarlyVeto
from hepdensity.physics.particles import Particles

BATCH = 200
"""Events per batch; the whole record of an event takes about 100 kB."""

LARGEST_SEED = 900_000_000
"""Pythia's limit; 0 would mean a seed from the clock."""

MOST_FAILURES = 100
"""More failures without an event in between than this mean that a process does not work."""

PARTON_PT, PARTON_ETA = 1.0, 2.5
"""Partons above this pT [GeV] and below this |eta| give jets their flavour, as in Delphes."""

PICOBARN = 1e9
"""Picobarn per millibarn."""

COMPLAINTS = (" Abort ", " Error ", "read error")
"""What marks the messages of Pythia that make a result useless."""

_BASIC = (
    *("Print:verbosity = 2", "Random:setSeed = on", "Next:numberCount = 0"),
    *("Next:numberShowLHA = 0", "Next:numberShowInfo = 0"),
    *("Next:numberShowProcess = 0", "Next:numberShowEvent = 0"),
)


@dataclass(frozen=True)
class Tally:
    """What a run of Pythia did.

    Attributes:
        cross_section: Cross-section of the events after all vetoes [pb].
        cross_section_error: Its statistical uncertainty [pb].
        generated: Number of events that were handed out.
        sum_weights: Sum of their weights; `generated` if the events are unweighted.
        vetoed: Number of events that were vetoed.
        failed: Number of events that Pythia gave up.
        cpu_seconds: CPU time of this process from the start of the initialisation [s].
    """

    cross_section: float
    cross_section_error: float
    generated: int
    sum_weights: float
    vetoed: int
    failed: int
    cpu_seconds: float


class PythiaRun:
    """One run of Pythia; the same settings and seed give the same events.

    The batches may have any size: it does not change the events.
    """

    def __init__(
        self,
        settings: Sequence[str],
        seed: int,
        slha: str | None = None,
        requirements: Sequence[Requirement] = (),
        activity: Activity | None = None,
        name: str = "Pythia",
    ) -> None:
        """Initialise Pythia.

        Args:
            settings: Lines "name = value" as in Pythia's command files.
            seed: Seed, from 1 to `LARGEST_SEED`.
            slha: Text of an SLHA file with masses and decays, if the process needs one.
            requirements: What the hard process needs, any one of them; none keep all.
            activity: What the shower needs, or None.
            name: What to call the run in messages.

        Raises:
            ValueError: If the seed is out of range, or Pythia rejects the settings or the SLHA.
        """
        if not 1 <= seed <= LARGEST_SEED:
            raise ValueError(f"{name}: seed {seed} is not in [1, {LARGEST_SEED}]; change the seed")
        self._start, self._name = time.process_time(), name
        self._generated = self._failed = 0
        self._sum_weights = 0.0
        self._pythia = pythia8mc.Pythia("", False)
        # Pythia keeps no reference to the hook, so this object must.
        self._veto = EarlyVeto(requirements, activity, name)
        self._pythia.setUserHooksPtr(self._veto)
        with tempfile.TemporaryDirectory() as folder:
            lines = [*_BASIC, *settings, f"Random:seed = {seed}"]
            if slha is not None:
                card = Path(folder, "model.slha")
                card.write_text(slha, encoding="utf-8")
                lines.append(f"SLHA:file = {card}")
            self._initialise(lines, folder, slha is not None)

    def batches(self, events: int, batch: int = BATCH) -> Iterator[Particles]:
        """Generate events.

        Args:
            events: Number of events.
            batch: Number of events at a time.

        Yields:
            Batches with at most `batch` events, numbered from 0 on in the order of generation.

        Raises:
            ValueError: If Pythia produces no events.
        """
        for first, record in self.records(events, batch):
            yield particles_of(record, first)

    def records(self, events: int, batch: int = BATCH) -> Iterator[tuple[int, Any]]:
        """Generate events, with all that Pythia knows of them.

        Args:
            events: Number of events.
            batch: Number of events at a time.

        Yields:
            Number of the first event of a batch, and its record (see `particles_of`).

        Raises:
            ValueError: If Pythia produces no events.
        """
        end, failures = self._generated + events, 0
        while self._generated < end:
            asked = min(batch, end - self._generated)
            record = self._pythia.nextBatch(asked)
            self._failed += asked - len(record)
            failures = 0 if len(record) else failures + asked
            if failures > MOST_FAILURES:
                raise self._error("Pythia fails in every event", "correct the settings")
            if len(record):
                first = self._generated
                self._generated += len(record)
                self._sum_weights += float(_weights(record).sum())
                yield first, record

    def tally(self) -> Tally:
        """What has been done so far."""
        info = self._pythia.infoPython()
        return Tally(
            cross_section=info.sigmaGen() * PICOBARN,
            cross_section_error=info.sigmaErr() * PICOBARN,
            generated=self._generated,
            sum_weights=self._sum_weights,
            vetoed=self._veto.vetoed,
            failed=self._failed,
            cpu_seconds=time.process_time() - self._start,
        )

    def _initialise(self, lines: Sequence[str], folder: str, with_slha: bool) -> None:
        with _standard_output(Path(folder, "messages")) as messages:
            unknown = [line for line in lines if not self._pythia.readString(line)]
            done = not unknown and self._pythia.init()
        reasons = [line for line in messages if any(mark in line for mark in COMPLAINTS)]
        if not done or (with_slha and reasons):
            # Warnings often hold the reason of an error.
            told = [f"no setting '{line}'" for line in unknown] + reasons
            told += [line for line in messages if "Warning" in line and not done]
            # Folders that no longer exist would only confuse.
            reason = " / ".join(dict.fromkeys(told)).replace(f"{folder}/", "")
            what = "the SLHA text or the settings" if with_slha else "the settings"
            raise self._error(f"Pythia rejects {what}: {reason or 'no reason given'}", "correct it")

    def _error(self, problem: str, remedy: str) -> ValueError:
        return ValueError(f"{self._name}: {problem}; {remedy}")


def particles_of(record: Any, first: int = 0) -> Particles:
    """Stable particles, and the partons that give jets their flavour, of Pythia's event records.

    Args:
        record: Result of `nextBatch`.
        first: Number of the first event.
    """
    column = {name: _flat(record.prt[name]) for name in ("id", "status")}
    momentum = {name: _flat(record.prt.p[name]) for name in ("px", "py", "pz", "e")}
    final = column["status"] > 0
    kept = np.flatnonzero(final | _gives_flavour(column["id"], **momentum))
    ends = np.cumsum(ak.to_numpy(ak.num(record.prt.id)))
    return Particles(
        offsets=np.concatenate([[0], np.searchsorted(kept, ends)]).astype(np.int64),
        pdg_id=column["id"][kept].astype(np.int32),
        px=momentum["px"][kept],
        py=momentum["py"][kept],
        pz=momentum["pz"][kept],
        energy=momentum["e"][kept],
        final=final[kept],
        weight=_weights(record),
        event_id=np.arange(first, first + len(record), dtype=np.int64),
    )


def _weights(record: Any) -> np.ndarray:
    weights: np.ndarray = ak.to_numpy(record.info.weights[:, 0]).astype(np.float64)
    return weights


def _flat(values: Any) -> np.ndarray:
    flat: np.ndarray = ak.to_numpy(ak.flatten(values))
    return flat


def _gives_flavour(
    pdg_id: np.ndarray, px: np.ndarray, py: np.ndarray, pz: np.ndarray, e: np.ndarray
) -> np.ndarray:
    """Whether particles are quarks up to b, or gluons, hard and central enough."""
    code, pt = np.abs(pdg_id), np.hypot(px, py)
    central = np.abs(pz) < pt * np.sinh(PARTON_ETA)
    found: np.ndarray = ((code <= 5) | (code == 21)) & (pt > PARTON_PT) & central
    return found


@contextmanager
def _standard_output(path: Path) -> Iterator[list[str]]:
    """Collect what C++ code prints, in a list that is filled at the end."""
    lines: list[str] = []
    saved = os.dup(1)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 1)
            try:
                yield lines
            finally:
                os.dup2(saved, 1)
        text = path.read_text(encoding="utf-8", errors="replace")
        lines += [" ".join(line.split()) for line in text.splitlines()]
    finally:
        os.close(saved)
