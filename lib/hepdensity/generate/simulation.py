"""Simulated samples: Pythia, the detector, and a ROOT file with what they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.generate.delphes_root import DelphesWriter
from hepdensity.generate.pythia import BATCH, LARGEST_SEED, PythiaRun
from hepdensity.generate.requirement import Activity, Requirement
from hepdensity.physics.detector.card import ATLAS, Card
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.detector.reconstruction import Reconstruction

MOST_EVENTS_PER_CHUNK = 100_000_000
"""Numbers of events of different chunks of a sample are this far apart."""

Choice = Callable[[Reconstruction], np.ndarray]
"""Tells which events of a batch to keep, bool, shape (n,)."""


@dataclass(frozen=True)
class Chunk:
    """Part of a sample, which one process simulates.

    Attributes:
        sample: Name of the sample.
        settings: Lines for Pythia.
        seed: Seed of the study.
        number: Number of the chunk, counted from 0.
        events: Number of events to generate, not counting those vetoed.
        slha: SLHA text, or None.
        requirements: What the hard process needs, any one of them; none keep all.
        activity: What the shower needs, or None.
    """

    sample: str
    settings: Sequence[str]
    seed: int
    number: int
    events: int
    slha: str | None = None
    requirements: Sequence[Requirement] = ()
    activity: Activity | None = None

    def run_seed(self) -> int:
        """Seed of Pythia and of the detector: one that other samples do not share, plus `number`.

        Samples that differ only in the range of pTHat would be alike event by event if they shared
        a seed.
        """
        digest = sha256(f"{self.seed} {self.sample}".encode()).digest()
        return 1 + (int.from_bytes(digest[:8], "big") + self.number) % LARGEST_SEED


def simulate(
    chunk: Chunk,
    path: str | Path,
    keep: Choice | None = None,
    card: Card = ATLAS,
    eflow: bool = False,
    batch: int = BATCH,
    advance: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Simulate events and write those that are kept.

    Args:
        chunk: What to simulate.
        path: ROOT file to write.
        keep: Which events to write; all by default.
        card: The detector.
        eflow: Whether to write energy-flow candidates.
        batch: Number of events at a time; it does not change the events.
        advance: Called with the number of new events after every batch.

    Returns:
        Numbers for a JSON file: what `Tally` has, `events` in the file, `seed`, and the name of the
        sample.

    Raises:
        ValueError: If there are too many events for a chunk, or Pythia rejects what it is given.
        DiskFull: If there is not enough space.
    """
    if chunk.events > MOST_EVENTS_PER_CHUNK:
        raise ValueError(f"{chunk.sample}: at most {MOST_EVENTS_PER_CHUNK} events fit in a chunk")
    seed, written = chunk.run_seed(), 0
    run = PythiaRun(
        *(chunk.settings, seed, chunk.slha, chunk.requirements, chunk.activity, chunk.sample)
    )
    with DelphesWriter(path, eflow) as writer:
        for particles in run.batches(chunk.events, batch):
            found = reconstruct(particles, seed, card)
            chosen = np.ones(len(found), dtype=bool) if keep is None else keep(found)
            number = found.event_id + chunk.number * MOST_EVENTS_PER_CHUNK
            sizes = np.diff(particles.offsets)
            writer.append(replace(found, event_id=number), sizes, chosen)
            written += int(chosen.sum())
            if advance is not None:
                advance(len(found))
    return {**vars(run.tally()), "sample": chunk.sample, "seed": seed, "events": written}
