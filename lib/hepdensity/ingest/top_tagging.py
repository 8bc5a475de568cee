"""Read the top-tagging reference data set (Kasieczka et al. 2019, arXiv:1902.09914).

Its files, `train.h5`, `val.h5` and `test.h5` (doi:10.5281/zenodo.2603256), hold a table with one
jet per row: `E_i`, `PX_i`, `PY_i`, `PZ_i` of up to 200 constituents [GeV], sorted by pT and filled
up with zeros, `is_signal_new`, 1 for a top quark, and `ttv`, which tells the part of the data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from hepdensity.ingest.irregular import MOST_IRREGULAR
from hepdensity.ingest.jet_gathering import JetGatherer, JetHeads
from hepdensity.ingest.pandas_table import PandasTable, open_table
from hepdensity.ingest.validation import place_error
from hepdensity.physics.constituents import NO_PART, PARTS, ConstituentJets, JetForm

KEY = "table"
CHUNK_JETS = 2_000
LABELS = ("qcd", "top")
"""Labels of jets with `is_signal_new` of 0 and of 1."""

TTV = {0: "train", 1: "test", 2: "validation"}
"""Parts by the number `ttv`, in the order of its letters; rows of `train.h5` have 0."""

NO_TRANSVERSE = "a constituent has energy and no transverse momentum"
TOO_LITTLE_ENERGY = "a constituent has less energy than momentum"

_COMPONENTS = ("PX", "PY", "PZ", "E")
_LABEL, _PART = "is_signal_new", "ttv"
_SHARE = 0.99  # Numbers of single precision make light constituents slightly spacelike.


def read_top_tagging(
    path: str | Path,
    form: JetForm | None = None,
    labels: tuple[str, str] = LABELS,
    parts: Mapping[int, str] = TTV,
    chunk_jets: int = CHUNK_JETS,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ConstituentJets]:
    """Read jets of the top-tagging reference data set.

    Left out and counted as irregular are jets without constituents, with a number that is not
    finite, with a constituent that has energy and no transverse momentum, or less energy than
    momentum.

    Args:
        path: A file of the data set, or one of the same form, with any number of constituents.
        form: What to store of jets, and which jets are wanted.
        labels: Names of the processes with `is_signal_new` of 0 and 1.
        parts: Part of the data set for each number `ttv`. Without a column `ttv` no part is named.
        chunk_jets: Number of jets to read at a time.
        counts: Receives the numbers of jets `"read"`, `"kept"`, and left out for each reason.
        most_irregular: Largest fraction of irregular jets.

    Yields:
        Jets; `event_id` is the row in the file, counted from 0, and the weight is 1.

    Raises:
        ValueError: If the file cannot be opened, is damaged, lacks the table or its columns, has an
            unknown label or part, too many irregular jets, or no jet is kept.
    """
    gatherer = JetGatherer(path, form or JetForm(), most_irregular)
    with open_table(path, KEY) as table:
        columns = _momentum_columns(path, table)
        names = [*columns, _LABEL, *([_PART] if _PART in table.columns else [])]
        places = len(columns) // len(_COMPONENTS)
        for start in range(0, table.rows, chunk_jets):
            rows = table.read(names, start, min(start + chunk_jets, table.rows))
            momentum = rows[:, : len(columns)].reshape(-1, len(_COMPONENTS))
            heads = _heads(path, start, rows[:, len(columns) :], labels, parts)
            offsets = np.arange(len(rows) + 1) * places
            faults = _faults(momentum, len(rows))
            jets = gatherer.gather(momentum, offsets, heads, faults=faults)
            if len(jets):
                yield jets
    gatherer.conclude(counts)


def _momentum_columns(path: str | Path, table: PandasTable) -> list[str]:
    """Columns of the momenta, four of each constituent."""
    places = 0
    while f"E_{places}" in table.columns:
        places += 1
    columns = [f"{component}_{i}" for i in range(max(places, 1)) for component in _COMPONENTS]
    missing = [name for name in (*columns, _LABEL) if name not in table.columns]
    if missing:
        told = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if missing[8:] else "")
        problem = f"the table lacks the columns {told}"
        raise place_error(path, None, problem, "give a file of the top-tagging data set")
    return columns


def _heads(
    path: str | Path,
    start: int,
    columns: np.ndarray,
    labels: tuple[str, str],
    parts: Mapping[int, str],
) -> JetHeads:
    n = len(columns)
    label = _codes(path, start, columns[:, 0], _LABEL, {0: 0, 1: 1})
    part = np.full(n, NO_PART, dtype=np.int8)
    if columns.shape[1] > 1:
        known = {number: PARTS.index(name) for number, name in parts.items()}
        part = _codes(path, start, columns[:, 1], _PART, known).astype(np.int8)
    return JetHeads(
        label=np.array(labels)[label],
        weight=np.ones(n),
        event_id=np.arange(start, start + n),
        jet_id=np.zeros(n, dtype=np.int64),
        part=part,
    )


def _codes(
    path: str | Path, start: int, values: np.ndarray, name: str, known: Mapping[int, int]
) -> np.ndarray:
    """Numbers that a column stands for, int64."""
    unknown = np.flatnonzero(~np.isin(values, list(known)))
    if len(unknown):
        problem = f"{name} is {values[unknown[0]]:g}, and only {sorted(known)} are known"
        place = f"row {start + int(unknown[0]) + 1}"
        raise place_error(path, place, problem, "correct the file")
    return np.array([known[int(value)] for value in values.tolist()], dtype=np.int64)


def _faults(momentum: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Faults of jets with the same number of places each."""
    x, y, z, energy = momentum.T
    flat = (energy != 0) & (x == 0) & (y == 0)
    spacelike = energy**2 < _SHARE * (x**2 + y**2 + z**2)
    return {
        NO_TRANSVERSE: flat.reshape(n, -1).any(axis=1),
        TOO_LITTLE_ENERGY: spacelike.reshape(n, -1).any(axis=1),
    }
