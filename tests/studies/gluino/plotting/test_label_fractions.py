"""Fractions of labels: compare the table with counts, and the truth with published values."""

from pathlib import Path
from typing import Any

import h5py
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
from hepdensity.studies.gluino.plotting.label_fractions import (
    COLOUR_ORDERS,
    GROUPS,
    HELICITIES,
    Fractions,
    discrete_marginals,
    discrete_marginals_figure,
    fractions_of,
)
from hepdensity.studies.gluino.plotting.labelled_samples import select

TRUTH = labelled_events(4000, 9, "embedded")
SAMPLES = [labelled_sample("sort", "classifier"), labelled_sample("none", "mine")]


def test_table() -> None:
    _, rows = discrete_marginals_figure(SAMPLES, TRUTH)
    assert len(rows) == 2 * 10
    expected = [(sample, one) for sample in SAMPLES for group in GROUPS.values() for one in group]
    for row, (sample, one) in zip(rows, expected, strict=True):
        assert (row["model"], row["configuration"]) == (sample.model, one.name)
        value, error = select(sample.events, one, sample.symmetric).fraction()
        truth, truth_error = select(TRUTH, one).fraction()
        assert (row["fraction"], row["fraction_error"]) == (value, error)
        assert (row["truth"], row["truth_error"]) == (truth, truth_error)
        assert row["ratio"] == pytest.approx(value / truth)
        assert row["ratio_error"] == pytest.approx(error / truth)


def test_ratio_without_truth() -> None:
    found = Fractions(np.array([0.2, 0.1]), np.array([0.02, 0.01]))
    ratio = found.ratio(Fractions(np.array([0.4, 0.0]), np.zeros(2)))
    np.testing.assert_allclose(ratio.value, [0.5, np.nan])
    np.testing.assert_allclose(ratio.error, [0.05, np.nan])


def test_fractions_of_published_events(shared_data: Path) -> None:
    """The fractions in MadGraph's events agree with the published counts of the paper."""
    with h5py.File(shared_data / "madgraph/gg_4gluino_300k.h5") as file:
        helicities, order = file["helicities"][:], file["colour_order"][:]
    momenta = np.broadcast_to(np.zeros((4, 4)), (len(order), 4, 4))
    events = Events(momenta, 3000.0, 607.7, "lhe", helicities=helicities, colour_order=order)
    published = {
        HELICITIES: [0.0790, 0.0370, 0.0140, 0.0040, 0.0020],
        COLOUR_ORDERS: [0.00402, 0.00794, 0.01783, 0.00787, 0.00401],
    }
    for group, values in published.items():
        found = fractions_of(events, group)
        rounding = 0.00005 if group is HELICITIES else 0.000005
        assert (np.abs(found.value - values) < 4 * found.error + rounding).all()


def test_points_are_the_fractions() -> None:
    figure, rows = discrete_marginals_figure(SAMPLES[:1], TRUTH, "a note")
    look = SAMPLES[0].look
    for panel, name in ((0, "fraction"), (1, "fraction"), (2, "ratio"), (3, "ratio")):
        (points,) = [
            line for line in figure.axes[panel].get_lines() if line.get_marker() == look.marker
        ]
        kind = ("helicity", "colour")[panel % 2]
        expected = [row[name] for row in rows if row["label"] == kind]
        np.testing.assert_allclose(np.asarray(points.get_ydata(), float), expected)
    assert figure.get_suptitle() == "a note"
    names = [tick.get_text() for tick in figure.axes[3].get_xticklabels()]
    assert names == ["ab1234", "a1b234", "a12b34", "a123b4", "a1234b"]


def test_ratio_panels_show_every_point() -> None:
    figure, rows = discrete_marginals_figure(SAMPLES[:1], TRUTH)
    ratios = [row["ratio"] for row in rows if row["label"] == "helicity"]
    low, high = figure.axes[2].get_ylim()
    assert low <= min(ratios) and (max(ratios) <= high or high == 4)


def test_a_rare_label_may_be_absent() -> None:
    momenta = labelled_events(2, 1).momenta
    labels: dict[str, Any] = {
        "helicities": -np.ones((2, 6)),
        "colour_order": np.tile([0, 5, 4, 3, 2, 1], (2, 1)),
    }
    events = Events(momenta, 3000.0, 607.7137, "model", drawn=2, **labels)
    sample = labelled_sample("none", "mine", events=events)
    _, rows = discrete_marginals_figure([sample], labelled_events(2, 1, "embedded"))
    assert {row["fraction"] for row in rows} == {0.0}


def test_figure_of_the_rule(tmp_path: Path) -> None:
    run = fake_run("mixture-balanced-sort", "sort", "labels")
    events = labelled_events(300, 1, drawn=400)
    write_events_as_samples(tmp_path / "s.h5", events, invalid=20)
    write_events(tmp_path / "e.h5", TRUTH, {})
    write_json(tmp_path / "t.json", {"ended_by": "steps"})
    files = {
        "samples": [tmp_path / "s.h5"],
        "summaries": [tmp_path / "t.json"],
        "events": tmp_path / "e.h5",
    }
    figure, rows = discrete_marginals(files, {"runs": [run], "preset": "quick"})
    assert figure.get_suptitle() == "quick preset, not converged"
    assert (
        rows == discrete_marginals_figure([labelled_sample("sort", "mixture-balanced")], TRUTH)[1]
    )
