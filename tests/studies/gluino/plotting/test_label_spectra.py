"""Spectra by label: compare the tables with independent histograms."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_samples import (
    fake_run,
    labelled_events,
    labelled_sample,
    write_events_as_samples,
)

from hepdensity.files import write_json
from hepdensity.ingest.event_file import write_events
from hepdensity.physics.events import Events
from hepdensity.plotting.histograms import Binning, binned_entries
from hepdensity.studies.gluino.plotting.label_spectra import (
    COLOUR_ORDERS,
    HELICITIES,
    delta_psi,
    delta_psi_by_helicity,
    delta_psi_by_helicity_figure,
    energy_by_colour,
    energy_by_colour_figure,
)
from hepdensity.studies.gluino.plotting.labelled_samples import read_labelled_samples, select

TRUTH = labelled_events(4000, 9, "embedded")
SAMPLES = [
    labelled_sample("stochastic", "mixture-likelihood"),
    labelled_sample("sort", "classifier"),
    labelled_sample(None, "phase-space-labels"),
    labelled_sample("none", "mine"),
]


def column(rows: list[dict[str, Any]], name: str, **labels: Any) -> np.ndarray:
    found = [row[name] for row in rows if all(row[key] == labels[key] for key in labels)]
    return np.array(found, dtype=float)


def histogram(
    events: Events, one: Any, values: Any, binning: tuple[float, float], symmetric: bool
) -> np.ndarray:
    selection = select(events, one, symmetric)
    counts, edges = np.histogram(values(selection.momenta(events)), 25, binning)
    return counts / (len(events) * (24 if symmetric else 1)) / np.diff(edges)


FIGURES = [
    (energy_by_colour_figure, COLOUR_ORDERS, "energy", lambda p: p[:, 0, 0], (601.0, 950.0)),
    (delta_psi_by_helicity_figure, HELICITIES, "delta_psi", delta_psi, (0.0, np.pi)),
]


@pytest.mark.parametrize(
    ("figure", "configurations", "name", "values", "binning"), FIGURES, ids=["energy", "angle"]
)
def test_table(figure: Any, configurations: Any, name: str, values: Any, binning: Any) -> None:
    _, rows = figure(SAMPLES, TRUTH)
    assert len(rows) == len(SAMPLES) * 3 * 25
    for one in configurations:
        truth = histogram(TRUTH, one, values, binning, symmetric=True)
        for sample in SAMPLES:
            labels = {"model": sample.model, "configuration": one.name}
            density = histogram(sample.events, one, values, binning, sample.symmetric)
            np.testing.assert_allclose(column(rows, "density", **labels), density)
            np.testing.assert_allclose(column(rows, "truth", **labels), truth)
            edges = np.linspace(binning[0], binning[1], 26)
            np.testing.assert_allclose(column(rows, f"{name}_low", **labels), edges[:-1])
            np.testing.assert_allclose(column(rows, f"{name}_high", **labels), edges[1:])
            with np.errstate(all="ignore"):
                ratio = np.where(truth > 0, density / truth, np.nan)
            np.testing.assert_allclose(column(rows, "ratio", **labels), ratio)


def test_densities_integrate_to_the_fraction_of_events() -> None:
    _, rows = delta_psi_by_helicity_figure(SAMPLES[:1], TRUTH)
    for one in HELICITIES:
        labels = {"configuration": one.name}
        fraction, _ = select(SAMPLES[0].events, one).fraction()
        assert column(rows, "density", **labels).sum() * np.pi / 25 == pytest.approx(fraction)


def test_error_is_that_of_repeated_experiments() -> None:
    """Relabelled copies of an event are correlated; the event is the unit."""
    densities, errors = [], []
    for i in range(300):
        events = labelled_events(60, 20 + i)
        chosen = select(events, HELICITIES[0])
        values = chosen.momenta(events)[:, 0, 0]
        norm = chosen.events * chosen.relabellings
        density = binned_entries(values, chosen.owner, Binning(5, 601.0, 950.0), norm)
        densities.append(density.density)
        errors.append(density.error)
    variance, expected = np.var(densities, axis=0, ddof=1), np.mean(np.square(errors), axis=0)
    np.testing.assert_allclose(variance, expected, rtol=4 * np.sqrt(2 / 300) + 0.05)


def test_delta_psi_of_known_planes() -> None:
    """Gluinos 1 and 2 in the x-y plane, and gluino 3 rotated about their sum by an angle."""
    momenta = np.zeros((3, 4, 4))
    momenta[:, 0, 1:], momenta[:, 1, 1:] = [1, -1, 0], [1, 1, 0]
    angles = np.array([0.0, 1.0, np.pi])
    momenta[:, 2, 2], momenta[:, 2, 3] = np.cos(angles), np.sin(angles)
    np.testing.assert_allclose(delta_psi(momenta), angles, atol=1e-12)


def test_panels() -> None:
    figure, _ = energy_by_colour_figure(SAMPLES[:3], TRUTH, "quick preset, not converged")
    assert len(figure.axes) == 2 * 2 * 3
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == [
        "colour trace a2b314",
        "colour trace a12b34",
        "colour trace a1b234",
    ]
    assert [figure.axes[i].texts[0].get_text() for i in (2, 8)] == [
        "stochastic permutation",
        "sort surjection",
    ]
    assert figure.get_suptitle() == "quick preset, not converged"
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts.count("phase space, labels (ours), 20 % unphysical, 5 % invalid") == 2
    assert texts.count("classifier, 20 % unphysical, 5 % invalid") == 1


def test_no_event_has_the_label() -> None:
    events = labelled_events(3, 1, drawn=3)
    sample = labelled_sample("none", "mine", events=events)
    _, rows = energy_by_colour_figure([sample], labelled_events(1, 2, "embedded"))
    assert all(row["ratio"] is None or row["truth"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("draw", "figure"),
    [
        (energy_by_colour, energy_by_colour_figure),
        (delta_psi_by_helicity, delta_psi_by_helicity_figure),
    ],
    ids=["energy", "angle"],
)
def test_figures_of_the_rules(tmp_path: Path, draw: Any, figure: Any) -> None:
    runs = [fake_run("classifier-sort", "sort", "labels")]
    events = labelled_events(300, 1, drawn=400)
    write_events_as_samples(tmp_path / "s.h5", events, invalid=20)
    write_events(tmp_path / "e.h5", TRUTH, {})
    write_json(tmp_path / "t.json", {"ended_by": "validations"})
    files: dict[str, Any] = {
        "samples": [tmp_path / "s.h5"],
        "summaries": [tmp_path / "t.json"],
        "events": tmp_path / "e.h5",
    }
    drawn, rows = draw(files, {"runs": runs, "preset": "quick"})
    assert drawn.get_suptitle() == ""
    assert rows == figure(read_labelled_samples(files["samples"], runs), TRUTH)[1]
    assert {row["invalid_fraction"] for row in rows} == {0.05}
