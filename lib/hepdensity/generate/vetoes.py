"""Vetoes on the hard process, before the costly parts of an event are generated.

An event that is vetoed counts as tried, so the cross-section that Pythia states afterwards is that
of the events that are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pythia8mc

from hepdensity.generate.requirement import Requirement

MUON, TAU = 13, 15
LEPTONS = (11, MUON, TAU)
INVISIBLE = (12, 14, 16, 18, 1000022, 1000039)
"""Codes of neutrinos, of a dark particle, of the lightest neutralino and of the gravitino."""

MOST_VETOES = 2_000_000
"""More vetoes in a row than this mean that no event can pass."""


class HardVeto(pythia8mc.UserHooks):
    """Hook that vetoes hard processes without any of some requirements.

    Attributes:
        vetoed: Number of vetoes so far.
    """

    def __init__(self, requirements: Sequence[Requirement], name: str) -> None:
        """Set the requirements.

        Args:
            requirements: At least one.
            name: What to call the run in messages.
        """
        super().__init__()
        self._requirements, self._name = tuple(requirements), name
        self.vetoed = self._in_a_row = 0

    def canVetoProcessLevel(self) -> bool:
        """Tell Pythia to ask."""
        return True

    def doVetoProcessLevel(self, process: Any) -> bool:
        """Whether to veto a hard process.

        Args:
            process: Pythia's record of it.

        Raises:
            ValueError: If nothing passes any more.
        """
        leptons, missing = content(process)
        if any(leptons >= need.leptons and missing >= need.missing for need in self._requirements):
            self._in_a_row = 0
            return False
        self.vetoed += 1
        self._in_a_row += 1
        if self._in_a_row > MOST_VETOES:
            raise ValueError(
                f"{self._name}: none of {MOST_VETOES} events in a row has what is required of the "
                "hard process; lower the requirements"
            )
        return True


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
