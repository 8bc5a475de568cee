"""Read ROOT files of Delphes 3.4 and 3.5, and flat trees with the same names of branches.

An electron or muon has the energy pT cosh(eta), because Delphes stores none; the energy of a jet
comes from its mass, and that of a photon is stored, or pT cosh(eta) in files without it. A jet is
b-tagged if any bit of `Jet.BTag` is set, as for the Dark Machines challenge.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import awkward as ak
import numpy as np

from hepdensity.ingest.delphes_tree import (
    TREE,
    branch_names,
    check_lengths,
    damage_named,
    lists_of,
    open_tree,
)
from hepdensity.ingest.irregular import MOST_IRREGULAR, NO_MET, WEIGHT, IrregularEvents
from hepdensity.ingest.validation import place_error
from hepdensity.physics.objects import (
    ANTIMUON,
    B_JET,
    ELECTRON,
    JET,
    MUON,
    PHOTON,
    POSITRON,
    ObjectEvents,
)
from hepdensity.physics.selection import (
    SHORTENED,
    Collection,
    Headers,
    Selection,
    gather_objects,
)

logger = logging.getLogger(__name__)

CHUNK_EVENTS = 20_000
NO_PARTICLES = "there are no generator particles"
NOT_FINITE = "a number is not finite"

HEADER_BRANCHES = ("Event.Weight", "Event.Number", "MissingET.MET", "MissingET.Phi")
OBJECT_BRANCHES = {
    "Jet": ("PT", "Eta", "Phi", "Mass", "BTag"),
    "Electron": ("PT", "Eta", "Phi", "Charge"),
    "Muon": ("PT", "Eta", "Phi", "Charge"),
    "Photon": ("PT", "Eta", "Phi"),
}
REQUIRED = (
    *HEADER_BRANCHES,
    *(f"{name}.{leaf}" for name, leaves in OBJECT_BRANCHES.items() for leaf in leaves),
)
OPTIONAL = ("Photon.E", "Particle_size")

_CHARGED = {"Electron": (ELECTRON, POSITRON), "Muon": (MUON, ANTIMUON)}


def read_delphes(
    paths: str | Path | Sequence[str | Path],
    chunk_events: int = CHUNK_EVENTS,
    process: str | None = None,
    selection: Selection | None = None,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ObjectEvents]:
    """Read the events of Delphes files that pass a selection.

    Left out and counted as irregular are events with MET = 0, without generator particles (where
    the file has `Particle_size`), with a weight of 0 or below, or with a number that is not finite.
    Of more than 20 objects, an event keeps the first 20 that pass in the order jets, electrons,
    muons, photons, as the files of the challenge do; this is irregular too.

    Args:
        paths: One or more files, each a path or an address such as `https://...` or `root://...`
            (the latter needs the package fsspec-xrootd).
        chunk_events: Number of events to read at a time.
        process: Name of the process, by default the name of each file without its suffix.
        selection: Cuts on objects and events, by default those of the challenge.
        counts: Receives what each cut removes (see `gather_objects`), how many events are irregular
            for which reason, and the numbers of events `"read"` and `"kept"`.
        most_irregular: Largest fraction of irregular events in a file.

    Yields:
        Events, at most `chunk_events` at a time.

    Raises:
        ValueError: If a file cannot be opened, is damaged, has no Delphes tree, lacks branches, has
            no events or too many irregular ones, or if no event of any file passes.
    """
    files = [paths] if isinstance(paths, str | Path) else list(paths)
    if not files:
        raise ValueError("no Delphes file is given; give one or more")
    cuts = selection or Selection()
    totals: Counter[str] = Counter()
    for path in files:
        name = process or PurePosixPath(urlsplit(str(path)).path).stem
        reader = _Reader(path, name, cuts, most_irregular)
        yield from reader.read(chunk_events)
        totals.update(reader.counts)
    if counts is not None:
        counts.update(totals)
    if totals["kept"] == 0:
        some = f"{files[0]}" + (f" and {len(files) - 1} more files" if len(files) > 1 else "")
        problem = f"none of the {totals['read']} events passes the selection ({_told(totals)})"
        raise ValueError(f"{some}: {problem}; give more events, or loosen the cuts")


class _Reader:
    """Reads one file; `counts` says what happened to its events."""

    def __init__(
        self, path: str | Path, process: str, selection: Selection, most_irregular: float
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._path, self._process, self._selection = path, process, selection
        self._irregular = IrregularEvents(path, most_irregular)

    def read(self, chunk_events: int) -> Iterator[ObjectEvents]:
        with open_tree(self._path) as tree:
            names = _branches(self._path, tree)
            for start in range(0, tree.num_entries, chunk_events):
                with damage_named(self._path):
                    stop = min(start + chunk_events, tree.num_entries)
                    arrays = tree.arrays(names, entry_start=start, entry_stop=stop, how=dict)
                events = self._to_events(_Columns(self._path, start, arrays))
                if len(events):
                    yield events
        self._irregular.conclude()
        self.counts.update(self._irregular.counts)
        logger.info("%s: %s", self._path, _told(self.counts))

    def _to_events(self, columns: _Columns) -> ObjectEvents:
        headers = columns.headers(self._process)
        collections = [columns.collection(name) for name in OBJECT_BRANCHES]
        usable = self._usable(columns, headers, collections)
        removed: Counter[str] = Counter()
        events = gather_objects(headers, collections, self._selection, removed, usable)
        self._irregular.events += len(usable)
        self._irregular.counts[SHORTENED] += removed.pop(SHORTENED)
        self.counts.update(removed, read=len(usable), kept=len(events))
        return events

    def _usable(
        self, columns: _Columns, headers: Headers, collections: Sequence[Collection]
    ) -> np.ndarray:
        """Whether each event is regular; the others are counted by their first fault."""
        usable = np.ones(len(headers.met), dtype=bool)
        faults = {
            NOT_FINITE: _not_finite(headers, collections),
            WEIGHT: headers.weight <= 0,
            NO_PARTICLES: columns.without_particles(),
            NO_MET: headers.met <= 0,
        }
        for reason, bad in faults.items():
            self._irregular.counts[reason] += int((bad & usable).sum())
            usable &= ~bad
        return usable


class _Columns:
    """The arrays of some consecutive events, by name of branch."""

    def __init__(self, path: str | Path, start: int, arrays: Mapping[str, Any]) -> None:
        self._path, self._start, self._arrays = path, start, arrays

    def headers(self, process: str) -> Headers:
        weight, number, met, met_phi = (self._single(name) for name in HEADER_BRANCHES)
        names = np.full(len(met), process)
        return Headers(met=met, met_phi=met_phi, weight=weight, process=names, event_id=number)

    def without_particles(self) -> np.ndarray:
        sizes = self._arrays.get("Particle_size")
        if sizes is None:
            return np.zeros(len(self._arrays[HEADER_BRANCHES[0]]), dtype=bool)
        return np.asarray(ak.to_numpy(sizes) == 0)

    def collection(self, name: str) -> Collection:
        counts, _ = self._lists(f"{name}.PT")
        flat = {}
        for leaf in (*OBJECT_BRANCHES[name], "E"):
            if f"{name}.{leaf}" in self._arrays:
                found, flat[leaf] = self._lists(f"{name}.{leaf}")
                self._check_counts(f"{name}.{leaf}", found, counts)
        return Collection(
            kind=name.lower(),
            counts=counts,
            type=_types(name, flat),
            energy=_energies(flat),
            pt=flat["PT"],
            eta=flat["Eta"],
            phi=flat["Phi"],
        )

    def _single(self, name: str) -> np.ndarray:
        """One value per event, from a branch that holds one or a list of one."""
        if self._arrays[name].ndim == 1:
            return np.asarray(ak.to_numpy(self._arrays[name]))
        counts, values = self._lists(name)
        self._check_counts(name, counts, np.ones_like(counts))
        return values

    def _lists(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return lists_of(self._path, name, self._arrays[name])

    def _check_counts(self, name: str, counts: np.ndarray, wanted: np.ndarray) -> None:
        check_lengths(self._path, name, self._start, counts, wanted)


def _types(name: str, flat: Mapping[str, np.ndarray]) -> np.ndarray:
    if name == "Jet":
        return np.where(flat["BTag"] != 0, np.int8(B_JET), np.int8(JET))
    if name == "Photon":
        return np.full(len(flat["PT"]), PHOTON, dtype=np.int8)
    negative, positive = _CHARGED[name]
    return np.where(flat["Charge"] > 0, np.int8(positive), np.int8(negative))


def _energies(flat: Mapping[str, np.ndarray]) -> np.ndarray:
    if "E" in flat:
        return flat["E"]
    # Absurd values must not warn here; they are counted as not finite.
    with np.errstate(over="ignore", invalid="ignore"):
        energy = np.cosh(flat["Eta"], dtype=np.float64)
        energy *= flat["PT"]
        if "Mass" in flat:
            energy = np.sqrt(energy**2 + np.square(flat["Mass"], dtype=np.float64))
        return np.asarray(energy, dtype=np.float32)


def _not_finite(headers: Headers, collections: Sequence[Collection]) -> np.ndarray:
    """Whether a number of each event is not finite."""
    bad = np.zeros(len(headers.met), dtype=bool)
    for values in (headers.met, headers.met_phi, headers.weight):
        bad |= ~np.isfinite(values)
    for objects in collections:
        for values in (objects.energy, objects.pt, objects.eta, objects.phi):
            # A sum shows in much less time that all are finite, as they nearly always are.
            with np.errstate(invalid="ignore"):
                clean = np.isfinite(values.sum(dtype=np.float64))
            if not clean:
                event = np.repeat(np.arange(len(bad)), objects.counts)
                bad[event[~np.isfinite(values)]] = True
    return bad


def _branches(path: str | Path, tree: Any) -> list[str]:
    present = branch_names(tree)
    missing = [name for name in REQUIRED if name not in present]
    if missing:
        problem = f"the tree {TREE!r} lacks the branches {', '.join(missing)}"
        raise place_error(path, None, problem, "write them with the modules of the ATLAS card")
    return [*REQUIRED, *(name for name in OPTIONAL if name in present)]


def _told(counts: Mapping[str, int]) -> str:
    events = f"{counts['read']} events, {counts['kept']} kept"
    parts = [f"{what} {n}" for what, n in counts.items() if n and what not in ("read", "kept")]
    return f"{events}; removed: {', '.join(parts)}" if parts else events
