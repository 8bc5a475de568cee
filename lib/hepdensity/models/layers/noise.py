"""Noise that fills the cube of a dequantised category: uniform, or from an auxiliary flow."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.layers.autoregressive import InvertedAutoregressiveSpline
from hepdensity.models.layers.permutation import FixedPermutation


class Noise(nn.Module, ABC):
    """A distribution q(u | y) on the unit cube that is sampled differentiably in training."""

    dimensions: int

    @abstractmethod
    def draw(
        self,
        category: Tensor,
        like: Tensor,
        generator: Generator | None,
        absent: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw noise for events.

        Args:
            category: category of each event, int64, one or more numbers, shape ``(n, groups)``.
            like: tensor with the dtype and device to use.
            generator: source of random numbers.
            absent: absent dimensions of each event, bool, shape ``(n, dimensions)``.

        Returns:
            u of shape ``(n, dimensions)``, NaN if absent, and log q(u | y) of the other dimensions
            [nats], shape ``(n,)``.
        """


class UniformNoise(Noise):
    """Uniform noise."""

    def __init__(self, dimensions: int) -> None:
        """Fill a cube of ``dimensions`` dimensions."""
        super().__init__()
        self.dimensions = dimensions

    def draw(
        self,
        category: Tensor,
        like: Tensor,
        generator: Generator | None,
        absent: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw noise; its log-density is zero."""
        u = _uniform(len(category), self.dimensions, like, generator)
        return _without(u, absent), like.new_zeros(len(category))


class FlowNoise(Noise):
    """A small flow with fast sampling, conditioned on the category (Ho et al. 2019).

    This is the variational dequantisation of arXiv:1902.00275 with the layers of Verheyen 2022
    (arXiv:2205.01697).
    """

    first_rows: Tensor

    def __init__(
        self,
        dimensions: int,
        categories: Sequence[int],
        *,
        layers: int,
        bins: int,
        residual_blocks: int,
        units_per_dim: int,
        embedding: int,
        generator: Generator,
        may_drop: bool = False,
    ) -> None:
        """Create the flow; weights come from torch's global generator.

        Args:
            dimensions: number of dimensions of the cube.
            categories: number of values of each of the numbers that specify a category; their
                contexts are added.
            layers: number of inverted autoregressive layers.
            bins: spline bins.
            residual_blocks: residual blocks of each MADE.
            units_per_dim: hidden units per dimension.
            embedding: width of the context of a category.
            generator: generator of the fixed permutations.
            may_drop: whether dimensions may be absent.
        """
        super().__init__()
        self.dimensions = dimensions
        self.embedding = nn.Embedding(sum(categories), embedding)
        first_rows = torch.tensor([0, *categories]).cumsum(0)[:-1]
        self.register_buffer("first_rows", first_rows, persistent=False)
        self.permutations = nn.ModuleList(
            FixedPermutation(dimensions, generator) for _ in range(layers)
        )
        hidden = units_per_dim * dimensions
        self.splines = nn.ModuleList(
            InvertedAutoregressiveSpline(
                dimensions, hidden, residual_blocks, bins, embedding, may_drop
            )
            for _ in range(layers)
        )

    def draw(
        self,
        category: Tensor,
        like: Tensor,
        generator: Generator | None,
        absent: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw noise and its log-density, in one pass."""
        context = self._context(category)
        u = _uniform(len(category), self.dimensions, like, generator)
        if absent is not None:
            u = _without(u, self._before_permutations(absent))
        log_density = like.new_zeros(len(category))
        for permutation, spline in zip(self.permutations, self.splines, strict=True):
            u, contribution = spline(permutation(u)[0], context)
            log_density = log_density + contribution
        return u, log_density

    def log_density(self, u: Tensor, category: Tensor) -> Tensor:
        """Log q(u | y) [nats], shape ``(n,)``; sequential, without gradients for the weights."""
        context = self._context(category)
        log_density = u.new_zeros(len(u))
        pairs = list(zip(self.permutations, self.splines, strict=True))
        for permutation, spline in reversed(pairs):
            assert isinstance(spline, InvertedAutoregressiveSpline)
            assert isinstance(permutation, FixedPermutation)
            u, contribution = spline.inverse(u, context)
            log_density = log_density + contribution
            u, _ = permutation.inverse(u)
        return log_density

    def _context(self, category: Tensor) -> Tensor:
        context: Tensor = self.embedding(category + self.first_rows).sum(dim=1)
        return context

    def _before_permutations(self, absent: Tensor) -> Tensor:
        """Dimensions of the base that become the absent ones."""
        for permutation in reversed(self.permutations):
            assert isinstance(permutation, FixedPermutation)
            absent = absent[:, permutation.order]
        return absent


def _without(u: Tensor, absent: Tensor | None) -> Tensor:
    return u if absent is None else u.masked_fill(absent, torch.nan)


def _uniform(n: int, dimensions: int, like: Tensor, generator: Generator | None) -> Tensor:
    return torch.rand(n, dimensions, generator=generator, dtype=like.dtype, device=like.device)
