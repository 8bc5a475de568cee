"""Signals: what Pythia needs to make them, from masses and a pattern of decays.

Names are those of the Dark Machines challenge (Aarrestad et al. 2021, arXiv:2105.14027) with other
masses in them; `CHALLENGE` lists the points that it has too. Its model files are not public, so
decays are as its text says them. Cross-sections do not matter there and are those of Pythia at
leading order; those with a Z' are not meaningful.

Two things are made in another way than in the challenge:

- A Z' with a jet is made as a heavy Z boson that decays to neutrinos, because Pythia has no such
  process for its Z'. Its couplings to quarks are those of the Z.
- A light Z' of the L_mu - L_tau kind comes from Z and W decays to three bodies, mu mu Z' and
  mu nu Z', that are uniform in phase space, because Pythia has no matrix element for them. Hardly
  any of these events has three leptons and enough MET for channel 2a.

Squarks that decay to jets only have no missing momentum but that of heavy quarks and of the
detector, so hardly any is in channel 1, where the challenge has 4111: its decays must be others.
"""

from __future__ import annotations

from dataclasses import dataclass

from hepdensity.generate.requirement import Requirement
from hepdensity.generate.slha import (
    LIGHTEST_NEUTRALINO,
    SQUARKS,
    Decay,
    Particle,
    shared,
    slha_text,
)

GLUINO, STOP, CHARGINO, SECOND_NEUTRALINO = 1000021, 1000006, 1000024, 1000023
W, Z, TOP, BOTTOM, ELECTRON, MUON = 24, 23, 6, 5, 11, 13

LIGHT = 9000032
"""Code of a light Z'."""

DARK_MASS = 50.0
"""Mass in the names of signals with a Z' that decays invisibly [GeV]; it does not matter."""


@dataclass(frozen=True)
class Signal:
    """What it takes to make a signal.

    Attributes:
        name: Its name.
        settings: Lines for Pythia.
        channels: Channels in which it is looked for.
        slha: SLHA text, or None.
        requirements: What the hard process needs, any one of them; none keep all.
    """

    name: str
    settings: tuple[str, ...]
    channels: tuple[str, ...]
    slha: str | None = None
    requirements: tuple[Requirement, ...] = ()


def gluinos(mass: float, neutralino: float) -> Signal:
    """Gluino pairs, gluino -> q q neutralino with a light quark."""
    pairs = [(LIGHTEST_NEUTRALINO, quark, -quark) for quark in (1, 2, 3, 4)]
    name = f"glgl{mass:.0f}_neutralino{neutralino:.0f}"
    return _gluinos(name, mass, neutralino, shared(*pairs), ("1", "3"))


def gluinos_to_top(mass: float, neutralino: float) -> Signal:
    """Gluino pairs, gluino -> t t neutralino."""
    decays = shared((LIGHTEST_NEUTRALINO, TOP, -TOP))
    name = f"gluino_{mass:.1f}_neutralino_{neutralino:.1f}"
    return _gluinos(name, mass, neutralino, decays, ("2a", "2b", "3"))


def squarks(mass: float, neutralino: float) -> Signal:
    """Pairs of squarks of the first two generations, squark -> q neutralino."""
    name = f"sqsq_sq{mass:.0f}_neut{neutralino:.0f}"
    return _squarks(name, mass, Particle(neutralino), ("1", "3"))


def squarks_to_jets(mass: float, neutralino: float) -> Signal:
    """Pairs of squarks, squark -> q neutralino, neutralino -> u d s without R-parity."""
    decays = shared((2, 1, 3), (-2, -1, -3))
    name = f"sqsq1_sq{mass:.0f}_neut{neutralino:.0f}"
    return _squarks(name, mass, Particle(neutralino, decays), ("3",))


def stops(mass: float, neutralino: float) -> Signal:
    """Stop pairs, stop -> t neutralino."""
    particles = {
        STOP: Particle(mass, shared((LIGHTEST_NEUTRALINO, TOP))),
        LIGHTEST_NEUTRALINO: Particle(neutralino),
    }
    name = f"stop2b{mass:.0f}_neutralino{neutralino:.0f}"
    return Signal(name, _STOP_PAIRS, ("1", "3"), slha_text(particles))


