"""Spectra: compare the tables of the figures with independent calculations."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_samples import LOOKS, fake_run, write_events_as_samples

from hepdensity.files import write_json
from hepdensity.ingest.event_file import write_events
from hepdensity.physics.events import Events, invariant_mass
from hepdensity.physics.phase_space import rambo
from hepdensity.studies.gluino.evaluation.samples import sampled_events
from hepdensity.studies.gluino.plotting.spectra import (
    Sample,
    digluino_mass,
    digluino_mass_figure,
    energy_figure,
    gluino_energy,
)

DRAWN = 2500


def momenta(n: int, seed: int) -> np.ndarray:
    return rambo(n, 4, 3000.0, 607.7137, torch.Generator().manual_seed(seed))[0].numpy()


def sample(model: str, n_train: int = 5000, seed: int = 1) -> Sample:
    """2,000 events from 2,500 samples; the rest are unphysical."""
    events = Events(momenta(2000, seed), 3000.0, 607.7137, "model", drawn=DRAWN)
    return Sample.of_events(events, fake_run(model, model, "angles", n_train=n_train))


TRUTH = momenta(3000, 99)
MODELS = ("none", "stochastic", "sort")


def column(rows: list[dict[str, Any]], name: str, **labels: Any) -> np.ndarray:
    return np.array(
        [row[name] for row in rows if all(row[key] == value for key, value in labels.items())]
    )


def test_energy_table() -> None:
    samples = [sample(model, seed=i) for i, model in enumerate(MODELS)]
    figure, rows = energy_figure(samples, TRUTH)
    assert len(rows) == 3 * 4 * 50
    for one in samples:
        for gluino in range(4):
            labels = {"model": one.model, "gluino": gluino + 1}
            counts, edges = np.histogram(one.momenta[:, gluino, 0], 50, (601, 999))
            width = edges[1] - edges[0]
            np.testing.assert_allclose(column(rows, "energy_low", **labels), edges[:-1])
            np.testing.assert_allclose(column(rows, "energy_high", **labels), edges[1:])
            np.testing.assert_allclose(column(rows, "density", **labels), counts / DRAWN / width)
            errors = np.sqrt(counts) / DRAWN / width
            np.testing.assert_allclose(column(rows, "density_error", **labels), errors)
    truth = np.histogram(TRUTH[:, :, 0], 50, (601, 999))[0] / (4 * 3000) / width
    found = column(rows, "truth", model="sort", gluino=2)
    np.testing.assert_allclose(found, truth)
    known = truth > 0
    ratio = column(rows, "ratio", model="sort", gluino=2)
    density = column(rows, "density", model="sort", gluino=2)
    np.testing.assert_allclose(ratio[known].astype(float), density[known] / truth[known])
    assert len(figure.axes) == 6


def test_mass_table() -> None:
    samples = [sample(model, n, n // 1000) for model in MODELS for n in (5000, 50000)]
    figure, rows = digluino_mass_figure(samples, TRUTH)
    assert len(rows) == 3 * 2 * 50
    for one in samples:
        labels = {"model": one.model, "n_train": one.n_train}
        pair = one.momenta[:, 0] + one.momenta[:, 1]
        mass = np.sqrt(pair[:, 0] ** 2 - (pair[:, 1:] ** 2).sum(axis=1))
        counts = np.histogram(mass, 50, (1220, 1770))[0]
        density = column(rows, "density", **labels)
        np.testing.assert_allclose(density, counts / DRAWN / 11.0)
        assert density.sum() * 11.0 < len(one.momenta) / DRAWN + 1e-12
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == [
        "no permutation",
        "stochastic permutation",
        "sort surjection",
    ]


def test_truth_of_masses_is_pooled_over_pairs() -> None:
    _, rows = digluino_mass_figure([sample("none")], TRUTH)
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    masses = np.concatenate([invariant_mass(TRUTH[:, i] + TRUTH[:, j]) for i, j in pairs])
    expected = np.histogram(masses, 50, (1220, 1770))[0] / (6 * 3000) / 11.0
    np.testing.assert_allclose(column(rows, "truth"), expected)


def test_masses_of_opposite_pairs() -> None:
    """Back to back pairs: s = m12^2 + m34^2 + 2 (E12 E34 + p12^2)."""
    one, other = (invariant_mass(TRUTH[:, i] + TRUTH[:, i + 1]) for i in (0, 2))
    energy = TRUTH[:, 0, 0] + TRUTH[:, 1, 0]
    momentum = np.sqrt(energy**2 - one**2)
    np.testing.assert_allclose(energy + np.sqrt(other**2 + momentum**2), 3000.0, rtol=1e-9)


def test_note_and_unphysical_fraction_are_on_the_figure() -> None:
    figure, _ = energy_figure([sample("none")], TRUTH, "quick preset, not converged")
    assert figure.get_suptitle() == "quick preset, not converged"
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "5k events, 20 % unphysical"


@pytest.mark.parametrize(
    ("draw", "figure"),
    [(gluino_energy, energy_figure), (digluino_mass, digluino_mass_figure)],
    ids=["energy", "mass"],
)
def test_figures_of_the_rules(tmp_path: Path, draw: Any, figure: Any) -> None:
    events = Events(momenta(200, 1), 3000.0, 607.7137, "model", drawn=250)
    run = fake_run("none", "none", "angles")
    write_events_as_samples(tmp_path / "s.h5", events)
    write_events(tmp_path / "e.h5", Events(TRUTH, 3000.0, 607.7137, "embedded"), {})
    write_json(tmp_path / "t.json", {"ended_by": "validations"})
    files = {
        "samples": [tmp_path / "s.h5"],
        "summaries": [tmp_path / "t.json"],
        "events": tmp_path / "e.h5",
    }
    drawn, rows = draw(files, {"runs": [run], "preset": "quick"})
    assert drawn.get_suptitle() == ""
    kept = Sample.of_events(sampled_events(tmp_path / "s.h5"), run)
    np.testing.assert_allclose(kept.momenta, events.momenta, rtol=1e-6, atol=1e-4)
    assert kept.drawn == 250
    assert rows == figure([kept], TRUTH)[1]


def test_sample_of_events() -> None:
    events = Events(momenta(10, 1), 3000.0, 607.7137, "model", drawn=16)
    run = fake_run("sort", "sort", "angles", seed=2)
    one = Sample.of_events(events, run)
    assert (one.model, one.n_train, one.seed, one.drawn) == ("sort", 5000, 2, 16)
    assert one.unphysical == pytest.approx(6 / 16)
    assert one.look == LOOKS["sort"][0]
    with pytest.raises(ValueError, match="sort: the number of samples drawn is unknown"):
        Sample.of_events(Events(momenta(10, 1), 3000.0, 607.7137, "model"), run)
