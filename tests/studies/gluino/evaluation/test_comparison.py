from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hepdensity.physics.events import Events
from hepdensity.studies.gluino.evaluation.comparison import (
    at_fixed_coupling,
    compare_categories,
    compare_colours,
    compare_events,
    compare_spectra,
    relabel,
    second_gluon_places,
)

N = 20_000


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def two_gluinos(n: int, random: np.random.Generator, alpha_s: np.ndarray | None = None) -> Events:
    """Back-to-back gluinos of energy 500 GeV and mass 300 GeV in random directions."""
    cosine, phi = random.uniform(-1, 1, n), random.uniform(0, 2 * np.pi, n)
    sine = np.sqrt(1 - cosine**2)
    vector = 400 * np.stack((sine * np.cos(phi), sine * np.sin(phi), cosine), axis=-1)
    energy = np.full((n, 1), 500.0)
    first, second = (np.concatenate((energy, sign * vector), axis=1) for sign in (1, -1))
    helicities = random.choice([-1, 1], (n, 4))
    momenta = np.stack((first, second), axis=1)
    return Events(momenta, 1000.0, 300.0, "model", helicities=helicities, alpha_s=alpha_s)


def test_samples_of_one_distribution_agree(random: np.random.Generator) -> None:
    p_values: dict[str, list[float]] = {"chi2": [], "ks": []}
    for _ in range(200):
        first, second = random.normal(size=400), random.normal(size=600)
        row = compare_spectra("x", first, np.ones(400), second, np.ones(600))
        assert row.ks_p is not None
        p_values["chi2"].append(row.chi2_p)
        p_values["ks"].append(row.ks_p)
    for values in p_values.values():
        assert stats.kstest(values, "uniform").pvalue > 1e-4


def test_weights_restore_a_distribution(random: np.random.Generator) -> None:
    first, second = random.uniform(size=N), np.sqrt(random.uniform(size=N))
    ones = np.ones(N)
    weighted = compare_spectra("x", first, ones, second, 1 / np.maximum(second, 0.02))
    plain = compare_spectra("x", first, ones, second, ones)
    assert weighted.chi2_p > 1e-4 and weighted.ks_p is not None and weighted.ks_p > 1e-4
    assert plain.chi2_p < 1e-10 and plain.ks_p is not None and plain.ks_p < 1e-10


def test_unweighted_distance_is_that_of_scipy(random: np.random.Generator) -> None:
    first, second = random.normal(size=500), random.normal(0.1, 1, size=700)
    row = compare_spectra("x", first, np.ones(500), second, np.ones(700))
    expected = stats.ks_2samp(first, second, method="asymp")
    assert row.ks == pytest.approx(expected.statistic)
    assert row.ks_p == pytest.approx(expected.pvalue, rel=0.1)


def test_categories_by_hand() -> None:
    first, second = np.array([0, 0, 1, 3]), np.array([0, 1, 1, 1])
    row = compare_categories("c", first, np.ones(4), second, np.ones(4))
    # differences 1/4, -1/2, 1/4; variances (2 + 1, 1 + 3, 1) / 16; category 2 is empty
    assert row.chi2 == pytest.approx(1 / 3 + 1 + 1)
    assert row.degrees == 2


def test_two_gluino_events_are_compared_in_angle_and_helicity(random: np.random.Generator) -> None:
    rows = compare_events(two_gluinos(N, random), two_gluinos(N, random))
    assert [row.observable for row in rows] == ["cos theta", "helicities"]
    assert all(row.chi2_p > 1e-4 for row in rows)


def test_relabelling_moves_helicities_along(random: np.random.Generator) -> None:
    events = two_gluinos(1000, random)
    assert events.helicities is not None
    # mark the gluino by its helicity
    forward = np.where(events.momenta[:, :, 3] > 0, 1, -1)
    marked = np.concatenate((events.helicities[:, :2], forward), axis=1)
    moved = relabel(replace(events, helicities=marked), random)
    assert moved.helicities is not None
    assert (moved.helicities[:, 2:] == np.where(moved.momenta[:, :, 3] > 0, 1, -1)).all()
    assert (moved.helicities[:, :2] == marked[:, :2]).all()
    swapped = (moved.momenta[:, 0] != events.momenta[:, 0]).any(1)
    assert 400 < swapped.sum() < 600


def test_relabelling_moves_colours_along(random: np.random.Generator) -> None:
    events = two_gluinos(1000, random)
    forward = events.momenta[:, :, 3] > 0
    # gluon 1, the gluino that flies forward, gluon 2, the other gluino
    gluinos = np.where(forward[:, :1], [[2, 3]], [[3, 2]])
    order = np.stack((0 * gluinos[:, 0], gluinos[:, 0], 0 * gluinos[:, 0] + 1, gluinos[:, 1]), 1)
    moved = relabel(replace(events, colour_order=order), random)
    assert moved.colour_order is not None
    behind_first = moved.colour_order[:, 1] - 2
    assert (moved.momenta[np.arange(1000), behind_first, 3] > 0).all()
    assert (moved.colour_order[:, 2] == 1).all()
    assert 400 < (behind_first == 0).sum() < 600


def with_places(events: Events, places: np.ndarray) -> Events:
    """Put the second gluon at positions 1, 2, 3 after the first, and gluino 1 before gluino 2."""
    orders = np.array([[0, 1, 2, 3], [0, 2, 1, 3], [0, 2, 3, 1]])
    return replace(events, colour_order=orders[places - 1])


def test_places_of_the_second_gluon(random: np.random.Generator) -> None:
    events = with_places(two_gluinos(4, random), np.array([1, 3, 3, 2]))
    fractions, errors = second_gluon_places(events)
    np.testing.assert_allclose(fractions, [0.25, 0.25, 0.5])
    np.testing.assert_allclose(errors, np.sqrt([3 / 64, 3 / 64, 4 / 64]))
    weighted = replace(events, weights=np.array([1.0, 1.0, 1.0, 3.0]))
    np.testing.assert_allclose(second_gluon_places(weighted)[0], [1 / 6, 1 / 2, 1 / 3])


def test_colour_orders_are_compared(random: np.random.Generator) -> None:
    events = two_gluinos(N, random)
    first, second, third = (
        with_places(events, random.choice([1, 2, 3], N, p=p))
        for p in ([0.2, 0.6, 0.2], [0.2, 0.6, 0.2], [0.22, 0.56, 0.22])
    )
    assert compare_colours(first, second).chi2_p > 1e-4
    assert compare_colours(first, third).chi2_p < 1e-4


@pytest.mark.parametrize("compare", [lambda e: compare_colours(e, e), second_gluon_places])
def test_colour_orders_are_required(
    compare: Callable[[Events], object], random: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match="without colour orders"):
        compare(two_gluinos(5, random))


def test_fixed_coupling_weights(random: np.random.Generator) -> None:
    events = at_fixed_coupling(two_gluinos(2, random, alpha_s=np.array([0.1, 0.2])))
    assert events.weights is not None
    np.testing.assert_allclose(events.weights, [1.6, 0.4])
    with pytest.raises(ValueError, match="without alpha_s"):
        at_fixed_coupling(two_gluinos(2, random))


def test_helicities_are_required(random: np.random.Generator) -> None:
    bare = replace(two_gluinos(5, random), helicities=None)
    with pytest.raises(ValueError, match="without helicities"):
        compare_events(bare, bare)
