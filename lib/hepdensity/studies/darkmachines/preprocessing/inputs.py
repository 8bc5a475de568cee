"""Make inputs files of a channel from event files of backgrounds, signals and unlabelled data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.ingest.object_file import iterate_objects, read_sample
from hepdensity.ingest.object_repeats import first_occurrences
from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.objects import LABELS, ObjectEvents, concatenated
from hepdensity.physics.selection import Selection
from hepdensity.studies.darkmachines.channels import select
from hepdensity.studies.darkmachines.layouts import layout_of
from hepdensity.studies.darkmachines.preprocessing.background import (
    Groups,
    split_background,
    split_fold,
)
from hepdensity.studies.darkmachines.preprocessing.columns import columns_of, summary_arrays

_BLOCK = 200_000


@dataclass(frozen=True)
class Process:
    """A background process, a signal or unlabelled data, and how its events are used.

    Attributes:
        name: Its name.
        path: Event file (see `hepdensity.ingest.object_file`).
        group: Group of the inputs file for its events; None for a background process.
        scale: Factor on the weights of its events.
        selected: Whether its events are those of the channel already.
    """

    name: str
    path: str
    group: str | None = None
    scale: float = 1.0
    selected: bool = False


def prepare_inputs(
    processes: Sequence[Process],
    output: str | Path,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Select the events of a channel and write them as models take them.

    Background events become the groups train, validation and test; any other process is added to
    its own group.

    Args:
        processes: All processes of the channel.
        output: Inputs file; it appears only when complete.
        settings: `channel` (its name), `channels` (cuts of all channels), `view`, `n_max`, `split`
            with fractions `test` and `validation`, `seed`, `largest_skipped`, the largest fraction
            of background events that may occur twice, `folds`, their number or 1, `fold`, the
            fold of this file or None for the test events of all, and `train`, the smallest number
            of training events that is enough.
        provenance: Run record.

    Returns:
        `rows`, number of events of each group; `effective`, effective number of test events;
        `occur_twice`, number of background events left out because the same one stands before;
        `repeated`, number of training rows that repeat an event; `backgrounds`: for each background
        process its `selected` events, and its `share` of the weight.

    Raises:
        ValueError: If a process has no events in the channel, if there are too few training events,
            if too many events occur twice, or if only some cross-sections are known.
    """
    backgrounds = [process for process in processes if process.group is None]
    paths = [process.path for process in backgrounds]
    first = dict(zip(paths, first_occurrences(paths, settings["largest_skipped"]), strict=True))
    chosen = [(process, _selected(process, settings, first)) for process in processes]
    background = [(process, events) for process, events in chosen if process.group is None]
    everything = concatenated([events for _, events in background])
    factors = _factors(backgrounds)
    weight = np.concatenate([factors[process.name] * part.weight for process, part in background])
    groups = _groups(weight, settings)
    place = f"channel {settings['channel']}"
    if groups.train is not None and len(groups.train) < settings["train"]:
        raise ValueError(
            f"{place}: there are {len(groups.train)} unweighted training events, but"
            f" {settings['train']} are needed; generate or provide more background events, or lower"
            " n_train or split"
        )
    test = weight[groups.test]
    parts = {
        "test": (everything[groups.test], test / test.mean()),
        "validation": (everything[groups.validation], None),
    }
    if groups.train is not None:
        parts["train"] = everything[groups.train], None
    for group in dict.fromkeys(process.group for process, _ in chosen if process.group):
        events = concatenated([events for process, events in chosen if process.group == group])
        parts[group] = events, events.weight / events.weight.mean()
    layout = layout_of(settings["view"], settings["n_max"], least_pt())
    with InputsWriter(output, layout, provenance, channel=settings["channel"]) as writer:
        for group, (events, weights) in parts.items():
            _write(writer, group, events, weights, settings)
    shares = {
        process.name: {
            "selected": len(events),
            "share": float(factors[process.name] * events.weight.sum() / weight.sum()),
        }
        for process, events in background
    }
    return {
        "rows": {group: len(events) for group, (events, _) in parts.items()},
        "occur_twice": sum(int((~kept).sum()) for kept in first.values()),
        "repeated": _repeated(groups.train),
        "effective": float(test.sum() ** 2 / (test**2).sum()),
        "backgrounds": shares,
    }


