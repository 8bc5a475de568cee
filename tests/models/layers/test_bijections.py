"""What every bijection must do: invert, and state its Jacobian."""

from collections.abc import Callable

import contracts
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


def test_round_trip(layer: Layer, x: torch.Tensor) -> None:
    contracts.check_round_trip(layer, x)


def test_contribution_is_the_log_jacobian(layer: Layer, x: torch.Tensor) -> None:
    contracts.check_log_jacobian(layer, x[:10])
