"""Where the jets come from."""

from pathlib import Path

import pytest
from made_up_jets import random_jets

from hepdensity.files import write_json
from hepdensity.ingest.jet_file import JetWriter
from hepdensity.physics.constituents import JetForm
from hepdensity.studies.jets.evaluation.jet_table import jet_table


def test_rows(tmp_path: Path) -> None:
    form = JetForm(10)
    jets = random_jets(30, 1, form)
    with JetWriter(tmp_path / "qcd.h5", {}, form) as writer:
        writer.append(jets)
    counts = {"read": 40, "kept": 30, "outside the window": 10, "not finite": 0}
    write_json(tmp_path / "qcd.json", {"jets": 30, "counts": counts, "generated": 99})
    files = {"jets": [tmp_path / "qcd.h5"], "records": [tmp_path / "qcd.json"]}
    (row,) = jet_table(files, {"processes": ["qcd"]})
    assert (row["process"], row["jets"], row["generated"]) == ("qcd", 30, 99)
    assert row["left_out"] == "outside the window: 10"
    assert row["mean_constituents"] == pytest.approx(jets.jet[:, 4].mean())
    assert row["full"] == pytest.approx((jets.jet[:, 4] == 10).mean())
    assert row["unmatched"] is None