def stops_to_leptons(mass: float) -> Signal:
    """Stop pairs, stop -> b e or b mu without R-parity."""
    decays = shared((BOTTOM, -ELECTRON), (BOTTOM, -MUON))
    text = slha_text({STOP: Particle(mass, decays)})
    return Signal(f"stlp_st{mass:.0f}", _STOP_PAIRS, ("1", "2b", "3"), text)


def chargino_neutralino(mass: float, neutralino: float) -> Signal:
    """A chargino and a second neutralino, which decay to W neutralino and Z neutralino."""
    production = ("SUSY:qqbar2chi+-chi0 = on", f"SUSY:idA = {SECOND_NEUTRALINO}")
    settings = (*_BEAMS, *production, f"SUSY:idB = {CHARGINO}")
    # What cannot give enough leptons need not be generated to the end.
    needs = (Requirement(leptons=2),)
    name = f"chaneut_cha{mass:.0f}_neut{neutralino:.0f}"
    return Signal(name, settings, ("2a", "2b"), _electroweak(mass, neutralino), needs)


def charginos(mass: float, neutralino: float) -> Signal:
    """Chargino pairs, chargino -> W neutralino."""
    production = ("SUSY:qqbar2chi+chi- = on", f"SUSY:idA = {CHARGINO}")
    settings = (*_BEAMS, *production, f"SUSY:idB = {CHARGINO}")
    needs = (Requirement(leptons=2),)
    name = f"chacha_cha{mass:.0f}_neut{neutralino:.0f}"
    return Signal(name, settings, ("2b",), _electroweak(mass, neutralino), needs)


def invisible_with_jet(mass: float) -> Signal:
    """A heavy Z' that decays invisibly, and a jet."""
    settings = (
        *(*_BEAMS, "WeakBosonAndParton:qqbar2gmZg = on", "WeakBosonAndParton:qg2gmZq = on"),
        *("WeakZ0:gmZmode = 2", f"{Z}:m0 = {mass}", f"{Z}:mWidth = {mass / 40}"),
        *(f"{Z}:doForceWidth = on", f"{Z}:mMin = {mass / 2}", f"{Z}:mMax = {2 * mass}"),
        *(f"{Z}:onMode = off", f"{Z}:onIfAny = 12 14 16", "PhaseSpace:pTHatMin = 250"),
    )
    return Signal(f"monojet_Zp{mass:.1f}_DM_{DARK_MASS:.1f}", settings, ("1", "3"))


def muonic(mass: float, leptons: int) -> Signal:
    """A Z' lighter than the Z that couples to mu and tau only, with 3 or 4 leptons in all."""
    settings = (
        *(*_BEAMS, f"{LIGHT}:new = Zlight void 3 0 0 {mass} 0.1 {mass - 2} {mass + 2} 0"),
        *(f"{LIGHT}:isResonance = on", f"{LIGHT}:addChannel = 1 0.5 100 13 -13"),
        *(f"{LIGHT}:addChannel = 1 0.5 100 15 -15", *_LIKE_W_OR_Z[leptons]),
    )
    needs = (Requirement(missing=20.0),)
    name = f"pp2{leptons}mt_{mass:.0f}"
    return Signal(name, settings, ("2b",), requirements=needs)


