"""Small ROOT files with the branches of Delphes, for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

Lists = Sequence[Sequence[float]]

LEAVES: dict[str, dict[str, Any]] = {
    "Event": {"Weight": np.float32, "Number": np.int64},
    "MissingET": {"MET": np.float32, "Phi": np.float32},
    "Jet": {"PT": np.float32, "Eta": np.float32, "Phi": np.float32, "Mass": np.float32}
    | {"BTag": np.uint32},
    "Electron": {"PT": np.float32, "Eta": np.float32, "Phi": np.float32, "Charge": np.int32},
    "Muon": {"PT": np.float32, "Eta": np.float32, "Phi": np.float32, "Charge": np.int32},
    "Photon": {"PT": np.float32, "Eta": np.float32, "Phi": np.float32, "E": np.float32},
}


def jagged(values: Lists, dtype: Any) -> ak.Array:
    """Lists of numbers of one type; works without any number, too."""
    flat = np.array([value for row in values for value in row], dtype=dtype)
    return ak.unflatten(flat, [len(row) for row in values])


def collections_of(events: Sequence[Mapping[str, Any]]) -> dict[str, ak.Array]:
    """Collections of events given as, for example, ``{"met": 50, "Jet": [{"PT": 100}]}``.

    Leaves that are not given are 0; weights are 1 and events are numbered, unless given.
    """
    rows: dict[str, list[list[dict[str, float]]]] = {name: [] for name in LEAVES}
    for i, event in enumerate(events):
        rows["Event"].append([{"Weight": event.get("weight", 1), "Number": i}])
        rows["MissingET"].append([{"MET": event.get("met", 50), "Phi": event.get("met_phi", 1)}])
        for name in ("Jet", "Electron", "Muon", "Photon"):
            rows[name].append(list(event.get(name, [])))
    return {
        name: ak.zip(
            {
                leaf: jagged([[obj.get(leaf, 0) for obj in row] for row in rows[name]], dtype)
                for leaf, dtype in leaves.items()
            }
        )
        for name, leaves in LEAVES.items()
    }


def write_tree(
    path: Path, collections: Mapping[str, Any], tree: str = "Delphes", **branches: Any
) -> Path:
    """Write collections as a flat tree; `branches` are written as they are."""
    content = {**collections, **branches}
    with uproot.recreate(path) as file:
        file.mktree(
            tree,
            {
                name: array.type if isinstance(array, ak.Array) else array.dtype
                for name, array in content.items()
            },
            counter_name=lambda name: f"{name}_size",
            field_name=lambda outer, inner: f"{outer}.{inner}" if inner else outer,
        )
        if len(next(iter(content.values()))):
            file[tree].extend(content)
    return path


def write_events(path: Path, events: Sequence[Mapping[str, Any]], **branches: Any) -> Path:
    """Write events given as for `collections_of`."""
    return write_tree(path, collections_of(events), **branches)
