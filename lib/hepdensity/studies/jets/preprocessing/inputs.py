"""Make the inputs file of a dataset from files of jets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hepdensity.ingest.jet_file import iterate_jets, read_form
from hepdensity.ingest.jet_repeats import refuse_repeated_jets
from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.constituents import ConstituentJets, JetWindow
from hepdensity.studies.jets.coordinates import Coordinates
from hepdensity.studies.jets.layouts import JetDataset, layout_of
from hepdensity.studies.jets.preprocessing.groups import (
    GROUPS,
    UNUSED,
    trained_codes,
    untrained_codes,
)

Block = dict[str, np.ndarray]
"""Arrays of some jets by name, with their columns as `events`."""


def prepare_inputs(
    files: Mapping[str, str | Path],
    output: str | Path,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the jets of a dataset as models take them.

    Groups are train, validation and test with the jets of the process that is trained on, and one
    group per other process, named after it, with the jets that are its test jets in every dataset.
    Jets of datasets for classifiers have a label, and processes take turns in train, validation and
    test. Beside the events, groups have `event_id` and `jet_id`.

    Args:
        files: Process -> file of jets.
        output: Inputs file; it appears only when complete.
        settings: `dataset` (its name), `constituents` (largest number), `window` with `pt` and
            `eta`, `split` with numbers of jets `test` and `validation`, and `train`, the number of
            training jets of each process that is trained on.
        provenance: Run record.

    Returns:
        `rows`, number of jets of each group; `unused`, number of jets of each process that are in
        no group; `limited`, numbers of values outside the range of their coordinate, by kind.

    Raises:
        ValueError: If there are too few jets, if files keep fewer constituents than wanted, if a
            jet occurs twice, or is outside the window.
    """
    dataset = JetDataset.parse(settings["dataset"])
    most = dataset.leading or settings["constituents"]
    window = JetWindow(tuple(settings["window"]["pt"]), settings["window"]["eta"])
    coordinates = Coordinates("logit", dataset.coordinates, window)
    layout = layout_of(dataset.coordinates, most, dataset.other is not None)
    codes = {name: _codes(name, files[name], dataset, settings) for name in files}
    rows = _rows_of_groups(codes, dataset)
    limited: Counter[str] = Counter()

    def blocks(name: str) -> Iterator[tuple[str, int, Block]]:
        for group, jets, start in _grouped(name, files[name], codes[name], dataset):
            columns = columns_of(jets, most, coordinates, limited)
            arrays = {"event_id": jets.event_id, "jet_id": jets.jet_id}
            yield group, start, {"events": columns, **arrays}

    refuse_repeated_jets(list(files.values()))
    for path in files.values():
        _check_constituents(path, most)
    with InputsWriter(output, layout, provenance) as writer:
        if dataset.other is not None:
            for group, block in _in_turns(dataset, blocks).items():
                writer.write(group, rows[group], 0, block.pop("events"), **block)
        for name in (name for name in files if name not in dataset.processes or not dataset.other):
            for group, start, block in blocks(name):
                columns = block.pop("events")
                if dataset.other is not None:
                    columns = _labelled(columns, 0)
                writer.write(group, rows[group], start, columns, **block)
    return {
        "rows": rows,
        "unused": {name: int((code == UNUSED).sum()) for name, code in codes.items()},
        "limited": dict(limited),
    }


def columns_of(
    jets: ConstituentJets, most: int, coordinates: Coordinates, limited: Counter[str]
) -> np.ndarray:
    """Columns of the layout, without a label, float64, shape (n, 3 + 3 most).

    Args:
        jets: The jets.
        most: Largest number of constituents.
        coordinates: Coordinates of jets and constituents.
        limited: Receives how many values were set to the edge of their range.

    Raises:
        ValueError: If a jet is outside the window.
    """
    jet = torch.from_numpy(jets.jet[:, [0, 1, 3]].astype(np.float64))
    rows = torch.from_numpy(jets.constituents[:, :most].astype(np.float64))
    of_jet, of_rows = coordinates.of(jet, rows, limited)
    columns: np.ndarray = torch.cat([of_jet, of_rows.flatten(1)], dim=1).numpy()
    return columns


def _codes(
    name: str, path: str | Path, dataset: JetDataset, settings: Mapping[str, Any]
) -> np.ndarray:
    split = settings["split"]
    if name not in dataset.processes:
        return untrained_codes(path, split["test"])
    return trained_codes(path, split["test"], split["validation"], settings["train"])


def _name_of(process: str, group: str, dataset: JetDataset) -> str:
    return group if process in dataset.processes else process


def _rows_of_groups(codes: Mapping[str, np.ndarray], dataset: JetDataset) -> dict[str, int]:
    """Number of jets of each group; with two processes, each has the smaller of both numbers."""
    rows: dict[str, int] = {}
    for place, group in enumerate(GROUPS):
        own = [int((codes[name] == place).sum()) for name in dataset.processes]
        rows[group] = min(own) * len(own)
    test = GROUPS.index("test")
    others = {name: code for name, code in codes.items() if name not in dataset.processes}
    return rows | {name: int((code == test).sum()) for name, code in others.items()}


def _grouped(
    process: str, path: str | Path, codes: np.ndarray, dataset: JetDataset
) -> Iterator[tuple[str, ConstituentJets, int]]:
    """Group, jets, and the number of jets of this process that stand before them in the group."""
    done: Counter[str] = Counter()
    start = 0
    for jets in iterate_jets(path):
        own = codes[start : start + len(jets)]
        start += len(jets)
        for place, group in enumerate(GROUPS):
            chosen = jets[own == place]
            if len(chosen):
                name = _name_of(process, group, dataset)
                yield name, chosen, done[name]
                done[name] += len(chosen)


def _in_turns(
    dataset: JetDataset, blocks: Callable[[str], Iterator[tuple[str, int, Block]]]
) -> dict[str, Block]:
    """Groups of both processes of a dataset for classifiers, every second row from each."""
    found: dict[str, list[dict[str, list[np.ndarray]]]] = {}
    for label, name in enumerate(dataset.processes):
        for group, _, block in blocks(name):
            block["events"] = _labelled(block["events"], label)
            parts = found.setdefault(group, [{}, {}])[label]
            for array, values in block.items():
                parts.setdefault(array, []).append(values)
    return {
        group: {
            array: _alternating(*(np.concatenate(of[array]) for of in both)) for array in both[0]
        }
        for group, both in found.items()
    }


def _alternating(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows of two arrays in turns, as many of each as the shorter one has."""
    size = min(len(first), len(second))
    pairs = np.stack([first[:size], second[:size]], axis=1)
    return pairs.reshape(2 * size, *first.shape[1:])


def _labelled(columns: np.ndarray, label: int) -> np.ndarray:
    return np.column_stack([columns, np.full(len(columns), float(label))])


def _check_constituents(path: str | Path, most: int) -> None:
    kept = read_form(path).most
    if kept < most:
        raise ValueError(
            f"{path}: jets keep {kept} constituents, but {most} are wanted; lower"
            " jets.constituents, or make the file anew"
        )