_BEAMS = ("Beams:eCM = 13000",)
# Pythia computes the widths of the W and the Z itself and refuses other decays, so a W' and a Z' of
# their masses and widths stand for them.
_LIKE_W_OR_Z = {
    3: (
        *("NewGaugeBoson:ffbar2Wprime = on", "34:m0 = 80.4", "34:mWidth = 2.1"),
        *("34:doForceWidth = on", "34:mMin = 70", "34:mMax = 90"),
        f"34:oneChannel = 1 1.0 100 -13 14 {LIGHT}",
    ),
    4: (
        *("NewGaugeBoson:ffbar2gmZZprime = on", "Zprime:gmZmode = 3", "32:m0 = 91.19"),
        *("32:mWidth = 2.5", "32:doForceWidth = on", "32:mMin = 80", "32:mMax = 100"),
        f"32:oneChannel = 1 1.0 100 13 -13 {LIGHT}",
    ),
}
_GLUINO_PAIRS = ("SUSY:gg2gluinogluino = on", "SUSY:qqbar2gluinogluino = on")
_STOP_PAIRS = (
    *(*_BEAMS, "SUSY:gg2squarkantisquark = on", "SUSY:qqbar2squarkantisquark = on"),
    *(f"SUSY:idA = {STOP}", f"SUSY:idB = {STOP}"),
)
_SQUARK_PAIRS = (
    *("SUSY:qq2squarksquark = on", "SUSY:qqbar2squarkantisquark = on"),
    "SUSY:gg2squarkantisquark = on",
)


def _gluinos(
    name: str, mass: float, neutralino: float, decays: tuple[Decay, ...], channels: tuple[str, ...]
) -> Signal:
    particles = {GLUINO: Particle(mass, decays), LIGHTEST_NEUTRALINO: Particle(neutralino)}
    return Signal(name, (*_BEAMS, *_GLUINO_PAIRS), channels, slha_text(particles))


def _squarks(name: str, mass: float, neutralino: Particle, channels: tuple[str, ...]) -> Signal:
    pairs = {
        code: Particle(mass, shared((LIGHTEST_NEUTRALINO, code % 1_000_000))) for code in SQUARKS
    }
    text = slha_text({**pairs, LIGHTEST_NEUTRALINO: neutralino})
    return Signal(name, (*_BEAMS, *_SQUARK_PAIRS), channels, text)


def _electroweak(mass: float, neutralino: float) -> str:
    return slha_text(
        {
            SECOND_NEUTRALINO: Particle(mass, shared((LIGHTEST_NEUTRALINO, Z)), 0.1),
            CHARGINO: Particle(mass, shared((LIGHTEST_NEUTRALINO, W)), 0.1),
            LIGHTEST_NEUTRALINO: Particle(neutralino),
        }
    )


def _all_signals() -> dict[str, Signal]:
    found = [
        *(gluinos(*masses) for masses in ((1400, 1100), (1600, 800), (1200, 600), (1000, 200))),
        *(gluinos_to_top(*masses) for masses in ((1000, 1), (1200, 400), (1400, 200))),
        *(squarks(*masses) for masses in ((1800, 800), (1400, 800), (1000, 600))),
        *(squarks_to_jets(*masses) for masses in ((1400, 800), (1000, 400))),
        *(stops(*masses) for masses in ((1000, 300), (700, 100), (400, 1))),
        *(stops_to_leptons(mass) for mass in (1000, 600, 400)),
        *(chargino_neutralino(*masses) for masses in ((200, 50), (250, 150), (300, 100))),
        *(chargino_neutralino(*masses) for masses in ((400, 200), (350, 50), (500, 250))),
        *(charginos(*masses) for masses in ((300, 140), (400, 60), (600, 200))),
        *(charginos(*masses) for masses in ((250, 50), (500, 100))),
        *(invisible_with_jet(mass) for mass in (2000, 1000, 3000)),
        *(muonic(mass, leptons) for mass in (50, 30) for leptons in (3, 4)),
    ]
    return {signal.name: signal for signal in found}


SIGNALS = _all_signals()
"""Signals by name."""

CHALLENGE = (
    *("glgl1400_neutralino1100", "glgl1600_neutralino800", "gluino_1000.0_neutralino_1.0"),
    *("sqsq_sq1800_neut800", "sqsq1_sq1400_neut800", "stop2b1000_neutralino300", "stlp_st1000"),
    *("chaneut_cha200_neut50", "chaneut_cha250_neut150", "chaneut_cha300_neut100"),
    *("chaneut_cha400_neut200", "chacha_cha300_neut140", "chacha_cha400_neut60"),
    *("chacha_cha600_neut200", "monojet_Zp2000.0_DM_50.0", "pp23mt_50", "pp24mt_50"),
)
"""Signals with the name and masses of the challenge."""
