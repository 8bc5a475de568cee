"""Tables 1 and 2: columns, values by other means, published values, failed solves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_jets import WINDOW, FakeJets, factors, rows_of, two_processes
from sklearn.metrics import roc_auc_score

from hepdensity.evaluation.anomaly import signal_improvement_curve
from hepdensity.evaluation.scores import Scores, write_group_scores
from hepdensity.studies.jets.evaluation.parts import PartReader
from hepdensity.studies.jets.evaluation.tables import table1, table2

ORDERED = [
    *("auc", "auc_low", "auc_high", "max_sic", "max_sic_low", "max_sic_high"),
    *("max_sic_paper_definition", "density_ratio_auc", "density_ratio_auc_error"),
    *("classifier_auc", "classifier_auc_error", "jets"),
]


def auc(background: np.ndarray, signal: np.ndarray) -> float:
    labels = np.r_[np.zeros(len(background)), np.ones(len(signal))]
    return float(roc_auc_score(labels, np.r_[background, signal]))


def test_values(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    qcd, top = table1(fake.files, fake.settings())
    names = ["trained_on", "family", "loss", "background", "signal", "seed"]
    assert [qcd[name] for name in names] == ["qcd", "diffusion", "standard", "qcd", "top", 1]
    assert [name for name in qcd if name in ORDERED] == ORDERED
    reader = PartReader(fake.files["scores"], fake.files["inputs"], WINDOW)
    background, signal = (reader.read(fake.runs[0], name) for name in ("test", "top"))
    assert qcd["auc"] == pytest.approx(auc(background.score, signal.score))
    assert qcd["auc_low"] < qcd["auc"] < qcd["auc_high"]
    curve = signal_improvement_curve(background.score, signal.score, 20)
    assert qcd["max_sic"] == curve.max_sic
    assert qcd["max_sic_paper_definition"] == curve.max_sic_anywhere
    other = [reader.read(fake.runs[1], name) for name in ("qcd", "test")]
    ratios = [a.nll - b.nll for a, b in zip((background, signal), other, strict=True)]
    assert qcd["density_ratio_auc"] == pytest.approx(auc(*ratios))
    assert top["density_ratio_auc"] == pytest.approx(qcd["density_ratio_auc"])
    for part in ("jet", "particles"):
        parts = [
            getattr(b, part) - getattr(a, part)
            for a, b in zip((background, signal), other, strict=True)
        ]
        assert qcd[f"density_ratio_{part}_auc"] == pytest.approx(auc(*parts))
    assert (qcd["jets"], qcd["signal_jets"], qcd["not_finite"]) == (120, 90, 0)
    assert qcd["classifier_auc"] is None
    assert qcd["measure"] == "paper"


def test_published_values_belong_to_a_loss(tmp_path: Path) -> None:
    fake = two_processes(tmp_path, ("standard", "flow-matching"))
    rows = table1(fake.files, fake.settings())
    told = {(row["trained_on"], row["loss"]): row["published_auc"] for row in rows}
    assert told["qcd", "standard"] == 0.875
    assert told["top", "standard"] == 0.937
    assert told["qcd", "flow-matching"] is None
    assert rows[0]["family"] == "diffusion"
    assert rows[2]["family"] == "flow-matching"
    hidden = table1(fake.files, fake.settings(published=False))
    assert {row["published_auc"] for row in hidden} == {None}


def test_classifier(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    random = np.random.default_rng(5)
    odds = {"qcd": random.normal(0, 1, 120), "top": random.normal(1, 1, 90)}
    path = tmp_path / "classifier.h5"
    scores = {name: Scores({"log_odds": values}, {}) for name, values in odds.items()}
    write_group_scores(path, scores, {})
    fake.files["classifiers"].append(str(path))
    settings = fake.settings(classifiers=[{"dataset": "qcd-vs-top", "model": "classifier"}])
    qcd, top = table1(fake.files, settings)
    assert qcd["classifier_auc"] == top["classifier_auc"] == pytest.approx(auc(*odds.values()))
    assert qcd["classifier_auc_error"] > 0


def test_jets_without_a_value_are_the_most_anomalous(tmp_path: Path) -> None:
    fake = FakeJets(tmp_path)
    rows = {"qcd": rows_of(80, 1), "top": rows_of(60, 2)}
    fake.add_inputs("qcd", {"test": rows["qcd"], "top": rows["top"]})
    failed = factors(60, 3)
    failed["particles"][:30] = np.nan
    fake.add_run("qcd", {"test": factors(80, 2), "top": failed})
    (row,) = table1(fake.files, fake.settings())
    assert row["not_finite"] == 30
    assert row["density_ratio_auc"] is None
    reader = PartReader(fake.files["scores"], fake.files["inputs"], WINDOW)
    background, signal = (reader.read(fake.runs[0], name) for name in ("test", "top"))
    score = np.where(signal.finite, signal.score, 1e9)
    assert row["auc"] == pytest.approx(auc(background.score, score))


def test_dark_showers(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    rows: list[dict[str, Any]] = table2(fake.files, fake.settings(dark="top"))
    assert [(row["trained_on"], row["signal"]) for row in rows] == [("qcd", "top")]
    assert "classifier_auc" not in rows[0]
    assert rows[0]["published_auc"] is None
    assert rows[0]["auc"] == table1(fake.files, fake.settings())[0]["auc"]
