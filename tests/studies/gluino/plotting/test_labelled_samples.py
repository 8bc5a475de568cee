"""Selection of labelled events, compared with counts over explicit relabellings."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from fake_samples import (
    CONSTANTS,
    fake_run,
    flat_angles,
    label_columns,
    labelled_events,
    labelled_sample,
    treatment_look,
    write_columns,
    write_events_as_samples,
)

from hepdensity.ingest.event_file import write_events
from hepdensity.models.layout import Layout
from hepdensity.physics.colour_order import positions_to_order
from hepdensity.physics.events import Events
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.plotting.labelled_samples import (
    Configuration,
    facets,
    legend_lines,
    read_labelled_events,
    read_labelled_samples,
    select,
)


def relabelled(events: Events, order: tuple[int, ...]) -> Events:
    """Rename the gluinos: momenta, helicities and the legs in the colour trace."""
    gluinos = np.array(order) + 2
    legs = np.concatenate([[0, 1], gluinos])
    new_name = np.argsort(legs)
    return Events(
        events.momenta[:, list(order)],
        events.sqrt_s,
        events.mass,
        events.source,
        helicities=np.asarray(events.helicities)[:, legs],
        colour_order=new_name[np.asarray(events.colour_order)],
    )


def has_label(events: Events, one: Configuration) -> np.ndarray:
    if one.kind == "helicity":
        return (np.asarray(events.helicities) == one.values).all(axis=1)
    wanted = positions_to_order(np.array([one.values]))
    return (np.asarray(events.colour_order) == wanted).all(axis=1)


CONFIGURATIONS = [
    Configuration.helicity("++++++"),
    Configuration.helicity("++-+-+"),
    Configuration.helicity("-+---+"),
    Configuration.colour("01234"),
    Configuration.colour("13024"),
    Configuration.colour("40123"),
]


@pytest.mark.parametrize("one", CONFIGURATIONS, ids=lambda one: one.name)
def test_selection_is_a_search_of_all_relabellings(one: Configuration) -> None:
    events = labelled_events(2000, 3)
    copies = [relabelled(events, order) for order in permutations(range(4))]
    found = select(events, one)
    masks = [has_label(copy, one) for copy in copies]
    assert found.fraction()[0] == pytest.approx(np.mean(masks))
    assert len(found.owner) == np.sum(masks) > 0
    expected = np.concatenate(
        [copy.momenta[mask] for copy, mask in zip(copies, masks, strict=True)]
    )
    rows = found.momenta(events).reshape(-1, 16)
    np.testing.assert_array_equal(
        rows[np.lexsort(rows.T)], expected.reshape(-1, 16)[np.lexsort(expected.reshape(-1, 16).T)]
    )


@pytest.mark.parametrize("one", CONFIGURATIONS, ids=lambda one: one.name)
def test_selection_without_relabelling_is_a_count(one: Configuration) -> None:
    events = labelled_events(2000, 4)
    mask = has_label(events, one)
    found = select(events, one, symmetric=False)
    share = mask.mean()
    assert found.fraction() == pytest.approx((share, np.sqrt(share * (1 - share) / 2000)))
    np.testing.assert_array_equal(found.owner, np.flatnonzero(mask))
    np.testing.assert_array_equal(found.momenta(events), events.momenta[mask])


def test_error_of_a_fraction_is_that_of_repeated_experiments() -> None:
    one = Configuration.helicity("++++--")
    found = [select(labelled_events(200, 10 + i), one).fraction() for i in range(300)]
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=4 / np.sqrt(2 * 300))


@pytest.mark.parametrize(
    ("positions", "name"),
    [("01234", "ab1234"), ("20134", "a12b34"), ("40123", "a1234b"), ("13024", "a2b314")],
)
def test_names_of_colour_orders_are_traces(positions: str, name: str) -> None:
    one = Configuration.colour(positions)
    assert one.name == one.title == name
    order = positions_to_order(np.array([one.values]))[0]
    assert "".join("ab1234"[leg] for leg in order) == name


def test_names_of_helicities() -> None:
    one = Configuration.helicity("++-+-+")
    assert (one.name, one.title, one.values) == ("++-+-+", "++−+−+", (1, 1, -1, 1, -1, 1))


LEGS = np.tile([0, 1, 2, 3, 4, 5], (7, 1))
RUN = fake_run("mixture-likelihood-sort", "sort", "labels")


def test_read_samples(tmp_path: Path) -> None:
    events = labelled_events(50, 1, drawn=80)
    write_events_as_samples(tmp_path / "s.h5", events, invalid=10)
    (one,) = read_labelled_samples([tmp_path / "s.h5"], [RUN])
    np.testing.assert_allclose(one.events.momenta, events.momenta, rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(one.events.helicities), np.asarray(events.helicities))
    np.testing.assert_array_equal(
        np.asarray(one.events.colour_order), np.asarray(events.colour_order)
    )
    assert one.look == treatment_look("mixture-likelihood-sort")
    assert one.columns == {
        "model": "mixture-likelihood-sort", "family": "paper", "permutation": "sort",
        "n_train": 5000, "seed": 1, "unphysical_fraction": 0.25, "invalid_fraction": 0.125,
    }  # fmt: skip


def test_two_trainings_of_a_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two trainings of mixture-likelihood-sort"):
        read_labelled_samples([tmp_path / "a.h5"] * 2, [RUN, RUN])


NO_LABELS = (flat_angles(9, 1), layouts.angles(CONSTANTS))
NO_EVENTS = (
    np.concatenate((np.full((7, 8), 0.5), label_columns(-np.ones((7, 6)), LEGS)), axis=1),
    layouts.labels(CONSTANTS),
)


@pytest.mark.parametrize(
    ("rows", "layout", "message"),
    [(*NO_LABELS, "without helicities"), (*NO_EVENTS, "no valid samples")],
    ids=["no labels", "no events"],
)
def test_bad_samples_are_refused(
    tmp_path: Path, rows: np.ndarray, layout: Layout, message: str
) -> None:
    write_columns(tmp_path / "s.h5", rows, len(rows), layout)
    with pytest.raises(ValueError, match=rf"s\.h5: .*{message}"):
        read_labelled_samples([tmp_path / "s.h5"], [RUN])


def test_files_that_are_no_samples_are_refused(tmp_path: Path) -> None:
    write_events(tmp_path / "e.h5", labelled_events(9, 1), {})
    with pytest.raises(ValueError, match=r"e\.h5: not a file of samples; run the rule draw"):
        read_labelled_samples([tmp_path / "e.h5"], [RUN])


def test_read_events(tmp_path: Path) -> None:
    events = labelled_events(20, 1, "embedded")
    write_events(tmp_path / "e.h5", events, {})
    np.testing.assert_array_equal(
        np.asarray(read_labelled_events(tmp_path / "e.h5").helicities),
        np.asarray(events.helicities),
    )


def test_models_without_treatment_are_in_every_facet() -> None:
    some = [
        labelled_sample("sort", model="a"),
        labelled_sample(None, model="b"),
        labelled_sample("stochastic", model="c"),
    ]
    groups = {key: [one.model for one in group] for key, group in facets(some).items()}
    assert groups == {"sort": ["a", "b"], "stochastic": ["b", "c"]}
    assert list(facets([labelled_sample(None)])) == [None]


@pytest.mark.parametrize("symmetric", [True, False])
def test_only_models_that_are_said_to_be_are_symmetric(tmp_path: Path, symmetric: bool) -> None:
    write_events_as_samples(tmp_path / "s.h5", labelled_events(50, 1, drawn=80))
    run = {**RUN, "permutation": None, "family": "ours", "symmetric": symmetric}
    (one,) = read_labelled_samples([tmp_path / "s.h5"], [run])
    assert one.symmetric is symmetric


def test_legend_tells_what_was_dropped() -> None:
    (line,) = legend_lines([labelled_sample(treatment="argmax-flow")], points=True)
    assert line.get_label() == "argmax, flow, 20 % unphysical, 5 % invalid"
    assert (line.get_marker(), line.get_linestyle()) == ("D", "None")
