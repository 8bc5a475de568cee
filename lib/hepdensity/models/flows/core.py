"""A stack of layers from a base to data in the unit cube (Verheyen 2022, arXiv:2205.01697)."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import Layer
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.permutation import FixedPermutation
from hepdensity.models.layers.standardisation import BOX, LOG_NORM
from hepdensity.models.networks.initial import seeded

BASES = ("uniform", "gaussian")


class Flow(nn.Module):
    """Layers that map a base to points of the unit cube.

    The base is uniform on the cube, or Gaussian: then coordinates are in units of 2 ``BOX``
    standard deviations from the corner of the cube, and points may be outside the cube, where the
    layers are the identity.

    ``layers`` are in the order of generation: the first acts on the base, the last gives the data.
    """

    def __init__(self, layers: Sequence[Layer], features: int, base: str = "uniform") -> None:
        """Stack the layers.

        Args:
            layers: bijections of the cube, in the order of generation.
            features: dimension of the cube.
            base: "uniform" or "gaussian".
        """
        super().__init__()
        self.gaussian = base == "gaussian"
        self.layers = nn.ModuleList(layers)
        self._stack = tuple(layers)
        self.features = features

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density [nats], shape ``(n,)``; with a uniform base, -inf outside the cube.

        Args:
            x: points of the cube, shape ``(n, features)``. If the layers may drop coordinates, NaN
                marks dropped ones, and the result is the density of the others.
            context: condition of each event, shape ``(n, ...)``, for layers that take one.
        """
        total, given = x.new_zeros(len(x)), x
        for layer in reversed(self._stack):
            x, contribution = layer.inverse(x, context)
            total = total + contribution
        if self.gaussian:
            t = 2 * BOX * (x - 0.5)
            each = math.log(2 * BOX) - LOG_NORM - 0.5 * t.square()
            total = total + torch.where(t.isnan(), torch.zeros_like(t), each).sum(dim=1)
        if context is None:
            # Without a context, the layers cannot know what is dropped, so NaN is invalid input.
            total = total.masked_fill(given.isnan().any(dim=1), torch.nan)
        if self.gaussian:
            return total
        inside = ~((x < 0) | (x > 1)).any(dim=1)
        # Keep NaN, or a diverged training would look like an event outside the cube.
        return torch.where(inside | total.isnan(), total, torch.full_like(total, -torch.inf))

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` points from a flow without context, shape ``(n, features)``."""
        return self.push(self.base_points(n, generator))

    def base_points(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw points of the base, shape ``(n, features)``."""
        like = next(self.parameters())
        draw = torch.randn if self.gaussian else torch.rand
        points = draw(n, self.features, generator=generator, dtype=like.dtype, device=like.device)
        return points / (2 * BOX) + 0.5 if self.gaussian else points

    @torch.no_grad()
    def push(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Map points of the base through all layers, shape ``(n, features)``."""
        for layer in self._stack:
            z, _ = layer(z, context)
        return z

    def to_base(self, values: Tensor) -> Tensor:
        """Reorder values from data coordinates to base coordinates, shape ``(n, features)``."""
        for layer in reversed(self._stack):
            if isinstance(layer, FixedPermutation):
                values = values[:, layer.order]
        return values


def spline_layers(
    features: int,
    seed: int,
    context: int = 0,
    may_drop: bool = False,
    base: str = "uniform",
    /,
    *,
    layers: int,
    bins: int,
    residual_blocks: int,
    units_per_dim: int,
) -> list[Layer]:
    """The layers of the baseline flow, in the order of generation.

    Args:
        features: dimension of the cube.
        seed: seed of the weights and of the fixed permutations.
        context: width of the context, 0 for none.
        may_drop: whether coordinates may be dropped.
        base: "uniform" or "gaussian".
        layers: number of autoregressive layers, each with a fixed random permutation of
            coordinates.
        bins: spline bins.
        residual_blocks: residual blocks of each MADE.
        units_per_dim: hidden units per feature.

    Raises:
        ValueError: for an unknown base.
    """
    if base not in BASES:
        raise ValueError(f"unknown base '{base}'; choose from {list(BASES)}")
    generator = torch.Generator().manual_seed(seed)
    stack: list[Layer] = []
    with seeded(seed):
        for _ in range(layers):
            hidden = units_per_dim * features
            spline = AutoregressiveSpline(
                features, hidden, residual_blocks, bins, context, may_drop, base == "gaussian"
            )
            stack += [spline, FixedPermutation(features, generator)]
    return stack
