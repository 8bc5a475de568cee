"""Files of jets of this study from simulated chunks and from a user's files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.generate.chunks import combined
from hepdensity.ingest.delphes_jets import read_delphes_jets
from hepdensity.ingest.jet_file import JetWriter
from hepdensity.ingest.jet_repeats import refuse_repeated_jets
from hepdensity.physics.constituents import ConstituentJets, JetForm, JetWindow
from hepdensity.physics.jet_finding import JetFinding
from hepdensity.studies.jets.processes import process_of

OTHER_PROCESS = "of another process"


def form_of(settings: Mapping[str, Any]) -> JetForm:
    """What to store of jets.

    Args:
        settings: `most`, `jet_from`, and `window` with `pt` and `eta`.

    Raises:
        ValueError: If a number is out of range.
    """
    window = settings["window"]
    return JetForm(
        settings["most"], settings["jet_from"], JetWindow(tuple(window["pt"]), window["eta"])
    )


def ingest_chunks(
    files: Sequence[str | Path],
    summaries: Sequence[Mapping[str, Any]],
    output: str | Path,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the chunks of a simulated process into one file of jets.

    Args:
        files: ROOT files of the chunks.
        summaries: Their summaries, in the same order.
        output: File of jets to write.
        settings: `process`, `form`, `finding`, and `largest_skipped`.
        provenance: Run record.

    Returns:
        Numbers for a JSON file: those of the chunks together, jets `outside` the window or
        `unmatched` to a top quark, `jets` written, and `counts` of the reader.

    Raises:
        ValueError: If no event has a wanted jet, or jets occur twice.
        DiskFull: If there is not enough space.
    """
    numbers = combined(summaries)
    filled = [file for file, one in zip(files, summaries, strict=True) if one["events"]]
    if not filled:
        told = f"none of the {numbers['generated']} events generated has a wanted jet"
        raise ValueError(f"{output}: {told}; generate more events or leave this process out")
    name = settings["process"]
    left_out = {key: sum(one[key] for one in summaries) for key in ("outside", "unmatched")}
    given = {**settings, "format": "delphes", "matched": process_of(name).matched, "label": name}
    return {**numbers, **left_out, **ingest_files(filled, output, given, provenance)}


def ingest_files(
    files: Sequence[str | Path],
    output: str | Path,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the jets of a process from a user's files into one file of jets.

    Args:
        files: The files; their events count as different ones, whatever their numbers.
        output: File of jets to write.
        settings: `process`, `format`, `form`, `finding`, `largest_skipped`; `label` (that of the
            wanted jets, where a file has those of several processes), `matched` (whether only jets
            with a top quark and its decay count) and `seed` of the detector, for the formats that
            use them.
        provenance: Run record.

    Returns:
        Numbers for a JSON file: `jets` written and `counts` of the reader.

    Raises:
        ValueError: If a file cannot be read, no jet is wanted, or jets occur twice.
        DiskFull: If there is not enough space.
    """
    counts: Counter[str] = Counter()
    form, written = form_of(settings["form"]), 0
    with JetWriter(output, provenance, form) as writer:
        for number, path in enumerate(files):
            for jets in _own(_chunks(path, number, form, settings, counts), settings, counts):
                writer.append(replace(jets, event_id=jets.event_id + number * _EVENTS_PER_FILE))
                written += len(jets)
        writer.describe(counts)
        if not written:
            raise ValueError(
                f"{files[0]}: no jet of '{settings.get('label', settings['process'])}' inside the"
                " window; check the label, or widen jets.window"
            )
    refuse_repeated_jets([output])
    return {"jets": written, "counts": dict(counts)}


_EVENTS_PER_FILE = 10**9
"""Distance between the event numbers of two files."""


def _chunks(
    path: str | Path,
    number: int,
    form: JetForm,
    settings: Mapping[str, Any],
    counts: Counter[str],
) -> Iterator[ConstituentJets]:
    """Jets of a file in any format."""
    shared: dict[str, Any] = {
        "form": form,
        "counts": counts,
        "most_irregular": settings["largest_skipped"],
    }
    process, finding = settings["process"], JetFinding(**settings["finding"])
    match settings["format"]:
        case "delphes":
            return read_delphes_jets(
                path, finding=finding, label=process, matched=settings["matched"], **shared
            )
        case "hepmc":
            from hepdensity.ingest.hepmc_jets import read_hepmc_jets

            seed = settings["seed"] + number
            return read_hepmc_jets(path, finding=finding, seed=seed, label=process, **shared)
        case "top-tagging":
            from hepdensity.ingest.top_tagging import read_top_tagging

            return read_top_tagging(path, **shared)
        case "hidden-valley":
            from hepdensity.ingest.hidden_valley import read_hidden_valley

            return read_hidden_valley(path, label=process, **shared)
    raise ValueError(f"jets.files.{process}: unknown format '{settings['format']}'")


def _own(
    chunks: Iterable[ConstituentJets], settings: Mapping[str, Any], counts: Counter[str]
) -> Iterator[ConstituentJets]:
    """The jets of the process, where a file has those of several, under its name."""
    if settings["format"] != "top-tagging":
        yield from chunks
        return
    for jets in chunks:
        own = jets.label == settings["label"]
        counts[OTHER_PROCESS] += int((~own).sum())
        chosen = jets[own]
        if len(chosen):
            yield replace(chosen, label=np.full(len(chosen), settings["process"]))
