"""Objects of an inputs file, in GeV again."""

from pathlib import Path

import numpy as np
import pytest
from fake_channels import events, layout, write_inputs

from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.objects import B_JET, JET, PHOTON
from hepdensity.studies.darkmachines.evaluation.objects import (
    Measure,
    read_objects,
    read_optional,
)
from hepdensity.studies.darkmachines.layouts import layout_of

NAN = np.nan


def test_columns_become_objects(tmp_path: Path) -> None:
    """One event: a jet of 100 GeV and a photon of 50 GeV, in the order of a file."""
    row = [np.log(200), 0.5, np.log(50), np.log(60), 0.1, 1.0, np.log(100), np.log(150), -0.5, 2.0]
    rows = np.array([[*row, *[NAN] * 4, 6, 0, NAN]])
    path = write_inputs(tmp_path / "1-file3.h5", {"test": rows}, 3)
    found = read_objects(path, "test")
    assert found.type.tolist() == [[JET, PHOTON, 0]]
    assert found.pt == pytest.approx(np.array([[100.0, 50.0, 0.0]]))
    assert found.energy == pytest.approx(np.array([[150.0, 60.0, 0.0]]))
    assert found.eta.tolist() == [[-0.5, 0.1, 0.0]]
    assert found.phi.tolist() == [[2.0, 1.0, 0.0]]
    assert (found.met.tolist(), found.met_phi.tolist()) == ([pytest.approx(200.0)], [0.5])
    assert found.ht.tolist() == [pytest.approx(100.0)]
    assert Measure(pt=1).log_volume(path, "test") == pytest.approx([np.log(50 * 100)])
    both = Measure(pt=2, met=1, scale=10).log_volume(path, "test")
    assert both == pytest.approx([np.log((50 * 100 / 100) ** 2 * 200 / 10)])
    assert Measure().log_volume(path, "test").tolist() == [0.0]
    assert found.present.sum() == len(found) + 1


def test_energies_follow_from_masses(tmp_path: Path) -> None:
    """Only jets have masses of their own."""
    row = [np.log(200), 0.5, np.log(100), np.log(30), 1.0, 0.0, np.log(50), np.log(9), 0.0, 0.0]
    with InputsWriter(tmp_path / "i.h5", layout(2, "log_mass"), {}) as writer:
        writer.write("test", 1, 0, np.array([[*row, B_JET - 1, PHOTON - 1]]))
    energy = read_objects(tmp_path / "i.h5", "test").energy
    assert energy == pytest.approx(np.array([[np.hypot(100 * np.cosh(1), 30), 50.0]]))


def test_objects_of_the_view_without_energies(tmp_path: Path) -> None:
    """They have no mass, and azimuths are relative to the direction opposite to MET."""
    row = [np.log(200), np.log(100), 1.0, 0.5, np.log(50), 0.0, -0.5, B_JET - 1, PHOTON - 1]
    with InputsWriter(tmp_path / "i.h5", layout_of("momentum", 2), {}) as writer:
        writer.write("test", 1, 0, np.array([row]))
    found = read_objects(tmp_path / "i.h5", "test")
    assert found.energy == pytest.approx(np.array([[100 * np.cosh(1), 50.0]]))
    assert (found.phi.tolist(), found.met_phi.tolist()) == ([[0.5, -0.5]], [np.pi])


def test_arrays_that_may_be_missing(tmp_path: Path) -> None:
    rows = events(np.random.default_rng(1), 5, 3)
    weights = np.arange(5.0)
    arrays = {"test": {"weight": weights}}
    path = write_inputs(tmp_path / "i.h5", {"test": rows, "signal": rows}, 3, arrays)
    found = read_optional(path, "test", "weight")
    assert found is not None and (found == weights).all()
    assert read_optional(path, "signal", "weight") is None
    assert read_optional(path, "nothing", "weight") is None
