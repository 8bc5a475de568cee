"""Figures 1, 2, 4 and 6: what they draw, and the rows of their tables."""

from pathlib import Path

import pytest
from fake_jets import PROCESSES, WINDOW, FakeJets, legend_of, two_processes

from hepdensity.studies.jets.evaluation.parts import PartReader
from hepdensity.studies.jets.plotting.distributions import (
    BINS,
    nll_distribution,
    permutations,
    score_distribution,
)


@pytest.fixture
def fake(tmp_path: Path) -> FakeJets:
    return two_processes(tmp_path, ("standard", "flow-matching"))


def test_scores(fake: FakeJets) -> None:
    settings = fake.settings(trained_on="qcd")
    figure, rows = score_distribution(fake.files, settings)
    assert legend_of(figure.axes[0]) == ["QCD", "top", "diffusion", "flow matching"]
    (axes,) = figure.axes
    assert axes.get_xlabel() == "anomaly score (eq. 7) [nats]"
    assert axes.get_title(loc="left") or axes.texts
    assert len(rows) == 2 * 2 * BINS
    own = [row for row in rows if (row["loss"], row["process"]) == ("standard", "qcd")]
    width = own[0]["bin_high"] - own[0]["bin_low"]
    inside = sum(row["density"] for row in own) * width
    reader = PartReader(fake.files["scores"], fake.files["inputs"], WINDOW)
    score = reader.read(fake.runs[0], "test").score
    low, high = own[0]["bin_low"], own[-1]["bin_high"]
    assert inside == pytest.approx(((score >= low) & (score < high)).mean())
    assert all(row["density_error"] >= 0 for row in rows)
    assert {row["measure"] for row in rows} == {"paper"}


def test_log_likelihoods(fake: FakeJets) -> None:
    figure, rows = nll_distribution(fake.files, fake.settings())
    assert len(figure.axes) == 2
    assert {row["trained_on"] for row in rows} == set(PROCESSES)
    assert "[nats]" in figure.axes[0].get_xlabel()


def test_permutations(fake: FakeJets) -> None:
    figure, rows = permutations(fake.files, fake.settings(trained_on="qcd"))
    assert legend_of(figure.axes[0]) == ["QCD: spread 0.2 nats", "top: spread 0.2 nats"]
    assert [row["nll_particles"] for row in rows if row["process"] == "qcd"] == [1.0, 1.25, 1.0]
    assert {row["loss"] for row in rows} == {"standard"}
