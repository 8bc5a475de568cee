"""Densities of two and four gluinos."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_samples import CONSTANTS, fake_run, flat_angles, write_columns

from hepdensity.evaluation.runs import EvaluatedRun
from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.files import write_json
from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.events import SampleYield
from hepdensity.physics.gluino import Normalisation, TrueDensity, compute_normalisation
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.evaluation.multiplicity import (
    conditional_true_scores,
    members,
    multiplicity_rows,
    multiplicity_table,
    multiplicity_truth_rows,
    p_four_row,
    p_four_table,
)

SQRT_S, MASS = 3000.0, 607.7137
SUMMARY = {"steps": 10, "ended_by": "steps", "train_seconds": 1.5, "parameters": 7}


@pytest.fixture
def mixed(generator: torch.Generator) -> np.ndarray:
    """Angles of six events; the third and the last have two gluinos."""
    momenta, _ = rambo(6, 4, SQRT_S, MASS, generator)
    angles = momenta_to_angles(momenta).numpy()
    angles[[2, 5], 2:] = np.nan
    return angles


def test_events_are_told_apart(mixed: np.ndarray) -> None:
    found = members(mixed)
    assert list(found["four_gluino"]) == [True, True, False, True, True, False]
    assert (found["two_gluino"] == ~found["four_gluino"]).all()


@pytest.mark.parametrize("columns", [slice(4, 8), slice(0, 8), slice(0, 1)])
def test_events_of_another_multiplicity_are_named(mixed: np.ndarray, columns: slice) -> None:
    mixed[3, columns] = np.nan
    with pytest.raises(ValueError, match=r"event 4 has \d angles"):
        members(mixed)


def test_truth_is_that_of_each_process(mixed: np.ndarray) -> None:
    sizes = {"four_gluino": 4, "two_gluino": 2}
    norms = {
        name: Normalisation(3.0 - size, 1e-3 * size, 10, size, SQRT_S, MASS)
        for name, size in sizes.items()
    }
    norms["four_gluino"] = Normalisation(5.0, 4e-3, 10, 4, SQRT_S, MASS)
    couplings = np.where(np.isnan(mixed[:, -1]), 0.1, np.linspace(0.08, 0.09, 6))
    scores = conditional_true_scores(mixed, couplings, mixed, couplings, norms)
    four = ~np.isnan(mixed[:, -1])
    expected = np.empty(6)
    for rows, columns, size in ((four, 8, 4), (~four, 2, 2)):
        density = TrueDensity(SQRT_S, MASS, norms[f"{'two' if size == 2 else 'four'}_gluino"])
        angles = torch.from_numpy(mixed[rows, :columns])
        inverse = (couplings[rows] ** -float(size)).mean()
        term = size * np.log(couplings[rows]) + np.log(inverse)
        expected[rows] = density.log_prob(angles).numpy() + term
    np.testing.assert_allclose(scores.arrays["log_prob"], expected)
    rows_by_process = {row["process"]: row for row in multiplicity_truth_rows(scores, mixed)}
    assert {name: row["events"] for name, row in rows_by_process.items()} == {
        "four_gluino": 4,
        "two_gluino": 2,
    }
    assert rows_by_process["two_gluino"]["normalisation_error"] == pytest.approx(2e-3)
    value = rows_by_process["two_gluino"]["log_likelihood_truth"]
    assert value == pytest.approx(expected[~four].mean())


def test_two_gluino_density_is_normalised() -> None:
    norm = compute_normalisation(SQRT_S, MASS, points=4_000, seed=3, n_out=2)
    centres = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    grid = torch.stack((centres, torch.full_like(centres, 0.3)), dim=1)
    density = TrueDensity(SQRT_S, MASS, norm).log_prob(grid).exp()
    assert abs(float(density.mean()) - 1) < 4 * norm.error


def test_rows_are_conditional_on_the_multiplicity(mixed: np.ndarray) -> None:
    four = ~np.isnan(mixed[:, -1])
    log_sets = [math.log(0.01), math.log(0.99)]
    log_share = np.where(four, *log_sets)
    values = np.arange(6.0)
    arrays = {
        "log_likelihood": values - 1 + log_share,
        "log_likelihood_tight": values + log_share,
    }
    run = EvaluatedRun(
        {
            **{"model": "dropout-balanced-sort", "n_train": 5, "seed": 1},
            **{"objective": [0.3, 0.7], "permutation": "sort", "family": "paper"},
        },
        Scores(arrays, {"exact": True, "log_p_sets": log_sets}),
        SUMMARY,
        (SampleYield(10, 5), SampleYield(10, 10)),
    )
    rows = multiplicity_rows([run], mixed, Scores({"log_prob": values + 0.5}, {}))
    assert [row["process"] for row in rows] == ["four_gluino", "two_gluino"]
    assert {row["objective"] for row in rows} == {"0.3, 0.7"}
    assert [row["events"] for row in rows] == [4, 2]
    assert {(row["exact"], row["draws"]) for row in rows} == {(True, None)}
    assert [row["log_likelihood_exact"] for row in rows] == pytest.approx([2.0, 3.5])
    assert [row["log_likelihood"] for row in rows] == pytest.approx([1.0, 2.5])
    assert [row["kl_to_truth"] for row in rows] == pytest.approx([0.5, 0.5])
    assert [row["unphysical_fraction"] for row in rows] == [0.5, 0.0]
    for row in multiplicity_rows([run], mixed, None):
        assert row["kl_to_truth"] is None and row["log_likelihood_truth"] is None


def test_bounds_are_of_the_first_events(mixed: np.ndarray) -> None:
    """Events 3 and 6 have two gluinos; a bound for the first five events includes only one."""
    log_sets = [math.log(0.01), math.log(0.99)]
    log_share = np.where(~np.isnan(mixed[:, -1]), *log_sets)
    values = np.arange(6.0)
    arrays = {
        "log_likelihood": values - 1 + log_share,
        "log_likelihood_tight": (values + log_share)[:5],
    }
    run = EvaluatedRun(
        {"model": "mine", "n_train": 5, "seed": 1, "objective": None, "permutation": None},
        Scores(arrays, {"exact": False, "draws": [1, 4], "log_p_sets": log_sets}),
        SUMMARY,
        (SampleYield(10, 5), SampleYield(10, 10)),
    )
    four, two = multiplicity_rows([run], mixed, Scores({"log_prob": values + 0.5}, {}))
    assert [(row["exact"], row["draws"]) for row in (four, two)] == [(False, 4)] * 2
    assert [row["events"] for row in (four, two)] == [4, 1]
    assert four["log_likelihood_exact"] == pytest.approx(2.0)
    assert four["log_likelihood"] == pytest.approx(1.0)
    assert four["log_likelihood_truth"] == pytest.approx(2.5)
    assert four["kl_to_truth"] == pytest.approx(0.5)
    # One event has no spread.
    assert two["log_likelihood_exact"] is None and two["kl_to_truth"] is None


def test_table_of_the_rule(mixed: np.ndarray, tmp_path: Path) -> None:
    log_sets = [math.log(0.01), math.log(0.99)]
    scores = Scores(
        {"log_likelihood": np.zeros(6), "log_likelihood_tight": np.ones(6)},
        {"exact": True, "log_p_sets": log_sets},
    )
    write_scores(tmp_path / "s.h5", scores, {})
    write_json(tmp_path / "t.json", SUMMARY)
    layout = layouts.multiplicity(0.01, constants=CONSTANTS)
    two = np.where(np.arange(8) < 2, 0.5, np.nan)
    four = np.concatenate((flat_angles(3, 1), np.full((1, 8), 0.5)))
    write_columns(tmp_path / "four.h5", four, 4, layout)
    write_columns(tmp_path / "two.h5", np.tile(two, (4, 1)), 4, layout)
    with InputsWriter(tmp_path / "inputs.h5", layout, {}) as writer:
        writer.write("test", 6, 0, mixed)
    files = {
        **{"scores": [tmp_path / "s.h5"], "summaries": [tmp_path / "t.json"]},
        **{"four_gluino": [tmp_path / "four.h5"], "two_gluino": [tmp_path / "two.h5"]},
        "inputs": tmp_path / "inputs.h5",
    }
    run = fake_run("dropout-balanced-sort", "sort", "multiplicity")
    rows = multiplicity_table(files, {"runs": [run]})
    yields = (SampleYield(4, 3), SampleYield(4, 4))
    expected = multiplicity_rows([EvaluatedRun(run, scores, SUMMARY, yields)], mixed, None)
    assert rows == expected


def test_share_of_the_rule(tmp_path: Path) -> None:
    one = {"process": "four_gluino", "cross_section": 1.0, "cross_section_error": 0.1}
    write_json(tmp_path / "four.json", one)
    files = {"summaries": [tmp_path / "four.json"]}
    assert p_four_table(files, {"p_four": 0.5}) == [p_four_row(0.5, [one])]


def test_share_from_cross_sections() -> None:
    summaries: list[dict[str, Any]] = [
        {"process": "two_gluino", "cross_section": 3.0, "cross_section_error": 0.3},
        {"process": "four_gluino", "cross_section": 1.0, "cross_section_error": 0.0},
    ]
    row = p_four_row(4e-5, summaries)
    assert row["p_four_setting"] == 4e-5
    assert row["p_four_events"] == pytest.approx(0.25)
    # d p / d two = -four / (four + two)^2
    assert row["p_four_events_error"] == pytest.approx(0.3 / 16)
    assert row["cross_section_two_gluino_pb"] == 3.0


@pytest.mark.parametrize("known", [[], ["four_gluino"]], ids=["none", "one"])
def test_unknown_cross_sections_leave_the_share_open(known: list[str]) -> None:
    summaries: list[dict[str, Any]] = [
        {"process": "two_gluino", "cross_section": None, "cross_section_error": None},
        *({"process": name, "cross_section": 1.0, "cross_section_error": 0.1} for name in known),
    ]
    row = p_four_row(4e-5, summaries)
    assert row["p_four_events"] is None and row["p_four_events_error"] is None
