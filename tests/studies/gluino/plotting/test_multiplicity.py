"""Figure 7: compare its table with independent histograms, and the fractions of the processes."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_samples import CONSTANTS, fake_run, flat_angles, treatment_look, write_columns
from fake_samples import write_events_as_samples as write_samples

from hepdensity.files import write_json
from hepdensity.ingest.event_file import write_events
from hepdensity.physics.events import Events, invariant_mass
from hepdensity.physics.phase_space import rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.plotting.multiplicity import (
    ProcessSamples,
    read_process_samples,
    varying_dimension,
    varying_dimension_figure,
)

P_FOUR = 4e-5
GLUINOS = {"two_gluino": 2, "four_gluino": 4}


def events(process: str, n: int, seed: int, drawn: int | None = None) -> Events:
    generator = torch.Generator().manual_seed(seed)
    momenta = rambo(n, GLUINOS[process], 3000.0, 607.7137, generator)[0].numpy()
    return Events(momenta, 3000.0, 607.7137, "model" if drawn else "embedded", drawn=drawn)


def samples(objective: str, permutation: str, seed: int) -> ProcessSamples:
    """One in five four-gluino samples is unphysical."""
    drawn = {
        "two_gluino": events("two_gluino", 900, seed, drawn=900),
        "four_gluino": events("four_gluino", 800, seed, drawn=1000),
    }
    model = f"dropout-{objective}-{permutation}"
    look = treatment_look(model)
    return ProcessSamples(model, objective, permutation, 5000, 1, drawn, look)


TRUTH = {process: events(process, 3000, 99) for process in GLUINOS}
SAMPLES = [
    samples(objective, permutation, i)
    for i, (objective, permutation) in enumerate(
        (o, p) for p in ("stochastic", "sort") for o in ("likelihood", "balanced")
    )
]


def column(rows: list[dict[str, Any]], name: str, **labels: Any) -> np.ndarray:
    found = [row[name] for row in rows if all(row[key] == labels[key] for key in labels)]
    return np.array(found, dtype=float)


def transverse(momenta: np.ndarray) -> np.ndarray:
    return np.sqrt(momenta[..., 1] ** 2 + momenta[..., 2] ** 2)


@pytest.mark.parametrize(
    ("process", "share"), [("two_gluino", 1 - P_FOUR), ("four_gluino", P_FOUR)]
)
def test_transverse_momenta(process: str, share: float) -> None:
    _, rows = varying_dimension_figure(SAMPLES, TRUTH, P_FOUR)
    width = (1370 - 0.001) / 50
    for one in SAMPLES:
        labels = {"model": one.model, "process": process, "variable": "pt"}
        own = one.events[process]
        counts, edges = np.histogram(transverse(own.momenta[:, 0]), 50, (0.001, 1370))
        scale = share / own.drawn / width  # type: ignore[operator]
        np.testing.assert_allclose(column(rows, "bin_low", **labels), edges[:-1])
        np.testing.assert_allclose(column(rows, "bin_high", **labels), edges[1:])
        np.testing.assert_allclose(column(rows, "density", **labels), counts * scale)
        np.testing.assert_allclose(column(rows, "density_error", **labels), counts**0.5 * scale)
        pooled = transverse(TRUTH[process].momenta).ravel()
        truth = np.histogram(pooled, 50, (0.001, 1370))[0] * share / len(pooled) / width
        np.testing.assert_allclose(column(rows, "truth", **labels), truth)


def test_masses() -> None:
    _, rows = varying_dimension_figure(SAMPLES, TRUTH, P_FOUR)
    for one in SAMPLES:
        labels = {"model": one.model, "process": "four_gluino", "variable": "mass"}
        momenta = one.events["four_gluino"].momenta
        mass = invariant_mass(momenta[:, 0] + momenta[:, 1])
        counts = np.histogram(mass, 50, (1220, 1770))[0]
        density = counts * P_FOUR / 1000 / 11.0
        np.testing.assert_allclose(column(rows, "density", **labels), density)
    true = TRUTH["four_gluino"].momenta
    pairs = [invariant_mass(true[:, i] + true[:, j]) for i, j in combinations(range(4), 2)]
    truth = np.histogram(np.concatenate(pairs), 50, (1220, 1770))[0] / (6 * 3000) / 11.0
    np.testing.assert_allclose(column(rows, "truth", **labels), truth * P_FOUR)


def test_table_names_the_trainings() -> None:
    _, rows = varying_dimension_figure(SAMPLES, TRUTH, P_FOUR)
    assert len(rows) == 4 * 3 * 50
    named = {(row["model"], row["objective"], row["permutation"]) for row in rows}
    assert named == {
        (f"dropout-{o}-{p}", o, p)
        for o in ("likelihood", "balanced")
        for p in ("stochastic", "sort")
    }


def test_panels() -> None:
    figure, _ = varying_dimension_figure(SAMPLES, TRUTH, P_FOUR, "quick preset, not converged")
    assert len(figure.axes) == 2 * 5
    assert [axes.texts[0].get_text() for axes in figure.axes if axes.texts] == [
        "stochastic permutation",
        "sort surjection",
    ]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts.count("dropout, balanced, 20 % unphysical") == 2
    assert figure.get_suptitle() == "quick preset, not converged"


RUN = fake_run("dropout-balanced-sort", "sort", "multiplicity")


@pytest.mark.parametrize(
    ("objective", "written"),
    [("balanced", "balanced"), ([0.3, 0.7], "0.3, 0.7"), (None, None)],
    ids=["name", "vector", "own model"],
)
def test_read_samples(tmp_path: Path, objective: Any, written: str | None) -> None:
    paths = {process: [tmp_path / f"{process}.h5"] for process in GLUINOS}
    for process, (path,) in paths.items():
        write_samples(path, SAMPLES[0].events[process])
    (one,) = read_process_samples(paths, [{**RUN, "objective": objective}])
    assert (one.model, one.n_train) == ("dropout-balanced-sort", 5000)
    assert one.columns["objective"] == written
    assert {process: own.n_out for process, own in one.events.items()} == GLUINOS
    assert [own.drawn for own in one.events.values()] == [900, 1000]
    assert one.look == treatment_look("dropout-balanced-sort")


def test_files_of_the_wrong_process_are_refused(tmp_path: Path) -> None:
    write_samples(tmp_path / "s.h5", SAMPLES[0].events["two_gluino"])
    paths = {process: [tmp_path / "s.h5"] for process in GLUINOS}
    with pytest.raises(ValueError, match=r"s\.h5: samples of two_gluino, not of four_gluino"):
        read_process_samples(paths, [RUN])


def test_samples_of_both_processes_are_refused(tmp_path: Path) -> None:
    rows = flat_angles(9, 1)
    rows[4, 2:] = np.nan
    layout = layouts.multiplicity(P_FOUR, constants=CONSTANTS)
    write_columns(tmp_path / "s.h5", rows, 9, layout)
    paths = {process: [tmp_path / "s.h5"] for process in GLUINOS}
    with pytest.raises(ValueError, match=r"s\.h5: the events have different numbers of gluinos"):
        read_process_samples(paths, [RUN])


def test_figure_of_the_rule(tmp_path: Path) -> None:
    files: dict[str, Any] = {"summaries": [tmp_path / "training.json"]}
    for process in GLUINOS:
        files[process] = [tmp_path / f"samples_{process}.h5"]
        write_samples(files[process][0], SAMPLES[3].events[process])
        files[f"events_{process}"] = tmp_path / f"{process}.h5"
        write_events(files[f"events_{process}"], TRUTH[process], {})
    write_json(tmp_path / "training.json", {"ended_by": "steps"})
    settings = {"runs": [RUN], "p_four": P_FOUR, "preset": "quick"}
    figure, rows = varying_dimension(files, settings)
    assert figure.get_suptitle() == "quick preset, not converged"
    expected = column(varying_dimension_figure(SAMPLES[3:], TRUTH, P_FOUR)[1], "density")
    # Rounding may move a sample across the edge of a bin.
    different = ~np.isclose(column(rows, "density"), expected)
    assert different.sum() <= 4


def test_two_trainings_of_a_model_are_refused(tmp_path: Path) -> None:
    paths = {process: [tmp_path / "s.h5"] * 2 for process in GLUINOS}
    with pytest.raises(ValueError, match="two trainings of dropout-balanced-sort"):
        read_process_samples(paths, [RUN, RUN])
