"""Figures 3 and 5: curves with bands, and the rows of their tables."""

from pathlib import Path

import numpy as np
import pytest
from fake_jets import FakeJets, legend_of, two_processes

from hepdensity.evaluation.scores import Scores, write_group_scores
from hepdensity.studies.jets.evaluation.tables import BAND, table1
from hepdensity.studies.jets.plotting.curves import roc_curves, sic_curves


@pytest.fixture
def fake(tmp_path: Path) -> FakeJets:
    found = two_processes(tmp_path, ("standard", "flow-matching"))
    random = np.random.default_rng(1)
    odds = {"qcd": random.normal(0, 1, 120), "top": random.normal(1, 1, 90)}
    path = tmp_path / "classifier.h5"
    write_group_scores(path, {k: Scores({"log_odds": v}, {}) for k, v in odds.items()}, {})
    found.files["classifiers"].append(str(path))
    return found


CLASSIFIER = {
    **{"dataset": "qcd-vs-top", "model": "classifier", "objective": None},
    **{"n_train": 100, "seed": 1},
}


def test_sic(fake: FakeJets) -> None:
    figure, rows = sic_curves(fake.files, fake.settings())
    assert len(figure.axes) == 2
    assert len(rows) == 4 * len(BAND)
    first = [row for row in rows if row["trained_on"] == "qcd" and row["loss"] == "standard"]
    assert [row["eps_b"] for row in first] == pytest.approx(BAND.tolist())
    assert all(row["eps_s_low"] <= row["eps_s_high"] for row in first)
    enough = [row["enough_background"] for row in first]
    assert enough == sorted(enough)
    least = min(row["eps_b"] for row in first if row["enough_background"])
    assert least * 120 == pytest.approx(20, rel=0.2)
    drawn = np.array(figure.axes[0].lines[0].get_xydata(), dtype=float)
    assert drawn[:, 0].min() * 120 == pytest.approx(20)
    maximum = table1(fake.files, fake.settings())[0]["max_sic"]
    assert drawn[:, 1].max() == pytest.approx(maximum)


def test_roc(fake: FakeJets) -> None:
    figure, rows = roc_curves(fake.files, fake.settings(classifiers=[CLASSIFIER]))
    left, right = figure.axes
    texts = legend_of(left)
    area = table1(fake.files, fake.settings())[0]["auc"]
    assert texts[0].startswith(f"QCD vs. top: {area:.3f} ± 0.0")
    assert len(texts) == 2
    names = [text.split(":")[0] for text in legend_of(right)]
    assert names == ["ratio, diffusion", "ratio, flow matching", "classifier"]
    assert {row["score"] for row in rows} == {"eq. 7", "density ratio", "classifier"}


def test_roc_of_one_process(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    only = fake.settings(runs=fake.runs[:1])
    figure, rows = roc_curves({**fake.files, "summaries": fake.files["summaries"][:1]}, only)
    assert figure.axes[1].lines[:] == []
    assert {row["score"] for row in rows} == {"eq. 7"}
