"""Backgrounds: what Pythia needs to make them, in samples that each cover a range of pTHat.

Processes have the names of the Dark Machines challenge (Aarrestad et al. 2021, arXiv:2105.14027).
Cross-sections are those of Pythia at leading order, without a K-factor, and an event of a sample
stands for `cross_section / generated`. So the samples of a process add up, and processes mix as by
cross-section.

Samples begin where a channel begins: a hard process below the lowest pTHat, or without what is
required of it, contributes less than a few percent to its channels. What is missing in comparison
with the challenge: second and third hard jets from matrix elements, single top, ttW, ttZ, tt gamma,
four tops, W gamma, Z gamma, and bosons with hadronic decays, also in pairs; QCD with a pTHat below
200 GeV.
"""

from __future__ import annotations

from dataclasses import dataclass

from hepdensity.generate.requirement import Activity, Requirement


@dataclass(frozen=True)
class Background:
    """What it takes to make a sample of a background.

    Attributes:
        name: Name of the sample.
        process: Name of the process.
        settings: Lines for Pythia.
        channels: Channels that the sample populates.
        requirements: What the hard process needs, any one of them; none keep all.
        activity: What the shower needs, or None.
        part_of: Sample that contains these events too, so that a channel takes one of the two.
    """

    name: str
    process: str
    settings: tuple[str, ...]
    channels: tuple[str, ...]
    requirements: tuple[Requirement, ...] = ()
    activity: Activity | None = None
    part_of: str | None = None


_BEAMS = "Beams:eCM = 13000"
_JETS = ("1", "3")
_LEPTONIC = "24:onMode = off", "24:onIfAny = 11 13 15"
_LIGHT = tuple(
    f"HardQCD:{name} = on"
    for name in ("gg2gg", "gg2qqbar", "qg2qg", "qq2qq", "qqbar2gg", "qqbar2qqbarNew")
)
_HEAVY = tuple(
    f"HardQCD:{name} = on" for name in ("gg2ccbar", "qqbar2ccbar", "gg2bbbar", "qqbar2bbbar")
)
_W_JET = ("WeakBosonAndParton:qqbar2Wg = on", "WeakBosonAndParton:qg2Wq = on", *_LEPTONIC)
_Z_JET = (
    *("WeakBosonAndParton:qqbar2gmZg = on", "WeakBosonAndParton:qg2gmZq = on"),
    *("WeakZ0:gmZmode = 2", "23:onMode = off"),
)
_PHOTON_JET = ("PromptPhoton:qg2qgamma = on", "PromptPhoton:qqbar2ggamma = on")
_TOPS = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")
_WW = ("WeakDoubleBoson:ffbar2WW = on", *_LEPTONIC)
_CHARGED = ("23:onMode = off", "23:onIfAny = 11 13 15")
_ZW = ("WeakDoubleBoson:ffbar2ZW = on", *_LEPTONIC, *_CHARGED)
_ZZ = ("WeakDoubleBoson:ffbar2gmZgmZ = on", "WeakZ0:gmZmode = 2", *_CHARGED)
_HIGGS = ("HiggsSM:gg2Httbar = on", "HiggsSM:qqbar2Httbar = on")

_TWO_LEPTONS = Requirement(leptons=2, missing=20.0)
# Checked at a pTHat of 200 to 300 GeV: one of 33 events with HT >= 600 and MET > 60 had a sum below
# this, and none of the 8 with MET > 80 had less than 699 GeV.
_HIGH_HT = Activity(ht=620.0)
# Channel 1 has MET >= 200 GeV, which light jets give only if the detector is blind to one of them.
_IMBALANCED = Activity(ht=560.0, scale=50.0, imbalance=120.0, heavy=150.0)

# The challenge generates V + jets with HT > 100 only, which shapes its channel 2b.
_SOME_HT = Activity(ht=100.0)


def _slices(
    name: str,
    process: str,
    settings: tuple[str, ...],
    edges: tuple[float, ...],
    channels: tuple[str, ...],
    requirements: tuple[Requirement, ...] = (),
    activity: Activity | None = None,
    part_of: str | None = None,
) -> list[Background]:
    """Samples between edges of pTHat [GeV]; the last has no upper edge."""
    return [
        Background(
            f"{name}_{low:.0f}",
            process,
            (
                *(_BEAMS, *settings, f"PhaseSpace:pTHatMin = {low}"),
                f"PhaseSpace:pTHatMax = {high}",
            ),
            channels,
            requirements,
            activity,
            part_of and f"{part_of}_{low:.0f}",
        )
        for low, high in zip(edges, (*edges[1:], -1), strict=True)
    ]


def _all_backgrounds() -> dict[str, Background]:
    missing = (Requirement(missing=70.0),)
    tops = (_TWO_LEPTONS, Requirement(missing=75.0))
    found = [
        *_slices("njets", "njets", _LIGHT, (200, 300, 500, 800), _JETS, activity=_HIGH_HT),
        *_slices(
            *("njets_imbalanced", "njets", _LIGHT, (200, 300, 500, 800), ("1",)),
            activity=_IMBALANCED,
            part_of="njets",
        ),
        *_slices("njets_heavy", "njets", _HEAVY, (200, 300, 500), _JETS, activity=_HIGH_HT),
        *_slices("w_jets", "w_jets", _W_JET, (150, 250, 400), _JETS, missing),
        *_slices("z_jets_nu", "z_jets", (*_Z_JET, "23:onIfAny = 12 14 16"), (150, 250, 400), _JETS),
        *_slices(
            *("z_jets_mu", "z_jets", (*_Z_JET, "23:onIfAny = 13"), (30, 100, 200)),
            *(("1", "2b", "3"), (Requirement(missing=35.0),), _SOME_HT),
        ),
        *_slices(
            *("z_jets_e", "z_jets", (*_Z_JET, "23:onIfAny = 11"), (30, 100)),
            *(("1", "2b", "3"), (), _SOME_HT),
        ),
        *_slices(
            *("z_jets_tau", "z_jets", (*_Z_JET, "23:onIfAny = 15"), (30, 100)),
            *(("1", "2b", "3"), (), _SOME_HT),
        ),
        *_slices(
            *("gam_jets", "gam_jets", _PHOTON_JET, (50, 200, 400)),
            *(("1", "2b", "3"), (), _SOME_HT),
        ),
        *_slices("ttbar", "ttbar", _TOPS, (0, 150, 300), ("1", "2a", "2b", "3"), tops),
        *_slices("ww", "ww", _WW, (0,), ("2b",), (Requirement(missing=20.0),)),
        *_slices("zw", "zw", _ZW, (0,), ("2a", "2b")),
        *_slices("zz", "zz", _ZZ, (0,), ("2a", "2b")),
        *_slices("ttbarHiggs", "ttbarHiggs", _HIGGS, (0,), ("2a", "2b"), (_TWO_LEPTONS,)),
    ]
    return {background.name: background for background in found}


BACKGROUNDS = _all_backgrounds()
"""Samples of backgrounds by name."""
