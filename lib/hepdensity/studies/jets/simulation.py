"""Simulation of jets: Pythia, the detector, and a ROOT file with Delphes' names of branches.

The file is read back with `hepdensity.ingest.delphes_jets.read_delphes_jets`, as a user's would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.compilation import without_extensions
from hepdensity.generate.delphes_root import DelphesWriter, branches
from hepdensity.generate.pythia import BATCH, PythiaRun, particles_of
from hepdensity.generate.simulation import MOST_EVENTS_PER_CHUNK, Chunk
from hepdensity.physics.constituents import JetWindow
from hepdensity.physics.detector.card import ATLAS
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.jet_finding import FoundJets, JetFinding, jets_of_candidates
from hepdensity.physics.tops import contain_a_top
from hepdensity.studies.jets.processes import JetProcess, process_of
from hepdensity.studies.jets.top_record import TopRecord


def finding_of(settings: Mapping[str, Any]) -> JetFinding:
    """How the jets of the simulation are found.

    Args:
        settings: `radius`, `min_candidate_pt` [GeV], and the edges `pt` of the window [GeV].
    """
    # Somewhat softer jets tell how many are just outside the window.
    return JetFinding(settings["radius"], 0.9 * settings["pt"][0], settings["min_candidate_pt"])


@without_extensions()
def simulate_jets(
    generation: Mapping[str, Any],
    path: str | Path,
    batch: int = BATCH,
    advance: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Simulate one chunk of the jets of a process; events without a wanted jet are not written.

    Args:
        generation: `process`, `chunk`, `events`, `seed`, `settings` (more lines for Pythia),
            `radius`, `min_candidate_pt` [GeV], `pt` (lower and upper edge [GeV]) and `eta` of the
            window.
        path: ROOT file to write.
        batch: Number of events at a time; it does not change the events.
        advance: Called with the number of new events after every batch.

    Returns:
        Numbers for a JSON file: what `Tally` has, `events` in the file, `seed`, `process`, and
        numbers of jets: `jets` wanted, `outside` the window, and `unmatched` to a top quark though
        inside.

    Raises:
        ValueError: If there is no such process, too many events for a chunk, or Pythia rejects the
            settings.
        DiskFull: If there is not enough space.
    """
    process = process_of(generation["process"])
    if generation["events"] > MOST_EVENTS_PER_CHUNK:
        raise ValueError(f"{process.name}: at most {MOST_EVENTS_PER_CHUNK} events fit in a chunk")
    window = JetWindow(tuple(generation["pt"]), generation["eta"])
    finding = finding_of(generation)
    chunk = _chunk(process, generation)
    run = PythiaRun(
        chunk.settings, chunk.run_seed(), activity=chunk.activity, name=f"jets {chunk.sample}"
    )
    counts: Counter[str] = Counter(jets=0, outside=0, unmatched=0, events=0)
    with DelphesWriter(path, eflow=True) as writer:
        for first, record in run.records(chunk.events, batch):
            particles = particles_of(record, first)
            found = reconstruct(particles, chunk.run_seed(), ATLAS)
            jets = jets_of_candidates(found.eflow, finding)
            tops = TopRecord(record) if process.matched else None
            wanted = _wanted(jets, window, finding, tops, counts)
            written = np.isin(np.arange(len(found)), jets.event[wanted])
            number = found.event_id + chunk.number * MOST_EVENTS_PER_CHUNK
            sizes = np.diff(particles.offsets)
            columns = branches(replace(found, event_id=number), sizes, eflow=True)
            if tops is not None:
                del columns["Particle_size"]
                columns["Particle"] = tops.particles()
            writer.append_columns({name: of[written] for name, of in columns.items()})
            counts["events"] += int(written.sum())
            if advance is not None:
                advance(len(found))
    told = {"process": process.name, "seed": chunk.run_seed()}
    return {**vars(run.tally()), **told, **counts}


def _chunk(process: JetProcess, generation: Mapping[str, Any]) -> Chunk:
    return Chunk(
        f"jets {process.name}",
        (*process.settings, *generation["settings"]),
        generation["seed"],
        generation["chunk"],
        generation["events"],
        activity=process.activity,
    )


def _wanted(
    jets: FoundJets,
    window: JetWindow,
    finding: JetFinding,
    tops: TopRecord | None,
    counts: Counter[str],
) -> np.ndarray:
    """Which jets are wanted, bool, shape (n,); the others are counted."""
    inside = window.contains(jets.axis)
    counts["outside"] += int((~inside).sum())
    wanted = inside
    if tops is not None:
        wanted = inside & contain_a_top(tops.tops, jets.event, jets.axis[:, 1:3], finding.radius)
    counts["unmatched"] += int((inside & ~wanted).sum())
    counts["jets"] += int(wanted.sum())
    return wanted
