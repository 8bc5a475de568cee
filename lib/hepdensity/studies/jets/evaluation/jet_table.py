"""Rows of `jets.csv`: where the jets come from, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hepdensity.files import read_json
from hepdensity.ingest.jet_file import read_jets

MOST_JETS = 20_000
"""Jets from which means are taken."""


def jet_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per process.

    Means are over the first jets of each file, `full` is the share of jets that have as many
    constituents as are kept. `left_out` lists why jets were left out when the file was made.

    Args:
        files: `jets`, files of jets, and `records` of them.
        settings: `processes`, in the order of the files.
    """
    rows = []
    told = zip(settings["processes"], files["jets"], files["records"], strict=True)
    for process, path, record in told:
        known, jets = read_json(record), read_jets(path, 0, MOST_JETS)
        number = jets.jet[:, 4]
        rows.append(
            {
                **{"process": process, "jets": known["jets"]},
                **{key: known.get(key) for key in ("generated", "cross_section", "cpu_seconds")},
                **{key: known.get(key) for key in ("outside", "unmatched")},
                "mean_mass": float(jets.jet[:, 3].mean()),
                "mean_constituents": float(number.mean()),
                "full": float(np.mean(number == jets.constituents.shape[1])),
                "left_out": "; ".join(
                    f"{reason}: {count}"
                    for reason, count in sorted(known["counts"].items())
                    if reason not in ("read", "kept") and count
                ),
            }
        )
    return rows
