"""The mixture whose velocity is known: against independent calculations, and bad input."""

import pytest
import torch
from point_sets import mixture

from hepdensity.models.diffusion.toy import gaussian_mixture_model


def test_closed_density_is_that_of_torch() -> None:
    model = mixture()
    x = model.sample(50, torch.Generator().manual_seed(1))
    parts = torch.distributions.MultivariateNormal(model.means, model.covariances)
    whole = torch.distributions.Categorical(probs=model.log_weights.exp())
    expected = torch.distributions.MixtureSameFamily(whole, parts).log_prob(x)
    torch.testing.assert_close(model.closed_log_prob(x), expected)


def test_samples_have_the_moments_of_the_mixture() -> None:
    model = mixture()
    x = model.sample(100_000, torch.Generator().manual_seed(2))
    weights = model.log_weights.exp()
    mean = weights @ model.means
    away = model.means - mean
    spread = torch.einsum("k,kij->ij", weights, model.covariances)
    spread = spread + torch.einsum("k,ki,kj->ij", weights, away, away)
    torch.testing.assert_close(x.mean(dim=0), mean, atol=0.015, rtol=0)
    torch.testing.assert_close(x.T.cov(), spread, atol=0.02, rtol=0)


def test_rows_of_several_points_are_independent_sets() -> None:
    model = mixture()
    x = model.sample(6, torch.Generator().manual_seed(3))
    rows = x.reshape(3, 4).clone()
    rows[1, 2:] = torch.nan
    expected = model.closed_log_prob(x).reshape(3, 2)
    expected[1, 1] = 0
    torch.testing.assert_close(model.closed_log_prob(rows), expected.sum(dim=1))


@pytest.mark.parametrize(
    ("means", "covariances", "weights", "message"),
    [
        ([0.0], [[[1.0]]], [1.0], "shape"),
        ([[0.0]], [[[1.0]]], [0.5, 0.5], "shape"),
        ([[0.0], [1.0]], [[[1.0]], [[1.0]]], [0.5, 0.6], "sum to 1"),
        ([[0.0], [1.0]], [[[1.0]], [[1.0]]], [1.5, -0.5], "positive"),
        ([[0.0]], [[[-1.0]]], [1.0], "positive definite"),
        ([[0.0, 0.0]], [[[1.0, 0.5], [0.0, 1.0]]], [1.0], "symmetric"),
    ],
)
def test_wrong_parameters(
    means: list[list[float]],
    covariances: list[list[list[float]]],
    weights: list[float],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        gaussian_mixture_model(means, covariances, weights)


def test_rows_that_are_no_points() -> None:
    with pytest.raises(ValueError, match="2 dimensions"):
        mixture().points(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="NaN in some columns only"):
        mixture().points(torch.tensor([[0.0, 1.0, torch.nan, 0.0]]))
