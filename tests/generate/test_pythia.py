"""Running Pythia: reproducible events, vetoes that keep the cross-section, and errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from hepdensity.generate import vetoes
from hepdensity.generate.pythia import PythiaRun
from hepdensity.generate.requirement import Activity, Requirement
from hepdensity.generate.vetoes import is_active
from hepdensity.physics.particles import Particles

BEAMS = ("Beams:eCM = 13000", "PartonLevel:MPI = off")
TOPS = (*BEAMS, "Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "PhaseSpace:pTHatMin = 200")
QCD = (*BEAMS, "HardQCD:all = on", "PhaseSpace:pTHatMin = 300")
HARD = (
    *("PartonLevel:ISR = off", "PartonLevel:FSR = off", "PartonLevel:MPI = off"),
    *("PartonLevel:Remnants = off", "HadronLevel:all = off", "Check:event = off"),
)
HARD_ONLY = (*TOPS, *HARD)
GLUINOS = ("Beams:eCM = 13000", "SUSY:gg2gluinogluino = on")


def events_of(settings: Sequence[str], seed: int, n: int, batch: int) -> list[Particles]:
    return list(PythiaRun(settings, seed).batches(n, batch))


def flat(batches: list[Particles], name: str) -> np.ndarray:
    return np.concatenate([getattr(batch, name) for batch in batches])


def test_events_do_not_depend_on_the_size_of_batches() -> None:
    one, other = events_of(QCD, 5, 24, 24), events_of(QCD, 5, 24, 7)
    assert [len(batch) for batch in other] == [7, 7, 7, 3]
    for name in ("pdg_id", "px", "py", "pz", "energy", "final", "weight", "event_id"):
        np.testing.assert_array_equal(flat(one, name), flat(other, name))
    sizes = [np.diff(batch.offsets) for batch in other]
    np.testing.assert_array_equal(np.diff(one[0].offsets), np.concatenate(sizes))


def test_batches_go_on_where_the_last_ended() -> None:
    run = PythiaRun(QCD, 5)
    halves = [batch for n in (6, 6) for batch in run.batches(n)]
    np.testing.assert_array_equal(flat(halves, "energy"), flat(events_of(QCD, 5, 12, 12), "energy"))
    assert flat(halves, "event_id").tolist() == list(range(12))


def test_another_seed_gives_other_events() -> None:
    one, other = events_of(QCD, 5, 2, 2), events_of(QCD, 6, 2, 2)
    assert flat(one, "energy")[:5].tolist() != flat(other, "energy")[:5].tolist()


def test_stable_particles_conserve_momentum_and_partons_are_kept_for_flavour() -> None:
    batch = events_of(QCD, 7, 10, 10)[0]
    for component, total in (("px", 0), ("py", 0), ("pz", 0), ("energy", 13_000)):
        values = getattr(batch, component) * batch.final
        sums = np.bincount(batch.event, weights=values, minlength=10)
        np.testing.assert_allclose(sums, total, atol=1e-2)
    partons = ~batch.final
    codes = np.abs(batch.pdg_id[partons])
    assert set(codes) <= {1, 2, 3, 4, 5, 21}
    pt = np.hypot(batch.px, batch.py)[partons]
    assert pt.min() > 1
    assert np.abs(np.arcsinh(batch.pz[partons] / pt)).max() < 2.5
    assert np.bincount(batch.event[partons], minlength=10).min() > 0
    assert not np.isin(np.abs(batch.pdg_id[batch.final]), codes).any()


def missing(batch: Particles) -> np.ndarray:
    """Vector sum of neutrinos and muons, plus transverse momenta of taus."""
    code, pt = np.abs(batch.pdg_id), np.hypot(batch.px, batch.py)
    unseen, n = np.isin(code, (12, 13, 14, 16)), len(batch)
    x, y = (np.bincount(batch.event, v * unseen, minlength=n) for v in (batch.px, batch.py))
    return np.hypot(x, y) + np.bincount(batch.event, pt * (code == 15), minlength=n)


def test_vetoes_keep_the_cross_section() -> None:
    whole = PythiaRun(HARD_ONLY, 11)
    values = np.concatenate([missing(batch) for batch in whole.batches(4000)])
    vetoed = PythiaRun(HARD_ONLY, 12, requirements=[Requirement(missing=100)])
    passed = np.concatenate([missing(batch) for batch in vetoed.batches(1500)])
    assert passed.min() >= 100
    tally, before = vetoed.tally(), whole.tally()
    share = np.mean(values >= 100)
    tried = tally.generated + tally.vetoed
    assert tally.generated / tried == pytest.approx(share, abs=4 * np.sqrt(0.25 / 3000))
    error = np.hypot(tally.cross_section_error, share * before.cross_section_error)
    assert tally.cross_section == pytest.approx(share * before.cross_section, abs=5 * error)
    assert before.vetoed == 0
    assert (before.generated, tally.generated, tally.failed) == (4000, 1500, 0)


def test_any_one_of_the_requirements_is_enough() -> None:
    needs = [Requirement(leptons=2, missing=20), Requirement(missing=150)]
    run = PythiaRun(HARD_ONLY, 13, requirements=needs)
    batch = next(run.batches(200))
    leptons = np.isin(np.abs(batch.pdg_id), (11, 13, 15))
    two = np.bincount(batch.event, leptons, minlength=200) >= 2
    value = missing(batch)
    assert ((two & (value >= 20)) | (value >= 150)).all()
    assert 0 < two.sum() < 200


def test_vetoes_of_the_shower_keep_the_cross_section() -> None:
    whole, n = PythiaRun(QCD, 21), 600
    vetoed = PythiaRun(QCD, 22, activity=Activity(ht=800))
    sizes = [sum(len(batch) for batch in run.batches(n)) for run in (whole, vetoed)]
    assert sizes == [n, n]
    tally, before = vetoed.tally(), whole.tally()
    share = tally.generated / (tally.generated + tally.vetoed)
    assert 0.1 < share < 0.6
    error = np.hypot(tally.cross_section_error, share * before.cross_section_error)
    assert tally.cross_section == pytest.approx(share * before.cross_section, abs=4 * error)


@dataclass(frozen=True)
class Parton:
    """A massless parton as Pythia gives it."""

    code: int
    along: float
    across: float
    forward: float

    def id(self) -> int:
        return self.code

    def px(self) -> float:
        return self.along

    def py(self) -> float:
        return self.across

    def pT(self) -> float:
        return float(np.hypot(self.along, self.across))

    def eta(self) -> float:
        return self.forward


def test_activity_by_hand() -> None:
    """Two central partons of 100 and 60 GeV and one of 80 GeV at eta 3 recoil in one plane."""
    soft = [Parton(21, 100, 0, 0.1), Parton(1, -60, 30, -2.7)]
    partons = [*soft, Parton(21, -40, -30, 3.0)]
    ht = 100 + np.hypot(60, 30) + 50
    assert is_active(partons, Activity(ht=ht - 1))
    assert not is_active(partons, Activity(ht=ht + 1))
    assert not is_active(partons, Activity(ht=ht - 1, eta=2.9))
    assert is_active(partons, Activity(ht=100, imbalance=49.9))
    assert not is_active(partons, Activity(ht=100, imbalance=50.1))
    assert not is_active(partons, Activity(ht=100, imbalance=1, central=3.1))
    heavy = [*soft, Parton(-5, -40, -30, 3.0)]
    assert is_active(heavy, Activity(ht=100, imbalance=500, heavy=50))
    assert not is_active(heavy, Activity(ht=100, imbalance=500, heavy=51))
    assert not is_active(heavy, Activity(ht=ht + 1, imbalance=500, heavy=50))


def test_a_low_activity_vetoes_nothing_and_changes_nothing() -> None:
    plain = events_of(QCD, 5, 10, 10)[0]
    run = PythiaRun(QCD, 5, activity=Activity(ht=100))
    np.testing.assert_array_equal(next(run.batches(10)).energy, plain.energy)
    assert run.tally().vetoed == 0


def test_weights_of_biased_events_are_told() -> None:
    bias = ("PhaseSpace:bias2Selection = on", "PhaseSpace:bias2SelectionPow = 4")
    run = PythiaRun((*QCD, *bias, *HARD), 3)
    weights = flat(list(run.batches(300)), "weight")
    assert weights.std() > 0
    assert run.tally().sum_weights == pytest.approx(weights.sum())


def test_events_that_cannot_pass_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vetoes, "MOST_VETOES", 50)
    hard = (*QCD, *HARD)
    run = PythiaRun(hard, 1, requirements=[Requirement(leptons=1)], name="qcd")
    with pytest.raises(ValueError, match=r"^qcd: none of 50 events in a row .*; lower the req"):
        next(run.batches(1))


@pytest.mark.parametrize("seed", [0, 900_000_001])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(ValueError, match="change the seed"):
        PythiaRun(QCD, seed)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (("No:such = 1", *QCD), "no setting 'No:such = 1'"),
        (BEAMS, "no process switched on"),
        ((*QCD, "Beams:eCM = -3"), "value is out of range"),
    ],
)
def test_rejected_settings(settings: Sequence[str], reason: str) -> None:
    with pytest.raises(ValueError, match=rf"^sample: Pythia rejects the settings: .*{reason}"):
        PythiaRun(settings, 1, name="sample")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "No MASS or MODSEL blocks found"),
        ("BLOCK MODSEL\n 1 0\nBLOCK MASS\n 1000021 heavy\n", "line 4 - read error"),
    ],
)
def test_rejected_slha(text: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=rf"^gluinos: Pythia rejects the SLHA .*{reason}") as error:
        PythiaRun(GLUINOS, 1, text, name="gluinos")
    assert "\n" not in str(error.value)
    assert "/tmp" not in str(error.value)
    assert capfd.readouterr().out == ""


def test_top_quarks_count_as_activity() -> None:
    """Two tops of at least 400 GeV each have more than 700 GeV, before and after they decay."""
    settings = (
        *("Beams:eCM = 13000", "PartonLevel:MPI = off", "Top:gg2ttbar = on"),
        *("24:onMode = off", "24:onIfAny = 1 2 3 4 5"),
    )
    activity = Activity(ht=700.0, scale=100.0, eta=10.0)
    run = PythiaRun((*settings, "PhaseSpace:pTHatMin = 400"), 3, activity=activity)
    list(run.batches(20))
    assert run.tally().vetoed == 0
