"""Jets from the momenta of their constituents, as all readers of jets make them.

Jets that cannot be stored are left out and counted; a file with too many of them is refused.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hepdensity.ingest.irregular import WEIGHT, IrregularEvents
from hepdensity.ingest.validation import place_error
from hepdensity.physics.constituents import ConstituentJets, JetForm, jet_arrays
from hepdensity.physics.jagged import owners, subset

logger = logging.getLogger(__name__)

READ, KEPT = "read", "kept"
NO_CONSTITUENTS = "there are no constituents"
NOT_FINITE = "a number is not finite"
NO_AXIS = "the jet has no transverse momentum"
OUTSIDE = "outside the window"


@dataclass(frozen=True)
class JetHeads:
    """What is known of jets besides their constituents.

    Attributes:
        label: Name of the process, text, shape (n,).
        weight: Weight, float64, shape (n,).
        event_id: Number of the event in its source, int64, shape (n,).
        jet_id: Number of the jet in its event, counted from 0, int64, shape (n,).
        part: Part of the source (see `ConstituentJets`), int8, shape (n,).
    """

    label: np.ndarray
    weight: np.ndarray
    event_id: np.ndarray
    jet_id: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        """Number of jets."""
        return len(self.weight)


class JetGatherer:
    """Makes the jets of one file.

    Attributes:
        counts: Numbers of jets read, kept, and left out by reason.
        irregular: Counts what is left out because it is faulty.
    """

    def __init__(self, path: str | Path, form: JetForm, most_irregular: float) -> None:
        """Start without jets.

        Args:
            path: The file.
            form: What to store of jets, and which jets are wanted.
            most_irregular: Largest fraction of irregular jets.
        """
        self.counts: Counter[str] = Counter()
        self.irregular = IrregularEvents(path, most_irregular, "jets")
        self._path, self._form = path, form

    def gather(
        self,
        momentum: np.ndarray,
        offsets: np.ndarray,
        heads: JetHeads,
        given: np.ndarray | None = None,
        faults: Mapping[str, np.ndarray] | None = None,
        unwanted: Mapping[str, np.ndarray] | None = None,
    ) -> ConstituentJets:
        """Jets of a chunk, without those that are irregular, outside the window or unwanted.

        Args:
            momentum: Momenta (px, py, pz, E) of constituents [GeV]; those of jet i are
                `offsets[i]:offsets[i + 1]`; those without transverse momentum are absent; shape
                (N, 4).
            offsets: First constituent of each jet and N, shape (n + 1,).
            heads: What else is known of the jets.
            given: Kinematics of the jets, where the source tells them (see `jet_arrays`).
            faults: Faults that the reader has found, each a mask of shape (n,).
            unwanted: Jets to leave out for other reasons, each a mask of shape (n,).
        """
        n = len(heads)
        self.counts[READ] += n
        self.irregular.events += n
        of_jet = owners(offsets)
        sound = np.isfinite(momentum).all(axis=1)
        with_fault = np.bincount(of_jet[~sound], minlength=n) > 0
        with_fault |= ~np.isfinite(heads.weight)
        if given is not None:
            with_fault |= ~np.isfinite(given).all(axis=1)
        # A zero stands for an absent constituent in files with a fixed number of places.
        chosen = np.flatnonzero(sound & ((momentum[:, 0] != 0) | (momentum[:, 1] != 0)))
        offsets = subset(offsets, chosen)
        constituents, jet = jet_arrays(momentum[chosen], offsets, self._form, given)
        usable = self._usable(
            {
                NOT_FINITE: with_fault,
                **(faults or {}),
                NO_CONSTITUENTS: np.diff(offsets) == 0,
                WEIGHT: heads.weight <= 0,
                NO_AXIS: ~(np.isfinite(jet).all(axis=1) & (jet[:, 0] > 0)),
            },
            n,
        )
        window = self._form.window
        outside = {} if window is None else {OUTSIDE: ~window.contains(jet)}
        for reason, out in {**outside, **(unwanted or {})}.items():
            self.counts[reason] += int((usable & out).sum())
            usable &= ~out
        self.counts[KEPT] += int(usable.sum())
        return ConstituentJets(constituents, jet, **vars(heads))[usable]

    def _usable(self, faults: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """Which jets are regular; the others are counted by their first fault."""
        usable = np.ones(n, dtype=bool)
        for reason, bad in faults.items():
            self.irregular.counts[reason] += int((bad & usable).sum())
            usable &= ~bad
        return usable

    def conclude(self, counts: Counter[str] | None) -> None:
        """Log and hand over the counts, after the last jet.

        Args:
            counts: Receives the numbers, those of irregular jets too.

        Raises:
            ValueError: If there are no jets, none is kept, or too many are irregular.
        """
        self.irregular.conclude()
        self.counts.update(self.irregular.counts)
        told = {reason: number for reason, number in self.counts.items() if number}
        logger.info("%s: %s", self._path, told)
        if counts is not None:
            counts.update(told)
        if self.counts[KEPT] == 0:
            problem = f"no jet is kept ({told})"
            raise place_error(self._path, None, problem, "give more jets, or widen the window")
