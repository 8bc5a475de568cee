"""New files are enough to add a study: a toy study with a known density runs to the report."""

from pathlib import Path

import pytest
from checkouts import Checkout, add_toy, copy_checkout

pytestmark = pytest.mark.workflow


def test_toy_study_runs_from_events_to_the_report(tmp_path: Path) -> None:
    copy_checkout(tmp_path / "checkout")
    add_toy(tmp_path / "checkout")
    (tmp_path / "run").mkdir()
    toy = Checkout(tmp_path / "checkout", tmp_path / "run", {"preset": "smoke", "studies": ["toy"]})
    status, said = toy.run()
    assert status == 0, said[-5000:]
    assert not toy.results(study="gluino").exists(), "a study that is not chosen costs no job"

    with toy.results("tables/log_likelihood.csv", "toy").open() as file:
        names, values = (line.strip().split(",") for line in file)
    row = dict(zip(names, values, strict=True))
    distance, error = float(row["kl_to_truth"]), float(row["kl_to_truth_error"])
    # The untrained flow, a single Gaussian, is 0.4 nats from the mixture of two.
    assert -4 * error < distance < 0.15

    status, said = toy.run("--report", "results/smoke/report.html")
    assert status == 0, said[-5000:]
    report = (toy.directory / "results/smoke/report.html").read_text()
    assert "toy/figures/log_likelihood.png" in report
    assert toy.plan() == {}
