"""What a hard process must have so that it is worth generating the rest of the event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Requirement:
    """What the final state of a hard process, resonances decayed, must have.

    Attributes:
        leptons: Least number of electrons, muons and taus.
        missing: Least missing transverse momentum that is possible [GeV]: the vector sum of
            neutrinos and muons, which detectors of the Dark Machines kind do not count, plus the
            transverse momenta of taus, of which any part may go into neutrinos.
    """

    leptons: int = 0
    missing: float = 0.0
