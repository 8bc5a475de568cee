"""Checks for every bijection: it must be invertible and give the right Jacobian."""

import torch
from torch import Tensor

from hepdensity.models.base import Layer


def check_round_trip(layer: Layer, x: Tensor) -> None:
    """Check that `forward` and `inverse` undo each other, with the same contribution.

    Args:
        layer: A bijection of the unit cube, in double precision.
        x: Points of the unit cube, shape (n, d).
    """
    for there, back in ((layer.inverse, layer.forward), (layer.forward, layer.inverse)):
        image, contribution = there(x)
        again, same = back(image)
        torch.testing.assert_close(again, x, atol=1e-8, rtol=0)
        torch.testing.assert_close(same, contribution, atol=1e-6, rtol=0)


def check_log_jacobian(layer: Layer, x: Tensor) -> None:
    """Check by automatic differentiation that the contribution of `inverse` is log |det dz/dx|.

    Args:
        layer: A bijection, in double precision.
        x: Points, shape (n, d); each costs d backward passes.
    """
    _, contribution = layer.inverse(x)
    jacobians = [
        torch.autograd.functional.jacobian(lambda p: layer.inverse(p[None])[0][0], point)
        for point in x
    ]
    expected = torch.linalg.slogdet(torch.stack(jacobians))[1]
    torch.testing.assert_close(contribution.detach(), expected)
