"""Held-out log-likelihoods with paired differences and the errors of the solver."""

from pathlib import Path

import numpy as np
import pytest
from fake_jets import WINDOW, FakeJets, factors, rows_of, two_processes

from hepdensity.studies.jets.evaluation.likelihood_table import likelihood_table
from hepdensity.studies.jets.evaluation.parts import PartReader


def test_values(tmp_path: Path) -> None:
    fake = two_processes(tmp_path, ("standard", "flow-matching"))
    rows = likelihood_table(fake.files, fake.settings())
    standard, matching = rows[0], rows[2]
    reader = PartReader(fake.files["scores"], fake.files["inputs"], WINDOW)
    parts, other = (reader.read(fake.runs[i], "test", "logit") for i in (0, 2))
    assert standard["nll"] == pytest.approx(parts.nll.mean())
    assert standard["nll_error"] == pytest.approx(parts.nll.std(ddof=1) / np.sqrt(120))
    assert standard["nll_jet"] + standard["nll_particles"] == pytest.approx(standard["nll"])
    assert standard["nll_per_particle"] == pytest.approx(-parts.particles.sum() / parts.n.sum())
    expected = (other.particles - parts.particles).sum() / parts.n.sum()
    assert standard["difference"] == pytest.approx(expected)
    assert matching["difference"] == 0
    assert (standard["solver_rms"], standard["steps"]) == (0.02, 7)


def test_other_coordinates_are_compared_in_one_measure(tmp_path: Path) -> None:
    fake = two_processes(tmp_path, ("flow-matching",))
    jets = fake.files["inputs"][0]
    fake.add_inputs("qcd-paper", {"test": rows_of(120, 1, "log_rest")})
    fake.add_run("qcd-paper", {"test": factors(120, 10)})
    row = likelihood_table(fake.files, fake.settings())[-1]
    assert row["dataset"] == "qcd-paper"
    assert row["difference"] is not None
    assert jets


def test_without_flow_matching(tmp_path: Path) -> None:
    fake = FakeJets(tmp_path)
    fake.add_inputs("qcd", {"test": rows_of(40, 1)})
    parts = factors(40, 1)
    parts["event"][:5] = np.nan
    fake.add_run("qcd", {"test": parts})
    (row,) = likelihood_table(fake.files, fake.settings())
    assert row["difference"] is None
    assert (row["jets"], row["not_finite"]) == (40, 5)
