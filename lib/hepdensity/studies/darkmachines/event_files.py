"""Event files of this study from simulated chunks and from a user's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hepdensity.generate.chunks import combined
from hepdensity.ingest.delphes import read_delphes
from hepdensity.ingest.object_file import ObjectWriter, Sample
from hepdensity.physics.objects import ObjectEvents


def write_events(
    events: Iterable[ObjectEvents],
    path: str | Path,
    provenance: Mapping[str, Any],
    sample: Mapping[str, Any],
) -> int:
    """Write an event file piece by piece.

    Args:
        events: Chunks of events.
        path: HDF5 file to write.
        provenance: Run record.
        sample: `cross_section` [pb] and `generated`, if they are known, and `mean_weight` of the
            events generated; by default the mean of the events that are written.

    Returns:
        Number of events.

    Raises:
        DiskFull: If there is not enough space.
    """
    kept, total = 0, 0.0
    with ObjectWriter(path, provenance) as writer:
        for chunk in events:
            writer.append(chunk)
            kept, total = kept + len(chunk), total + float(chunk.weight.sum())
        mean = sample.get("mean_weight", total / kept if kept else None)
        writer.describe(Sample(sample.get("cross_section"), sample.get("generated"), mean))
    return kept


def write_sample(
    events: Iterable[ObjectEvents],
    path: str | Path,
    provenance: Mapping[str, Any],
    ingestion: Mapping[str, Any],
    counts: Counter[str],
) -> dict[str, Any]:
    """Write the event file of a sample that a user's files hold.

    Args:
        events: Chunks of events.
        path: HDF5 file to write.
        provenance: Run record.
        ingestion: `cross_section` [pb] and `generated`, None if they are not known.
        counts: What the reader counts while it is read.

    Returns:
        Numbers for a JSON file: `events`, `counts`, `cross_section` and `generated`.

    Raises:
        DiskFull: If there is not enough space.
    """
    known = {key: ingestion[key] for key in ("cross_section", "generated")}
    return {"events": write_events(events, path, provenance, known), "counts": counts, **known}


def ingest_simulated(
    files: Sequence[str | Path],
    summaries: Sequence[Mapping[str, Any]],
    path: str | Path,
    process: str,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the chunks of a simulated sample into one event file.

    Weights are normalised to a mean of 1 over the events generated, so that each event stands for
    `cross_section / generated` times its weight.

    Args:
        files: ROOT files of the chunks.
        summaries: Their summaries, in the same order.
        path: HDF5 file to write.
        process: Name of the process.
        provenance: Run record.

    Returns:
        Numbers for a JSON file: those of the chunks together, and what the reader counted.

    Raises:
        ValueError: If no event of any chunk is in a channel.
        DiskFull: If there is not enough space.
    """
    numbers = combined(summaries)
    filled = [file for file, one in zip(files, summaries, strict=True) if one["events"]]
    if not filled:
        told = f"none of the {numbers['generated']} events generated is in a channel"
        raise ValueError(f"{path}: {told}; generate more events or leave this sample out")
    scale = numbers["generated"] / numbers["sum_weights"]
    counts: Counter[str] = Counter()
    read = read_delphes(filled, process=process, counts=counts)
    events = (replace(chunk, weight=chunk.weight * scale) for chunk in read)
    kept = write_events(events, path, provenance, {**numbers, "mean_weight": 1.0})
    return {**numbers, "events": kept, "counts": counts}
