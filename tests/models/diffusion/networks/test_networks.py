"""Networks: symmetric, blind to absent points, safe for one point and for none."""

from collections.abc import Callable

import pytest
import torch
from point_sets import COUNTS, hollow_network, point_sets, set_network, with_random_weights
from torch import Tensor, nn

from hepdensity.models.diffusion.fields import END, Field, Points
from hepdensity.models.diffusion.networks.conditioning import angle_features
from hepdensity.models.diffusion.networks.hollow import HollowNetwork
from hepdensity.models.diffusion.networks.residual import ResidualNetwork
from hepdensity.models.diffusion.networks.sets import SetNetwork

ANGLE = torch.linspace(0.1, 1.4, len(COUNTS), dtype=torch.float64)
NETWORKS: dict[str, Callable[[], Field]] = {"full": set_network, "hollow": hollow_network}
each_network = pytest.mark.parametrize("name", NETWORKS)


def velocity(field: Field, points: Points) -> Tensor:
    with torch.no_grad():
        return points.masked(field(ANGLE, points))


@each_network
def test_order_of_points_does_not_matter(name: str) -> None:
    field, points = NETWORKS[name](), point_sets()
    order = torch.tensor([3, 0, 4, 1, 2])
    turned = Points(points.x[:, order], points.present[:, order], points.condition)
    torch.testing.assert_close(velocity(field, turned), velocity(field, points)[:, order])


@each_network
def test_absent_points_do_not_matter(name: str) -> None:
    """Neither their number nor their coordinates."""
    field, points = NETWORKS[name](), point_sets()
    expected = velocity(field, points)
    wider = Points(
        nn.functional.pad(points.x, (0, 0, 0, 3)),
        nn.functional.pad(points.present, (0, 3)),
        points.condition,
    )
    torch.testing.assert_close(velocity(field, wider)[:, :5], expected)
    noisy = Points(
        torch.where(points.present[:, :, None], points.x, 9.0), points.present, points.condition
    )
    torch.testing.assert_close(velocity(field, noisy), expected)


@each_network
def test_sets_do_not_matter_to_each_other(name: str) -> None:
    field, points = NETWORKS[name](), point_sets()
    for i in range(len(COUNTS)):
        alone = points.chosen(torch.tensor([i]), max(COUNTS[i], 1))
        with torch.no_grad():
            found = alone.masked(field(ANGLE[i : i + 1], alone))
        expected = velocity(field, points)[i : i + 1, : found.shape[1]]
        torch.testing.assert_close(found, expected)


@each_network
def test_points_angle_and_conditions_matter(name: str) -> None:
    field, points = NETWORKS[name](), point_sets()
    before = velocity(field, points)
    moved = points.x.clone()
    moved[3, 4] += 1
    assert (velocity(field, points.at(moved)) - before)[3, 0].abs().max() > 1e-3
    other = Points(points.x, points.present, points.condition + 1)
    assert (velocity(field, other) - before)[1, 0].abs().max() > 1e-3
    with torch.no_grad():
        later = points.masked(field(ANGLE + 0.1, points))
    assert (later - before)[1, 0].abs().max() > 1e-3


@each_network
def test_gradients_are_finite_even_for_one_point_or_none(name: str) -> None:
    field, points = NETWORKS[name](), point_sets((0, 1, 5))
    x = points.x.clone().requires_grad_()
    found = points.masked(field(ANGLE[:3], points.at(x)))
    gradients = torch.autograd.grad(found.square().sum(), [x, *field.parameters()])
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


@pytest.mark.parametrize("network", [SetNetwork, HollowNetwork])
def test_a_new_network_describes_a_gaussian(network: type[SetNetwork | HollowNetwork]) -> None:
    field = network(3, 2, width=8, blocks=1, heads=2).double()
    assert (velocity(field, point_sets()) == 0).all()


@pytest.mark.parametrize("network", [SetNetwork, HollowNetwork])
def test_heads_divide_the_width(network: type[SetNetwork | HollowNetwork]) -> None:
    with pytest.raises(ValueError, match="not a multiple of 3"):
        network(3, 2, width=8, blocks=1, heads=3)


def test_network_of_one_point() -> None:
    field = with_random_weights(ResidualNetwork(3, 2, width=8, blocks=2))
    points = point_sets((1, 1, 1, 1, 1), places=1)
    found = velocity(field, points)
    assert found.abs().max() > 1e-3
    torch.testing.assert_close(velocity(field, points.chosen(torch.arange(5))), found)
    with pytest.raises(ValueError, match="one point, not sets of 5"):
        field(ANGLE, point_sets())


def test_features_of_the_angle_tell_angles_apart_and_are_smooth_at_the_data() -> None:
    angle = torch.linspace(0, END, 100, dtype=torch.float64)
    features = angle_features(angle)
    distances = (features[:, None] - features).norm(dim=2)
    assert distances.fill_diagonal_(1).min() > 0.005
    slope = (features[1] - features[0]) / (angle[1] - angle[0])
    assert slope.isfinite().all()
