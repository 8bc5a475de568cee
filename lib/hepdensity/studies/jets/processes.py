"""Processes that give jets, and what Pythia needs to make them.

As in the top-tagging reference data set (Kasieczka et al. 2019, arXiv:1902.09914): proton beams of
14 TeV without multiple interactions, hadronic tops, and QCD dijets. The resonance Z' is that of
Mikuni and Nachman (2024, arXiv:2306.03933): a mass of 1.4 TeV, two dark quarks of 75 GeV, dark
pions and rhos of 150 GeV. They give no further settings, so those of the dark shower are ours.

Ranges of pTHat and vetoes keep more than 98 % of the jets of 550 to 650 GeV (docs/jets.md). An
event with a jet of 550 GeV has about twice as much transverse momentum in all its partons, and a
veto on less, while the shower is still hard, makes the low ranges affordable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hepdensity.generate.requirement import Activity

_SPARE, _DEVIATIONS = 1.03, 4.0


@dataclass(frozen=True)
class JetProcess:
    """What it takes to make the jets of a process.

    Attributes:
        name: Name of the process, the label of its jets.
        settings: Lines for Pythia.
        jets_per_event: Jets that are kept per event generated, as measured.
        activity: What the shower needs, or None.
        matched: Whether only jets count that contain a top quark and the quarks of its decay.
    """

    name: str
    settings: tuple[str, ...]
    jets_per_event: float
    activity: Activity | None = None
    matched: bool = False


_BASIC = ("Beams:eCM = 14000", "PartonLevel:MPI = off")
_LARGEST_ETA = 10.0
_DARK = "4900101"
"""Code of the dark quark."""

PROCESSES = {
    process.name: process
    for process in (
        JetProcess(
            "qcd",
            (*_BASIC, "HardQCD:all = on", "PhaseSpace:pTHatMin = 275"),
            jets_per_event=0.27,
            activity=Activity(ht=950.0, scale=100.0, eta=_LARGEST_ETA),
        ),
        JetProcess(
            "top",
            (
                *(*_BASIC, "Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
                *("24:onMode = off", "24:onIfAny = 1 2 3 4 5"),
                # Without it, a shower harder than the tops makes up a sixth of the jets, and events
                # of any pTHat would be needed.
                "SpaceShower:pTmaxMatch = 1",
                "PhaseSpace:pTHatMin = 300",
            ),
            jets_per_event=0.21,
            activity=Activity(ht=1000.0, scale=100.0, eta=_LARGEST_ETA),
            matched=True,
        ),
        JetProcess(
            "zprime",
            (
                *(*_BASIC, "HiddenValley:ffbar2Zv = on", "4900023:m0 = 1400"),
                *("4900023:onMode = off", f"4900023:onIfAny = {_DARK}", f"{_DARK}:m0 = 75"),
                *("HiddenValley:Ngauge = 3", "HiddenValley:nFlav = 1", "HiddenValley:FSR = on"),
                *("HiddenValley:fragment = on", "HiddenValley:probVector = 0.75"),
                *("HiddenValley:alphaOrder = 1", "HiddenValley:Lambda = 75"),
                *("HiddenValley:pTminFSR = 82.5", "4900111:m0 = 150", "4900113:m0 = 150"),
                *(f"{meson}:oneChannel = 1 1.0 91 1 -1" for meson in ("4900111", "4900113")),
                *(
                    f"{meson}:addChannel = 1 1.0 91 {q} -{q}"
                    for meson in ("4900111", "4900113")
                    for q in (2, 3)
                ),
            ),
            jets_per_event=0.095,
        ),
    )
}
"""Processes by name."""


def process_of(name: str) -> JetProcess:
    """A process by name.

    Args:
        name: Name of the process.

    Raises:
        ValueError: If there is no such process.
    """
    if name not in PROCESSES:
        raise ValueError(f"there is no process {name!r}; use {', '.join(PROCESSES)}")
    return PROCESSES[name]


def events_for(name: str, jets: int) -> int:
    """Number of events to generate for a number of jets in the window of 550 to 650 GeV.

    It is enough unless the number of jets falls short by four standard deviations and 3 %.

    Args:
        name: Name of the process.
        jets: Number of jets wanted.

    Raises:
        ValueError: If there is no such process.
    """
    wanted = _SPARE * jets + _DEVIATIONS * math.sqrt(jets)
    return math.ceil(wanted / process_of(name).jets_per_event)
