"""The same densities in three measures."""

from pathlib import Path

import pytest
from fake_jets import two_processes

from hepdensity.studies.jets.evaluation.measure import PARTS, measures
from hepdensity.studies.jets.evaluation.tables import table1


def test_rows(tmp_path: Path) -> None:
    fake = two_processes(tmp_path)
    rows = measures(fake.files, fake.settings())
    assert len(rows) == 2 * 3 * len(PARTS)
    found = {(row["dataset"], row["measure"], row["part"]): row["auc"] for row in rows}
    first = table1(fake.files, fake.settings())[0]
    assert found["qcd", "paper", "score of eq. 7"] == pytest.approx(first["auc"])
    whole = {found["qcd", name, "jet and particles"] for name in ("paper", "logit", "physical")}
    assert len(whole) == 3
    # The jet part is the same in the paper's measure and per GeV and rad.
    assert found["qcd", "paper", "jet"] == pytest.approx(found["qcd", "physical", "jet"])
    assert all(row["auc_error"] > 0 and row["not_finite"] == 0 for row in rows)
