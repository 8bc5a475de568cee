"""Vetoes on the hard process and the shower, before the costly parts of an event are generated.

An event that is vetoed counts as tried, so the cross-section that Pythia states afterwards is that
of the events that are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pythia8mc

from hepdensity.generate.requirement import Activity, Requirement

MUON, TAU = 13, 15
LEPTONS = (11, MUON, TAU)
HEAVY = (4, 5)
TOP_AND_W = (6, 24)
INVISIBLE = (12, 14, 16, 18, 1000022, 1000039)
"""Codes of neutrinos, of a dark particle, of the lightest neutralino and of the gravitino."""

MOST_VETOES = 2_000_000
"""More vetoes in a row than this mean that no event can pass."""


class EarlyVeto(pythia8mc.UserHooks):
    """Hook that vetoes hard processes and showers that lack what is required.

    Attributes:
        vetoed: Number of vetoes so far.
    """

    def __init__(
        self, requirements: Sequence[Requirement], activity: Activity | None, name: str
    ) -> None:
        """Set what is required.

        Args:
            requirements: What the hard process needs, any one of them; none keep all.
            activity: What the shower needs, or None.
            name: What to call the run in messages.
        """
        super().__init__()
        self._requirements, self._activity, self._name = tuple(requirements), activity, name
        self.vetoed = self._in_a_row = 0

    def canVetoProcessLevel(self) -> bool:
        """Whether Pythia should ask about hard processes."""
        return bool(self._requirements)

    def doVetoProcessLevel(self, process: Any) -> bool:
        """Whether to veto a hard process.

        Args:
            process: Pythia's record of it.

        Raises:
            ValueError: If nothing passes any more.
        """
        leptons, missing = content(process)
        needs = self._requirements
        passes = any(leptons >= need.leptons and missing >= need.missing for need in needs)
        return self._vetoes(passes, last=self._activity is None)

    def canVetoPT(self) -> bool:
        """Whether Pythia should ask about showers."""
        return self._activity is not None

    def scaleVetoPT(self) -> float:
        """Scale at which it should ask [GeV]."""
        return self._activity.scale if self._activity is not None else 0.0

    def doVetoPT(self, position: int, event: Any) -> bool:
        """Whether to veto a shower.

        Args:
            position: Which evolution is going on; it does not matter.
            event: Pythia's record of the partons so far.

        Raises:
            ValueError: If nothing passes any more.
        """
        assert self._activity is not None
        # Pythia asks before and after the decay of top quarks, which it takes for resonances.
        partons = [one for one in event if one.isFinal() and is_coloured(one)]
        return self._vetoes(is_active(partons, self._activity), last=True)

    def _vetoes(self, passes: bool, last: bool) -> bool:
        """Count a decision; an event that passes the last one ends a row of vetoes."""
        if passes:
            self._in_a_row = 0 if last else self._in_a_row
            return False
        self.vetoed += 1
        self._in_a_row += 1
        if self._in_a_row > MOST_VETOES:
            raise ValueError(
                f"{self._name}: none of {MOST_VETOES} events in a row has what is required of the "
                "hard process and the shower; lower the requirements"
            )
        return True


def is_coloured(particle: Any) -> bool:
    """Whether a particle of Pythia is a parton, a top quark, or a W boson that may be from one."""
    return bool(particle.isParton() or particle.idAbs() in TOP_AND_W)


def is_active(partons: Sequence[Any], needed: Activity) -> bool:
    """Whether partons of Pythia have what is required of a shower."""
    if sum(parton.pT() for parton in partons if abs(parton.eta()) < needed.eta) < needed.ht:
        return False
    if any(abs(parton.id()) in HEAVY and parton.pT() >= needed.heavy for parton in partons):
        return True
    central = [parton for parton in partons if abs(parton.eta()) < needed.central]
    x, y = sum(parton.px() for parton in central), sum(parton.py() for parton in central)
    return math.hypot(x, y) >= needed.imbalance


def content(process: Any) -> tuple[int, float]:
    """Number of charged leptons of a hard process, and its largest possible missing momentum.

    Args:
        process: Pythia's record of it.

    Returns:
        Number of leptons, and missing transverse momentum [GeV].
    """
    leptons, x, y, taus = 0, 0.0, 0.0, 0.0
    for particle in process:
        if not particle.isFinal():
            continue
        code = abs(particle.id())
        leptons += code in LEPTONS
        if code == MUON or code in INVISIBLE:
            x += particle.px()
            y += particle.py()
        elif code == TAU:
            taus += particle.pT()
    return leptons, math.hypot(x, y) + taus
