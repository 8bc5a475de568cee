"""Log-likelihoods and their errors."""

import math

import numpy as np
import pytest
import torch

from hepdensity.evaluation.likelihood import log_likelihoods, mean_with_error
from hepdensity.models.base import symmetrised
from hepdensity.models.flows.flow import Flow, spline_flow


def flow(permutation: str) -> Flow:
    return spline_flow(
        permutation=permutation,
        layers=1,
        bins=4,
        residual_blocks=1,
        units_per_dim=4,
        seed=2,
        features=4,
        particles=2,
    ).double()


@pytest.fixture
def events(generator: torch.Generator) -> torch.Tensor:
    return torch.rand(6_000, 4, generator=generator, dtype=torch.float64)


def test_mean_with_error() -> None:
    estimate = mean_with_error(np.array([1.0, 2.0, 3.0, 6.0]))
    assert estimate.value == 3
    # Sample variance 14 / 3 over 4 values.
    assert estimate.error == pytest.approx(math.sqrt(14 / 3 / 4))


def test_an_impossible_event_makes_the_mean_infinite() -> None:
    estimate = mean_with_error(np.array([1.0, -np.inf]))
    assert estimate.value == -np.inf
    assert math.isnan(estimate.error)


def test_one_value_has_no_error() -> None:
    with pytest.raises(ValueError, match="two values"):
        mean_with_error(np.ones(1))


def test_chunks_do_not_matter(events: torch.Tensor) -> None:
    model = flow("none")
    values = log_likelihoods(model, events, 2, torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model.log_prob(events)
        torch.testing.assert_close(torch.from_numpy(values["log_likelihood"]), expected)
        torch.testing.assert_close(
            torch.from_numpy(values["log_likelihood_symmetrised"]),
            symmetrised(model.log_prob, events, 2),
        )
    assert np.array_equal(values["log_likelihood"], values["log_likelihood_exact"])


@pytest.mark.parametrize("permutation", ["stochastic", "sort"])
def test_exact_is_above_one_draw_where_that_is_a_bound(
    permutation: str, events: torch.Tensor
) -> None:
    values = log_likelihoods(flow(permutation), events, 2, torch.Generator().manual_seed(1))
    assert set(values) == {"log_likelihood", "log_likelihood_exact"}
    assert values["log_likelihood"].mean() < values["log_likelihood_exact"].mean()
