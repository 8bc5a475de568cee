"""Log-densities by part and measure, against terms worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from fake_jets import MOST, WINDOW, FakeJets, factors, rows_of, two_processes

from hepdensity.models.inputs import read_array
from hepdensity.studies.jets.evaluation.parts import PartReader, group_of


def reader_of(fake: FakeJets) -> PartReader:
    return PartReader(fake.files["scores"], fake.files["inputs"], WINDOW)


def test_our_measure_is_that_of_the_scores(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    parts = reader_of(fake).read(fake.runs[0], "test", "logit")
    expected = factors(120, 10)
    np.testing.assert_allclose(parts.jet, expected["N"] + expected["event"])
    np.testing.assert_allclose(parts.particles, expected["particles"])
    rows = read_array(fake.files["inputs"][0], "test")
    assert (parts.n == (~np.isnan(rows[:, 3::3])).sum(axis=1)).all()
    assert len(parts) == 120
    assert parts.finite.all()
    np.testing.assert_allclose(parts.nll, -parts.jet - parts.particles)
    np.testing.assert_allclose(parts.score, -parts.jet - parts.particles / parts.n)


def test_measure_of_the_paper_by_hand(tmp_path: Path) -> None:
    """log p(pT) = log p(logit u) + log |d logit u / dpT|, and so on for each coordinate."""
    fake = two_processes(tmp_path)
    reader = reader_of(fake)
    ours, paper = (reader.read(fake.runs[0], "test", name) for name in ("logit", "paper"))
    rows = read_array(fake.files["inputs"][0], "test")
    place, eta = (1 / (1 + np.exp(-rows[:, i])) for i in (0, 1))
    jet = -np.log(place * (1 - place) * 400) - np.log(eta * (1 - eta) * 6) - rows[:, 2]
    np.testing.assert_allclose(paper.jet - ours.jet, jet)
    z = 1 / (1 + np.exp(-rows[:, 5::3]))
    # |d logit z / dz| = 1 / (z (1 - z)), and |d log(1 - z) / dz| = 1 / (1 - z).
    np.testing.assert_allclose(paper.particles - ours.particles, np.nansum(-np.log(z), axis=1))


def test_a_dataset_in_the_coordinates_of_the_paper(tmp_path: Path) -> None:
    """The constituents' part is then in the measure of the paper already."""
    fake = FakeJets(tmp_path)
    fake.add_inputs("qcd-paper", {"test": rows_of(50, 1, "log_rest")})
    run = fake.add_run("qcd-paper", {"test": factors(50, 3)})
    parts = reader_of(fake).read(run, "test", "paper")
    np.testing.assert_allclose(parts.particles, factors(50, 3)["particles"])
    assert run["dataset"] == "qcd-paper"
    assert parts.n.max() <= MOST


def test_groups() -> None:
    assert group_of({"dataset": "qcd-paper"}, "qcd") == "test"
    assert group_of({"dataset": "qcd"}, "top") == "top"


def test_scores_that_are_missing(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    with pytest.raises(ValueError, match=r"no score file of other \(qcd\); score its jets"):
        reader_of(fake).read({**fake.runs[0], "model": "other"}, "test")
