"""Divergences: against the Jacobian, each other, and the mean of probes."""

import pytest
import torch
from point_sets import COUNTS, hollow_network, point_sets, set_network

from hepdensity.models.diffusion import divergence
from hepdensity.models.diffusion.fields import Field

ANGLE = torch.linspace(0.1, 1.4, len(COUNTS), dtype=torch.float64)
NETWORKS = {"full": set_network, "hollow": hollow_network}
each_network = pytest.mark.parametrize("name", NETWORKS)


def jacobian(field: Field, i: int) -> torch.Tensor:
    """Jacobian of one set, with a place for each coordinate, shape ``(N c, N c)``."""
    points = point_sets().chosen(torch.tensor([i]))
    size = points.x.numel()

    def velocity(x: torch.Tensor) -> torch.Tensor:
        return points.masked(
            field(ANGLE[i : i + 1], points.at(x.reshape(points.x.shape)))
        ).flatten()

    found = torch.autograd.functional.jacobian(velocity, points.x.flatten())
    assert isinstance(found, torch.Tensor) and found.shape == (size, size)
    return found


@each_network
def test_exact_divergence_is_the_trace_of_the_jacobian(name: str) -> None:
    field = NETWORKS[name]()
    velocity, found = divergence.exact(field, ANGLE, point_sets())
    expected = torch.stack([jacobian(field, i).trace() for i in range(len(COUNTS))])
    torch.testing.assert_close(found, expected)
    assert found.abs().max() > 0.1
    with torch.no_grad():
        same = point_sets().masked(field(ANGLE, point_sets()))
    torch.testing.assert_close(velocity, same)


def test_hollow_divergence_is_the_exact_one() -> None:
    field = hollow_network()
    for one, other in zip(
        divergence.hollow(field, ANGLE, point_sets()),
        divergence.exact(field, ANGLE, point_sets()),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_points_influence_each_other_in_the_hollow_network() -> None:
    """Or its divergence would be cheap for a trivial reason."""
    matrix = jacobian(hollow_network(), 3).reshape(5, 3, 5, 3)
    between = matrix[0, :, 1].abs().max()
    assert between > 0.01


def test_full_network_is_not_hollow() -> None:
    with pytest.raises(ValueError, match="SetNetwork is not block-hollow"):
        divergence.hollow(set_network(), ANGLE, point_sets())


@each_network
def test_mean_of_probes_is_the_exact_divergence(name: str) -> None:
    field, points = NETWORKS[name](), point_sets()
    _, expected = divergence.exact(field, ANGLE, points)
    probes = divergence.signs((400, *points.x.shape), torch.Generator().manual_seed(1))
    each = torch.stack(
        [divergence.hutchinson(field, ANGLE, points, one[None])[1] for one in probes]
    )
    error = each.std(dim=0) / len(each) ** 0.5
    assert ((each.mean(dim=0) - expected).abs() <= 4 * error + 1e-12).all()
    assert error.max() > 0
    _, together = divergence.hutchinson(field, ANGLE, points, probes)
    torch.testing.assert_close(together, each.mean(dim=0))


def test_probes_are_signs() -> None:
    probes = divergence.signs((1000,), torch.Generator().manual_seed(1))
    assert set(probes.tolist()) == {-1, 1}
    assert abs(probes.double().mean()) < 0.13


def test_probes_are_needed() -> None:
    with pytest.raises(ValueError, match="needs probes"):
        divergence.hutchinson(set_network(), ANGLE, point_sets())
