"""What every bijection must do: invert, and state its Jacobian."""

from collections.abc import Callable

import pytest
import torch

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.permutation import FixedPermutation


def spline() -> Layer:
    torch.manual_seed(5)
    layer = AutoregressiveSpline(features=4, hidden=12, residual_blocks=2, bins=6).double()
    for parameter in layer.parameters():
        parameter.data *= 1.5
    return layer


BIJECTIONS: dict[str, Callable[[], Layer]] = {
    "autoregressive spline": spline,
    "fixed permutation": lambda: FixedPermutation(4, torch.Generator().manual_seed(2)),
}


@pytest.fixture(params=BIJECTIONS.values(), ids=list(BIJECTIONS))
def layer(request: pytest.FixtureRequest) -> Layer:
    result: Layer = request.param()
    assert result.kind is LayerKind.BIJECTION
    assert not result.kind.bound
    return result


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(50, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_forward_undoes_inverse(layer: Layer, x: torch.Tensor) -> None:
    z, contribution = layer.inverse(x)
    back, same = layer.forward(z)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=0)
    torch.testing.assert_close(same, contribution, atol=1e-6, rtol=0)


def test_inverse_undoes_forward(layer: Layer, x: torch.Tensor) -> None:
    y, contribution = layer.forward(x)
    back, same = layer.inverse(y)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=0)
    torch.testing.assert_close(same, contribution, atol=1e-6, rtol=0)


def test_contribution_is_the_log_jacobian(layer: Layer, x: torch.Tensor) -> None:
    _, contribution = layer.inverse(x)
    for point, expected in zip(x[:10], contribution, strict=False):
        jacobian = torch.autograd.functional.jacobian(lambda p: layer.inverse(p[None])[0][0], point)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], expected.detach())
