"""The tree of a ROOT file with the names of branches of Delphes, opened and read with care."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import awkward as ak
import numpy as np
import uproot
from awkward.contents import ListOffsetArray, NumpyArray

from hepdensity.files import open_input
from hepdensity.ingest.validation import place_error

TREE = "Delphes"
GIVE = "give a file that Delphes wrote"

# uproot's default for the web needs aiohttp, and this source nothing.
_SOURCES = {scheme: {"handler": uproot.source.http.HTTPSource} for scheme in ("http", "https")}


@contextmanager
def open_tree(path: str | Path) -> Iterator[Any]:
    """Open the tree of a file.

    Args:
        path: A file, or an address such as `https://...`.

    Yields:
        The tree, with at least one event.

    Raises:
        ValueError: If the file cannot be opened, is damaged, or has no tree with events.
    """
    if "://" not in str(path):
        with open_input(path):
            pass  # A missing file or a folder gets our message.
    with damage_named(path):
        file = uproot.open({str(path): None}, **_SOURCES.get(urlsplit(str(path)).scheme, {}))
    with file:
        with damage_named(path):
            kinds = {key.split(";")[0]: kind for key, kind in file.classnames().items()}
            found = kinds.get(TREE) == "TTree"
            tree = file[TREE] if found else None
        if tree is None:
            names = ", ".join(sorted(kinds)) or "nothing"
            problem = f"there is no tree {TREE!r}; the file has {names}"
            raise place_error(path, None, problem, GIVE)
        if tree.num_entries == 0:
            problem = f"the tree {TREE!r} is empty"
            raise place_error(path, None, problem, "check the run of Delphes that wrote it")
        yield tree


@contextmanager
def damage_named(path: str | Path) -> Iterator[None]:
    """Turn what uproot raises on a damaged or unreachable file into one error.

    Damaged bytes may raise almost any error in uproot, so all are taken here.

    Args:
        path: The file.

    Raises:
        ValueError: In place of the error.
    """
    try:
        yield
    except MemoryError:
        raise
    except ImportError as error:
        problem = "this kind of address needs another package"
        raise place_error(path, None, problem, str(error).strip().split("\n")[0]) from error
    except Exception as error:
        told = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
        problem = f"cannot be read; as a ROOT file it is damaged, cut off or out of reach ({told})"
        raise place_error(path, None, problem, "copy it or make it again") from error


def branch_names(tree: Any) -> set[str]:
    """Names of the branches alone: `Jet.PT` is `Jet/Jet.PT` in files of Delphes.

    Args:
        tree: The tree.
    """
    return {key.split("/")[-1] for key in tree.keys()}  # noqa: SIM118


def lists_of(path: str | Path, name: str, array: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the lists of a branch, and their values side by side.

    Args:
        path: The file.
        name: Name of the branch.
        array: What uproot read from it.

    Raises:
        ValueError: If it does not hold one list per event.
    """
    # The functions of awkward would take longer than reading does.
    layout = ak.to_layout(array)
    if not (isinstance(layout, ListOffsetArray) and isinstance(layout.content, NumpyArray)):
        problem = f"the branch {name} does not hold one list per event"
        raise place_error(path, None, problem, GIVE)
    offsets = np.asarray(layout.offsets.data)
    return np.diff(offsets), np.asarray(layout.content.data)[offsets[0] : offsets[-1]]


def check_lengths(
    path: str | Path, name: str, start: int, counts: np.ndarray, wanted: np.ndarray
) -> None:
    """Check that the lists of a branch are as long as those of another one.

    Args:
        path: The file.
        name: Name of the branch.
        start: Number of events in the file before these.
        counts: Lengths of its lists, shape (n,).
        wanted: The lengths that they should have, shape (n,).

    Raises:
        ValueError: If one is not; names the first such event.
    """
    wrong = np.flatnonzero(counts != wanted)
    if len(wrong):
        i = int(wrong[0])
        problem = f"{name} has {counts[i]} values instead of {wanted[i]}"
        raise place_error(path, f"event {start + i + 1}", problem, GIVE)
