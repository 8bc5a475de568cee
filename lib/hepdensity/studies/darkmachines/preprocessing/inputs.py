"""Make inputs files of a channel from event files of backgrounds, signals and unlabelled data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.ingest.object_file import count_objects, read_objects
from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.objects import ObjectEvents, concatenated
from hepdensity.studies.darkmachines.channels import select
from hepdensity.studies.darkmachines.layouts import layout_of
from hepdensity.studies.darkmachines.preprocessing.background import split_background
from hepdensity.studies.darkmachines.preprocessing.columns import columns_of, summary_arrays

_BLOCK = 200_000


@dataclass(frozen=True)
class Sample:
    """An event file and how it is used.

    Attributes:
        name: Its name.
        path: Event file (see `hepdensity.ingest.object_file`).
        scale: Factor on the weights of its events.
        selected: Whether its events already are those of the channel.
        required: Whether it must have events in the channel.
    """

    name: str
    path: str
    scale: float = 1.0
    selected: bool = False
    required: bool = True


def prepare_inputs(
    backgrounds: Sequence[Sample],
    others: Sequence[Sample],
    output: str | Path,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Select the events of a channel and write them as models take them.

    Args:
        backgrounds: Standard Model samples; they become the groups train, validation and test.
        others: Signals and unlabelled data; each becomes a group with its name.
        output: Inputs file; it appears only when complete.
        settings: `channel` (its name), `channels` (cuts of all channels), `view`, `n_max`, `split`
            with fractions `test` and `validation`, `seed`, and `train`, the smallest training group
            that is enough.
        provenance: Run record.

    Returns:
        Numbers of events: `rows` of each group; `dropped` by unweighting; for each background its
        `selected` events and its `share` of the weight.

    Raises:
        ValueError: If a required sample has no events in the channel, or there are too few events
            for training.
    """
    view, n_max, split = settings["view"], settings["n_max"], settings["split"]
    parts = [_selected(sample, settings) for sample in backgrounds]
    pairs = zip(backgrounds, parts, strict=True)
    weights = [sample.scale * part.weight for sample, part in pairs]
    everything, weight = concatenated(parts), np.concatenate(weights)
    place = f"channel {settings['channel']}"
    if not weight.any():
        raise ValueError(f"{place}: no background event passes its cuts; relax them or add samples")
    groups = split_background(weight, split["test"], split["validation"], settings["seed"])
    if len(groups.train) < settings["train"]:
        raise ValueError(
            f"{place}: there are {len(groups.train)} unweighted training events, but"
            f" {settings['train']} are needed; generate or provide more background events, or lower"
            " n_train or split"
        )
    rows: dict[str, int] = {}
    with InputsWriter(output, layout_of(view, n_max), provenance, channel=place) as writer:

        def write(name: str, events: ObjectEvents, weight: np.ndarray) -> None:
            rows[name] = len(events)
            arrays = {**summary_arrays(events), "weight": weight}
            arrays["process"] = events.process.astype("S")
            for start in range(0, len(events), _BLOCK):
                block = slice(start, start + _BLOCK)
                columns = columns_of(events[block], view, n_max)
                cut = {key: values[block] for key, values in arrays.items()}
                writer.write(name, len(events), start, columns, **cut)

        test = weight[groups.test]
        write("test", everything[groups.test], test / test.mean())
        for name, index in (("validation", groups.validation), ("train", groups.train)):
            write(name, everything[index], np.ones(len(index)))
        for sample in others:
            events = _selected(sample, settings)
            write(sample.name, events, np.ones(len(events)))
    return {
        "rows": rows,
        "dropped": groups.dropped,
        "backgrounds": {
            sample.name: {
                "selected": len(part),
                "share": float(given.sum() / weight.sum()),
            }
            for sample, part, given in zip(backgrounds, parts, weights, strict=True)
        },
    }


def _selected(sample: Sample, settings: Mapping[str, Any]) -> ObjectEvents:
    """Events of a sample in the channel."""
    parts = []
    for start in range(0, count_objects(sample.path), _BLOCK):
        events = read_objects(sample.path, start, start + _BLOCK)
        if not sample.selected:
            events = events[select(events, settings["channel"], settings["channels"])]
        parts.append(events)
    found = concatenated(parts) if parts else read_objects(sample.path, 0, 0)
    if not len(found) and sample.required:
        raise ValueError(
            f"{sample.path}: no event of '{sample.name}' passes the cuts of channel"
            f" {settings['channel']}; remove it from the channel or provide more events"
        )
    return found
