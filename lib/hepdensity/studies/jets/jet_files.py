"""Files of jets from simulated chunks and from a user's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.generate.chunks import combined
from hepdensity.generate.simulation import MOST_EVENTS_PER_CHUNK
from hepdensity.ingest.delphes_jets import read_delphes_jets
from hepdensity.ingest.hepmc_jets import read_hepmc_jets
from hepdensity.ingest.hidden_valley import read_hidden_valley
from hepdensity.ingest.jet_file import JetWriter
from hepdensity.ingest.jet_repeats import refuse_repeated_jets
from hepdensity.ingest.repeats import refuse_same_files
from hepdensity.ingest.top_tagging import read_top_tagging
from hepdensity.physics.constituents import ConstituentJets, JetForm, JetWindow
from hepdensity.physics.jet_finding import JetFinding
from hepdensity.studies.jets.processes import process_of
from hepdensity.studies.jets.simulation import finding_of

FORMATS = ("top_tagging", "hidden_valley", "root", "hepmc")
"""Formats of a user's files."""

OTHER_PROCESS = "of another process"


def form_of(ingestion: Mapping[str, Any]) -> JetForm:
    """What to store of jets.

    Args:
        ingestion: `most`, `jet_from`, and `pt` and `eta` of the window, or None for both to keep
            all jets.

    Raises:
        ValueError: If a setting is out of range.
    """
    pt = ingestion["pt"]
    window = None if pt is None else JetWindow(tuple(pt), ingestion["eta"])
    return JetForm(ingestion["most"], ingestion["jet_from"], window)


def ingest_files(
    files: Sequence[str | Path],
    path: str | Path,
    ingestion: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the jets of a user's files into one file.

    Args:
        files: The files, of one format.
        path: HDF5 file to write.
        ingestion: `format` (one of `FORMATS`), `process`, the label of its jets, `label`, that of
            the wanted jets in files of several processes (`top_tagging`), what `form_of` takes,
            `largest_skipped`; for `root` and `hepmc` also `radius`, `min_pt` [GeV] and
            `min_candidate_pt` [GeV], for `root` `matched`, and for `hepmc` `seed`.
        provenance: Run record.

    Returns:
        Numbers for a JSON file: `jets`, and `counts` of what was left out.

    Raises:
        ValueError: If a file is given twice or is invalid, or there is no such format.
        DiskFull: If there is not enough space.
    """
    if not files:
        raise ValueError(f"{path}: no file of jets is given; give one or more")
    refuse_same_files(files, "the files of jets")
    read, form = _reader(ingestion), form_of(ingestion)
    counts: Counter[str] = Counter()

    def chunks() -> Iterator[ConstituentJets]:
        for i, file in enumerate(files):
            for jets in _own(read(file, counts), ingestion, counts):
                # Files number their events from 0 on.
                yield replace(jets, event_id=jets.event_id + i * MOST_EVENTS_PER_CHUNK)

    return {"jets": _write(chunks(), path, form, provenance, counts), "counts": counts}


def _own(
    chunks: Iterable[ConstituentJets], ingestion: Mapping[str, Any], counts: Counter[str]
) -> Iterator[ConstituentJets]:
    """The jets of the process, under its name, where a file has those of several."""
    if ingestion["format"] != "top_tagging":
        yield from chunks
        return
    for jets in chunks:
        own = jets.label == ingestion["label"]
        counts[OTHER_PROCESS] += int((~own).sum())
        chosen = jets[own]
        if len(chosen):
            yield replace(chosen, label=np.full(len(chosen), ingestion["process"]))


def ingest_simulated(
    files: Sequence[str | Path],
    summaries: Sequence[Mapping[str, Any]],
    path: str | Path,
    ingestion: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the simulated chunks of a process into one file, once no jet is found to occur twice.

    Args:
        files: ROOT files of the chunks.
        summaries: Their summaries, in the same order.
        path: HDF5 file to write.
        ingestion: `process`, `radius`, `min_candidate_pt` [GeV], and what `form_of` takes, with a
            window.
        provenance: Run record.

    Returns:
        Numbers for a JSON file: those of the chunks together, `jets`, and what the reader counted.

    Raises:
        ValueError: If no chunk has a wanted jet, or a jet occurs twice.
        DiskFull: If there is not enough space.
    """
    process, form = process_of(ingestion["process"]), form_of(ingestion)
    numbers = combined(summaries)
    numbers |= {name: sum(one[name] for one in summaries) for name in ("outside", "unmatched")}
    filled = [file for file, one in zip(files, summaries, strict=True) if one["events"]]
    if not filled:
        told = f"none of the {numbers['generated']} events generated has a jet that is wanted"
        raise ValueError(f"{path}: {told}; generate more events, or widen the window")
    finding = finding_of(ingestion)
    counts: Counter[str] = Counter()

    def chunks() -> Iterator[ConstituentJets]:
        for file in filled:
            yield from read_delphes_jets(
                file, form, finding, process.name, process.matched, counts=counts
            )

    jets = _write(chunks(), path, form, provenance, counts)
    try:
        refuse_repeated_jets([path])
    except ValueError:
        Path(path).unlink()
        raise
    return {**numbers, "jets": jets, "counts": counts}


def _reader(
    ingestion: Mapping[str, Any],
) -> Callable[[str | Path, Counter[str]], Iterator[ConstituentJets]]:
    """Function that reads a file and counts."""
    form, skipped = form_of(ingestion), ingestion["largest_skipped"]
    chosen = ingestion["format"]
    if chosen not in FORMATS:
        raise ValueError(f"jets have no format {chosen!r}; use {', '.join(FORMATS)}")
    if chosen == "top_tagging":
        return lambda path, counts: read_top_tagging(
            path, form, counts=counts, most_irregular=skipped
        )
    label = ingestion["process"]
    if chosen == "hidden_valley":
        return lambda path, counts: read_hidden_valley(
            path, form, label, counts=counts, most_irregular=skipped
        )
    finding = JetFinding(*(ingestion[name] for name in ("radius", "min_pt", "min_candidate_pt")))
    if chosen == "root":
        matched = ingestion["matched"]
        return lambda path, counts: read_delphes_jets(
            path, form, finding, label, matched, counts=counts, most_irregular=skipped
        )
    seed = ingestion["seed"]
    return lambda path, counts: read_hepmc_jets(
        path, form, finding, seed, label=label, counts=counts, most_irregular=skipped
    )


def _write(
    chunks: Iterable[ConstituentJets],
    path: str | Path,
    form: JetForm,
    provenance: Mapping[str, Any],
    counts: Counter[str],
) -> int:
    """Write a file piece by piece; returns the number of jets."""
    kept = 0
    with JetWriter(path, provenance, form) as writer:
        for jets in chunks:
            writer.append(jets)
            kept += len(jets)
        writer.describe(counts)
        if not kept:
            raise ValueError(f"{path}: no jet is wanted; check the label, or widen jets.window")
    return kept
