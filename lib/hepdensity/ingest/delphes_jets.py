"""Read jets from the energy-flow candidates of Delphes ROOT files.

Jets are found anew, with FastJet, because files of Delphes rarely have jets of the radius wanted.
Candidates are taken from `EFlowTrack`, `EFlowPhoton` and `EFlowNeutralHadron` together, or else
from `EFlow`, or from `ParticleFlowCandidate`. They count as massless, except where the file has
their masses, as Delphes 3.5 does for tracks. Those along the beam, to which Delphes gives a
pseudorapidity of 999.9, are dropped and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from hepdensity.ingest.delphes_tree import (
    TREE,
    branch_names,
    check_lengths,
    damage_named,
    lists_of,
    open_tree,
)
from hepdensity.ingest.irregular import MOST_IRREGULAR, IrregularEvents
from hepdensity.ingest.jet_gathering import NOT_FINITE, JetGatherer, JetHeads
from hepdensity.ingest.validation import place_error
from hepdensity.physics.constituents import NO_PART, ConstituentJets, JetForm
from hepdensity.physics.jagged import subset
from hepdensity.physics.jet_finding import FoundJets, JetFinding, find_jets, massless
from hepdensity.physics.tops import HadronicTops, contain_a_top, hadronic_tops

CHUNK_EVENTS = 1_000
UNMATCHED = "not matched to a top quark"
ALONG_THE_BEAM = "candidates along the beam"
LARGEST_ETA = 50.0
"""Candidates with a larger pseudorapidity are along the beam."""

_CANDIDATES: tuple[Mapping[str, str], ...] = (
    {"EFlowTrack": "PT", "EFlowPhoton": "ET", "EFlowNeutralHadron": "ET"},
    {"EFlow": "PT"},
    {"ParticleFlowCandidate": "PT"},
)
_EVENT = ("Event.Weight", "Event.Number")
_PARTICLES = ("Particle.PID", "Particle.M1", "Particle.Eta", "Particle.Phi")


def read_delphes_jets(
    path: str | Path,
    form: JetForm | None = None,
    finding: JetFinding | None = None,
    label: str | None = None,
    matched: bool = False,
    chunk_events: int = CHUNK_EVENTS,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ConstituentJets]:
    """Read the jets of a Delphes file.

    Left out and counted are events with a number that is not finite, and irregular jets: those with
    a weight of 0 or below, and those without constituents.

    Args:
        path: A file, or an address such as `https://...`.
        form: What to store of jets, and which jets are wanted.
        finding: How to find jets.
        label: Name of the process, by default the name of the file without its suffix.
        matched: Whether to keep only jets that contain a top quark and the three quarks of its
            decay within the radius of the jet; this needs the branches of `Particle`.
        chunk_events: Number of events to read at a time.
        counts: Receives the numbers of jets `"read"`, `"kept"`, and left out for each reason.
        most_irregular: Largest fraction of irregular events, and of irregular jets.

    Yields:
        Jets; `event_id` is the number of the event in the file.

    Raises:
        ValueError: If the file cannot be opened, is damaged, lacks branches, has too many irregular
            events or jets, or no jet is kept.
    """
    form, finding = form or JetForm(), finding or JetFinding()
    name = PurePosixPath(urlsplit(str(path)).path).stem if label is None else label
    gatherer = JetGatherer(path, form, most_irregular)
    events = IrregularEvents(path, most_irregular)
    with open_tree(path) as tree:
        candidates = _candidates(path, tree, matched)
        masses = branch_names(tree) & {f"{name}.Mass" for name in candidates}
        names = [*_EVENT, *_leaves(candidates), *masses, *(_PARTICLES if matched else ())]
        for start in range(0, tree.num_entries, chunk_events):
            with damage_named(path):
                stop = min(start + chunk_events, tree.num_entries)
                arrays = tree.arrays(names, entry_start=start, entry_stop=stop, how=dict)
            chunk = _Chunk(path, start, arrays)
            found, finite, dropped = chunk.jets(candidates, finding)
            gatherer.counts[ALONG_THE_BEAM] += dropped
            events.events += len(finite)
            events.counts[NOT_FINITE] += int((~finite).sum())
            unwanted = {}
            if matched:
                inside = contain_a_top(
                    chunk.tops(), found.event, found.axis[:, 1:3], finding.radius
                )
                unwanted[UNMATCHED] = ~inside
            heads = chunk.heads(found, name)
            jets = gatherer.gather(found.momentum, found.offsets, heads, unwanted=unwanted)
            if len(jets):
                yield jets
    events.conclude()
    gatherer.counts.update({f"events, {reason}": n for reason, n in events.counts.items()})
    gatherer.conclude(counts)


class _Chunk:
    """The arrays of some consecutive events, by name of branch."""

    def __init__(self, path: str | Path, start: int, arrays: Mapping[str, Any]) -> None:
        self._path, self._start, self._arrays = path, start, arrays

    def jets(
        self, candidates: Mapping[str, str], finding: JetFinding
    ) -> tuple[FoundJets, np.ndarray, int]:
        """Jets, whether all numbers of each event are finite, and how many candidates are dropped.

        Events with other numbers have no jets.
        """
        parts = [self._candidates(name, leaf) for name, leaf in candidates.items()]
        counts = np.sum([part[0] for part in parts], axis=0)
        event = np.concatenate([np.repeat(np.arange(len(counts)), part[0]) for part in parts])
        order = np.argsort(event, kind="stable")
        event = event[order]
        momentum = np.concatenate([part[1] for part in parts])[order]
        along = np.concatenate([part[2] for part in parts])[order]
        bad = ~(np.isfinite(momentum).all(axis=1) | along)
        finite = np.bincount(event[bad], minlength=len(counts)) == 0
        kept = np.flatnonzero(finite[event] & ~along)
        offsets = subset(np.concatenate([[0], np.cumsum(counts)]), kept)
        return find_jets(momentum[kept], offsets, finding), finite, int(along.sum())

    def _candidates(self, name: str, leaf: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of candidates of a collection, their momenta, and which are along the beam."""
        masses = ("Mass",) if f"{name}.Mass" in self._arrays else ()
        counts, (pt, eta, phi, *mass) = self._lists(name, (leaf, "Eta", "Phi", *masses))
        along = np.abs(eta) > LARGEST_ETA
        # Absurd values must not warn here; they are counted as not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            momentum = massless(pt, np.where(along, 0, eta), phi)
            if mass:
                momentum[:, 3] = np.hypot(momentum[:, 3], mass[0])
        return counts, momentum, along

    def heads(self, found: FoundJets, label: str) -> JetHeads:
        """What is known of the jets besides their constituents."""
        weight, number = (self._single(name) for name in _EVENT)
        return JetHeads(
            label=np.full(len(found), label),
            weight=weight[found.event].astype(np.float64),
            event_id=number[found.event].astype(np.int64),
            jet_id=found.number,
            part=np.full(len(found), NO_PART, dtype=np.int8),
        )

    def tops(self) -> HadronicTops:
        """Top quarks with hadronic decays."""
        counts, (code, mother, eta, phi) = self._lists("Particle", ("PID", "M1", "Eta", "Phi"))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return hadronic_tops(code, mother, offsets, eta, phi)

    def _single(self, name: str) -> np.ndarray:
        """One value per event, from a branch that holds a list of one."""
        counts, values = lists_of(self._path, name, self._arrays[name])
        check_lengths(self._path, name, self._start, counts, np.ones_like(counts))
        return values

    def _lists(self, name: str, leaves: tuple[str, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Lengths of the lists of a collection, and the values of each leaf."""
        counts, first = self._leaf(name, leaves[0])
        values = [first]
        for leaf in leaves[1:]:
            found, more = self._leaf(name, leaf)
            check_lengths(self._path, f"{name}.{leaf}", self._start, found, counts)
            values.append(more)
        return counts, values

    def _leaf(self, name: str, leaf: str) -> tuple[np.ndarray, np.ndarray]:
        branch = f"{name}.{leaf}"
        return lists_of(self._path, branch, self._arrays[branch])


def _leaves(candidates: Mapping[str, str]) -> list[str]:
    return [f"{name}.{leaf}" for name, pt in candidates.items() for leaf in (pt, "Eta", "Phi")]


def _candidates(path: str | Path, tree: Any, matched: bool) -> Mapping[str, str]:
    """Collections of candidates, each with the leaf of its pT, once all branches are found."""
    present = branch_names(tree)
    chosen = next((of for of in _CANDIDATES if present.issuperset(_leaves(of))), None)
    if chosen is None:
        problem = f"the tree {TREE!r} has no energy-flow candidates, {', '.join(_CANDIDATES[0])}"
        remedy = "keep these branches in the card of Delphes"
        raise place_error(path, None, problem, remedy)
    wanted = (*_EVENT, *(_PARTICLES if matched else ()))
    if missing := [name for name in wanted if name not in present]:
        problem = f"the tree {TREE!r} lacks the branches {', '.join(missing)}"
        remedy = "keep them in the card of Delphes" + (", or match no tops" if matched else "")
        raise place_error(path, None, problem, remedy)
    return chosen