def _groups(weight: np.ndarray, settings: Mapping[str, Any]) -> Groups:
    """Groups of the background; all folds together have no training events."""
    seed, split, folds = settings["seed"], settings["split"], settings["folds"]
    if folds == 1:
        return split_background(weight, split["test"], split["validation"], seed)
    numbers = range(folds) if settings["fold"] is None else [settings["fold"]]
    found = [split_fold(weight, fold, folds, split["validation"], seed) for fold in numbers]
    if settings["fold"] is not None:
        return found[0]
    test, validation = (
        np.concatenate([getattr(groups, name) for groups in found])
        for name in ("test", "validation")
    )
    return Groups(test, validation, None)


def _repeated(rows: np.ndarray | None) -> int:
    return 0 if rows is None else len(rows) - len(np.unique(rows))


def _factors(backgrounds: Sequence[Process]) -> dict[str, float]:
    """What a weight of 1 stands for in each process [pb]; the scale if no cross-section is known.

    Raises:
        ValueError: If only some of the cross-sections are known.
    """
    samples = {process.name: read_sample(process.path) for process in backgrounds}
    known = [name for name, sample in samples.items() if sample.cross_section is not None]
    lacking = [name for name in samples if name not in known]
    if known and lacking:
        raise ValueError(
            f"the cross-section of '{known[0]}' is known, but not that of '{lacking[0]}'; give"
            " cross_section and generated for all background processes of a channel, or for none"
        )
    factors = {process.name: process.scale for process in backgrounds}
    for name in known:
        sample = samples[name]
        assert sample.cross_section is not None and sample.generated is not None
        factors[name] *= sample.cross_section / sample.generated / (sample.mean_weight or 1.0)
    return factors


def least_pt() -> dict[str, float]:
    """Smallest pT of each type of object [GeV], from the selection of the challenge."""
    kinds = {"j": "jet", "b": "jet", "g": "photon"}
    kinds |= dict.fromkeys(("e-", "e+"), "electron") | dict.fromkeys(("m-", "m+"), "muon")
    stored = Selection().stored
    return {label: float(stored[kinds[label]].pt) for label in LABELS}


def _write(
    writer: InputsWriter,
    group: str,
    events: ObjectEvents,
    weight: np.ndarray | None,
    settings: Mapping[str, Any],
) -> None:
    """Write a group block by block; events without weights have weight 1."""
    arrays = summary_arrays(events)
    arrays["weight"] = np.ones(len(events)) if weight is None else weight
    arrays["process"] = np.char.encode(events.process, "utf-8")
    for start in range(0, len(events), _BLOCK):
        block = slice(start, start + _BLOCK)
        columns = columns_of(events[block], settings["view"], settings["n_max"])
        cut = {name: values[block] for name, values in arrays.items()}
        writer.write(group, len(events), start, columns, **cut)


def _selected(
    process: Process, settings: Mapping[str, Any], first: Mapping[str, np.ndarray]
) -> ObjectEvents:
    """Events of a process in the channel, without those that occurred before."""
    parts, start = [], 0
    for events in iterate_objects(process.path, _BLOCK):
        wanted = np.ones(len(events), dtype=bool)
        if process.path in first:
            wanted &= first[process.path][start : start + len(events)]
        if not process.selected:
            wanted &= select(events, settings["channel"], settings["channels"])
        parts.append(events[wanted])
        start += len(events)
    if not sum(map(len, parts)):
        raise ValueError(
            f"{process.path}: no event of '{process.name}' passes the cuts of channel"
            f" {settings['channel']}; take the process out of this channel, or provide more events"
        )
    return concatenated(parts)
