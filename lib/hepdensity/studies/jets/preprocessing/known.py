"""Make the inputs file of a dataset of samples, whose density is that of the model they are from.

What is learned from them can be compared with the truth, jet by jet.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.samples import read_samples
from hepdensity.models.inputs import InputsWriter
from hepdensity.preprocessing.splits import split_by_position


def prepare_known(
    samples: str | Path,
    others: Mapping[str, str | Path],
    output: str | Path,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Write samples as train, validation and test, and those of other truths as groups.

    Args:
        samples: Samples of the truth (see `hepdensity.evaluation.samples`).
        others: Process -> samples of its truth; its first ones become the group of this name, the
            same as the test group of its own dataset.
        output: Inputs file; it appears only when complete.
        settings: `split` with numbers of samples `test` and `validation`, and `train`, the number
            of training samples.
        provenance: Run record.

    Returns:
        `rows`, number of samples of each group.

    Raises:
        ValueError: If there are too few samples, or layouts differ.
    """
    drawn, split = read_samples(samples), settings["split"]
    n = len(drawn.events)
    parts = split_by_position(
        n, split["test"], split["validation"], settings["train"], str(samples)
    )
    groups = {
        "test": drawn.events[parts.test],
        "validation": drawn.events[parts.validation],
        "train": drawn.events[parts.train][: settings["train"]],
    }
    for name, path in others.items():
        other = read_samples(path)
        if other.layout != drawn.layout:
            raise ValueError(f"{path} and {samples} have different layouts; draw both anew")
        groups[name] = _first(other.events, split["test"], path)
    with InputsWriter(output, drawn.layout, provenance) as writer:
        for group, events in groups.items():
            writer.write(group, len(events), 0, events)
    return {"rows": {group: len(events) for group, events in groups.items()}}


def _first(events: np.ndarray, count: int, path: str | Path) -> np.ndarray:
    if len(events) < count:
        raise ValueError(f"{path}: {len(events)} samples, but {count} are needed; raise samples")
    return events[:count]
