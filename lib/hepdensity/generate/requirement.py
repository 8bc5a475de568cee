"""What an event must have early on so that it is worth generating the rest of it."""

from __future__ import annotations

import math
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


@dataclass(frozen=True)
class Activity:
    """What the partons of an event must have when the shower has come down to some scale.

    Attributes:
        ht: Least scalar sum of the transverse momenta of all partons [GeV].
        scale: Evolution scale of the shower at which the sums are taken [GeV].
        eta: Absolute pseudorapidity below which partons count.
        imbalance: Least vector sum of the transverse momenta of central partons [GeV]: what a
            detector misses that is blind to the others.
        central: Absolute pseudorapidity below which partons count for the imbalance.
        heavy: An event with a charm or bottom quark of this transverse momentum [GeV] needs no
            imbalance, because its decay can give missing momentum.
    """

    ht: float
    scale: float = 25.0
    eta: float = 3.2
    imbalance: float = 0.0
    central: float = 2.8
    heavy: float = math.inf
