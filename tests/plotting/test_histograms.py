"""Binned densities: normalisation, errors and ratios."""

import numpy as np
import pytest

from hepdensity.plotting.histograms import (
    BinnedDensity,
    Binning,
    binned_density,
    binned_entries,
    density_ratio,
    density_rows,
    ratio_range,
)

BINNING = Binning(10, 0.0, 5.0)


def test_density_equals_numpy() -> None:
    values = np.random.default_rng(1).normal(2, 2, 5000)
    density = binned_density(values, BINNING, 5000)
    counts, edges = np.histogram(values, bins=10, range=(0, 5))
    np.testing.assert_allclose(density.edges, edges)
    np.testing.assert_allclose(density.density, counts / 5000 / 0.5)
    np.testing.assert_allclose(density.error, np.sqrt(counts) / 5000 / 0.5)


def test_all_samples_count_in_the_normalisation() -> None:
    """Of 8 samples, 4 are in range, 1 is out of range and 3 were unphysical."""
    density = binned_density(np.array([1.0, 2.0, 3.0, 4.0, 7.0]), BINNING, drawn=8)
    assert density.density.sum() * 0.5 == pytest.approx(4 / 8)


def test_several_values_per_event() -> None:
    """Two values of one event in a bin are not independent: they count as one entry of 2."""
    values = np.array([[0.1, 0.2], [0.1, 0.9], [9.0, 0.3]])
    density = binned_density(values, Binning(2, 0.0, 1.0), drawn=3)
    scale = 1 / (3 * 2 * 0.5)
    np.testing.assert_allclose(density.density, np.array([4, 1]) * scale)
    np.testing.assert_allclose(density.error, np.sqrt([2**2 + 1 + 1, 1]) * scale)


def test_error_of_correlated_values_is_that_of_repeated_experiments() -> None:
    numbers = np.random.default_rng(2)
    binning, densities, errors = Binning(4, 0.0, 1.0), [], []
    for _ in range(400):
        first = numbers.uniform(size=(200, 1))
        values = np.hstack([first, np.abs(first - 0.1)])
        density = binned_density(values, binning, 200)
        densities.append(density.density)
        errors.append(density.error)
    # The bin counts of a fixed number of events vary less than Poisson counts by 1 - fraction.
    fraction = np.mean(densities, axis=0) * 0.25
    observed = np.std(densities, axis=0, ddof=1) / np.sqrt(1 - fraction)
    expected = np.mean(errors, axis=0)
    np.testing.assert_allclose(observed, expected, rtol=4 / np.sqrt(2 * 400) + 0.05)


def test_too_few_drawn() -> None:
    with pytest.raises(ValueError, match="drawn = 4 is less than the number of events, 5"):
        binned_density(np.ones(5), BINNING, 4)


def test_no_events_of_some_drawn() -> None:
    density = binned_density(np.empty(0), BINNING, 100)
    assert not density.density.any()


def test_entries_of_events() -> None:
    """Event 0 has two entries in one bin and event 2 has one; 8 entries would integrate to 1."""
    values, owners = np.array([0.1, 0.2, 0.8, 5.0]), np.array([0, 0, 2, 1])
    density = binned_entries(values, owners, Binning(2, 0.0, 1.0), norm=8)
    np.testing.assert_allclose(density.density, np.array([2, 1]) / 8 / 0.5)
    np.testing.assert_allclose(density.error, np.sqrt([4, 1]) / 8 / 0.5)


def test_scaled_density() -> None:
    (density,) = densities([1.0, 3.0])
    part = density.scaled(0.25)
    np.testing.assert_allclose(part.density, [0.25, 0.75])
    np.testing.assert_allclose(part.error, [0.025, 0.075])


def densities(*values: list[float]) -> list[BinnedDensity]:
    edges = np.arange(len(values[0]) + 1.0)
    return [BinnedDensity(edges, np.array(value), 0.1 * np.array(value)) for value in values]


def test_ratio() -> None:
    model, truth = densities([1.0, 2.0, 3.0], [2.0, 2.0, 0.0])
    ratio, error = density_ratio(model, truth)
    np.testing.assert_allclose(ratio, [0.5, 1.0, np.nan])
    np.testing.assert_allclose(error, [0.05, 0.1, np.nan])


def test_rows() -> None:
    model, truth = densities([1.0, 3.0], [2.0, 0.0])
    assert density_rows(model, truth, "mass", {"model": "sort"}) == [
        {"model": "sort", "mass_low": 0.0, "mass_high": 1.0, "density": 1.0, "density_error": 0.1,
         "truth": 2.0, "truth_error": 0.2, "ratio": 0.5, "ratio_error": 0.05},
        {"model": "sort", "mass_low": 1.0, "mass_high": 2.0, "density": 3.0,
         "density_error": pytest.approx(0.3), "truth": 0.0, "truth_error": 0.0, "ratio": None,
         "ratio_error": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([[0.9, 1.1, 1.0, 1.0, np.nan]], (0.8, 1.2)),
        ([[1.0] * 9 + [5.0]], (0.8, 1.2)),
        ([[1.0] * 10, [0.7] * 10], (0.5, 1.5)),
        ([[0.1] * 10], (0.0, 2.0)),
        ([[np.nan]], (0.8, 1.2)),
    ],
    ids=["fits", "one outlier", "one line outside", "far off", "nothing known"],
)
def test_ratio_range(ratios: list[list[float]], expected: tuple[float, float]) -> None:
    assert ratio_range([np.array(ratio) for ratio in ratios]) == expected


def test_ratio_range_for_every_point() -> None:
    ratios = [np.array([1.0] * 9 + [1.9])]
    ranges = ((0.5, 1.5), (0.0, 2.0), (0.0, 4.0))
    assert ratio_range(ratios, ranges) == (0.5, 1.5)
    assert ratio_range(ratios, ranges, fraction=1) == (0.0, 2.0)
