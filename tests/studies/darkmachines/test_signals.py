"""Signals: Pythia takes each of them, and they decay as they should and in no other way."""

from collections.abc import Sequence

import numpy as np
import pytest

from hepdensity.generate.pythia import PythiaRun
from hepdensity.generate.slha import SQUARKS
from hepdensity.studies.darkmachines.channels import CHANNELS
from hepdensity.studies.darkmachines.signals import CHALLENGE, SIGNALS, Signal

HARD = (
    *("PartonLevel:ISR = off", "PartonLevel:FSR = off", "PartonLevel:MPI = off"),
    *("PartonLevel:Remnants = off", "HadronLevel:all = off", "Check:event = off"),
)
NEUTRALINO, BOSONS = 1000022, (6, 23, 24)
EVENTS = 30


def hard_codes(signal: Signal, events: int = EVENTS) -> list[np.ndarray]:
    """Absolute codes of the stable particles of hard processes with decayed resonances."""
    run = PythiaRun(
        [*signal.settings, *HARD], 5, signal.slha, signal.requirements, name=signal.name
    )
    batch = next(run.batches(events, events))
    assert run.tally().cross_section > 0
    final = np.where(batch.final, np.abs(batch.pdg_id), 0)
    return [codes[codes > 0] for codes in np.split(final, batch.offsets[1:-1])]


def counts(codes: np.ndarray, *wanted: int) -> int:
    return int(np.isin(codes, wanted).sum())


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_pythia_takes_it(signal: Signal) -> None:
    for codes in hard_codes(signal):
        # No sparticle but the neutralino is left, nor any resonance.
        assert codes[codes != NEUTRALINO].max() < 25
        assert counts(codes, *BOSONS, *SQUARKS) == 0
    assert set(signal.channels) <= set(CHANNELS)


LIGHT, LEPTONS, NEUTRINOS = (1, 2, 3, 4), (11, 13, 15), (12, 14, 16)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("glgl1400_neutralino1100", [((NEUTRALINO,), 2), (LIGHT, 4)]),
        ("sqsq_sq1800_neut800", [((NEUTRALINO,), 2), (LIGHT, 2)]),
        ("sqsq1_sq1400_neut800", [((NEUTRALINO,), 0), (LIGHT, 8), (LEPTONS, 0), (NEUTRINOS, 0)]),
        ("stlp_st1000", [((5,), 2), ((11, 13), 2), (NEUTRINOS, 0), ((NEUTRALINO,), 0)]),
        ("chaneut_cha300_neut100", [((NEUTRALINO,), 2)]),
        ("chacha_cha300_neut140", [((NEUTRALINO,), 2), (LEPTONS, 2), (NEUTRINOS, 2)]),
        ("monojet_Zp2000.0_DM_50.0", [(NEUTRINOS, 2), ((*LIGHT, 5, 21), 1)]),
        ("pp23mt_50", [((13, 15), 3), ((14,), 1)]),
        ("pp24mt_50", [((13, 15), 4), (NEUTRINOS, 0)]),
    ],
)
def test_final_states(name: str, wanted: Sequence[tuple[Sequence[int], int]]) -> None:
    for codes in hard_codes(SIGNALS[name], 20):
        assert [counts(codes, *group) for group, _ in wanted] == [n for _, n in wanted]


@pytest.mark.parametrize(
    ("name", "tops"), [("gluino_1000.0_neutralino_1.0", 4), ("stop2b1000_neutralino300", 2)]
)
def test_tops_give_a_b_quark_and_a_w_each(name: str, tops: int) -> None:
    found = hard_codes(SIGNALS[name], 20)
    assert all(counts(codes, NEUTRALINO) == 2 for codes in found)
    # Few tops decay to a lighter quark.
    assert sum(counts(codes, 5) for codes in found) / (20 * tops) > 0.9
    # All else comes from W bosons, two particles each.
    assert {len(codes) for codes in found} == {2 + 3 * tops}


def test_names_tell_the_masses_and_the_challenge_is_covered() -> None:
    assert set(CHALLENGE) <= set(SIGNALS)
    kinds = {name.rstrip("0123456789.").split("_")[0].rstrip("0123456789.") for name in SIGNALS}
    challenge = {
        name.rstrip("0123456789.").split("_")[0].rstrip("0123456789.") for name in CHALLENGE
    }
    assert kinds == challenge
    tuning = set(SIGNALS) - set(CHALLENGE)
    assert len(tuning) >= len(kinds)
