"""A stack of layers from a uniform base to the unit cube (Verheyen 2022, arXiv:2205.01697)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import Layer
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.permutation import FixedPermutation


class Flow(nn.Module):
    """Layers that map a uniform base on the unit cube to points of the cube.

    ``layers`` are in the order of generation: the first acts on the base, the last gives the data.
    """

    def __init__(self, layers: Sequence[Layer], features: int) -> None:
        """Stack the layers.

        Args:
            layers: bijections of the cube, in the order of generation.
            features: dimension of the cube.
        """
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self._stack = tuple(layers)
        self.features = features

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density [nats], shape ``(n,)``; -inf outside the cube.

        Args:
            x: points of the cube, shape ``(n, features)``. If the layers may drop coordinates, NaN
                marks dropped ones, and the result is the density of the others.
            context: condition of each event, shape ``(n, ...)``, for layers that take one.
        """
        total, given = x.new_zeros(len(x)), x
        for layer in reversed(self._stack):
            x, contribution = layer.inverse(x, context)
            total = total + contribution
        inside = ~((x < 0) | (x > 1)).any(dim=1)
        if context is None:
            # Without a context, the layers cannot know what is dropped, so NaN is invalid input.
            total = total.masked_fill(given.isnan().any(dim=1), torch.nan)
        # Keep NaN, or a diverged training would look like an event outside the cube.
        return torch.where(inside | total.isnan(), total, torch.full_like(total, -torch.inf))

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` points from a flow without context, shape ``(n, features)``."""
        return self.push(self.base_points(n, generator))

    def base_points(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw points of the base, shape ``(n, features)``."""
        like = next(self.parameters())
        return torch.rand(
            n, self.features, generator=generator, dtype=like.dtype, device=like.device
        )

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


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make initial weights depend only on ``seed``; they come from torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def spline_layers(
    features: int,
    seed: int,
    context: int = 0,
    may_drop: bool = False,
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
        layers: number of autoregressive layers, each with a fixed random permutation of
            coordinates.
        bins: spline bins.
        residual_blocks: residual blocks of each MADE.
        units_per_dim: hidden units per feature.
    """
    generator = torch.Generator().manual_seed(seed)
    stack: list[Layer] = []
    with seeded(seed):
        for _ in range(layers):
            hidden = units_per_dim * features
            spline = AutoregressiveSpline(
                features, hidden, residual_blocks, bins, context, may_drop
            )
            stack += [spline, FixedPermutation(features, generator)]
    return stack
