"""A normalizing flow: a stack of layers behind a uniform base (Verheyen 2022, arXiv:2205.01697)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import DensityModel, Layer, symmetrised
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.permutation import (
    FixedPermutation,
    SortSurjection,
    StochasticPermutation,
)


class Flow(DensityModel):
    """Layers between a uniform base on the unit cube and events of exchangeable particles.

    ``layers`` are in the order of generation: the first acts on the base, the last gives the data.
    """

    def __init__(
        self, layers: Sequence[Layer], features: int, particles: int, permutation: Layer | None
    ) -> None:
        """Stack the layers.

        Args:
            layers: bijections of the cube, in the order of generation.
            features: dimension of the cube.
            particles: number of exchangeable particles, each with ``features / particles``
            coordinates.
            permutation: treatment of the particles' permutation symmetry, or None.
        """
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self._stack = tuple(layers)
        self.features, self.particles = features, particles
        self.permutation = permutation

    @property
    def bound(self) -> bool:
        """True if a layer makes the one-draw log-density a lower bound."""
        return self.permutation is not None and self.permutation.kind.bound

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] with one draw of the permutation."""
        return -self.log_prob(batch, generator).mean()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats], one draw of the permutation, shape ``(n,)``; -inf off the cube."""
        if self.permutation is None:
            return self.log_prob_ordered(batch)
        z, contribution = self.permutation.inverse(batch, None, generator)
        return self.log_prob_ordered(z) + contribution

    def log_prob_ordered(self, x: Tensor) -> Tensor:
        """Log-density [nats] behind the permutation layer, shape ``(n,)``."""
        total = x.new_zeros(len(x))
        for layer in reversed(self._stack):
            x, contribution = layer.inverse(x)
            total = total + contribution
        inside = ((x >= 0) & (x <= 1)).all(dim=1)
        # NaN must stay NaN, or a diverged training would look like an event off the cube.
        return torch.where(inside | total.isnan(), total, torch.full_like(total, -torch.inf))

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Exact log-density of ``sample`` [nats], shape ``(n,)``.

        With a permutation layer ``sample`` shuffles, so the density is the mean over all orders of
        the density behind that layer; without one it is ``log_prob``.
        """
        if self.permutation is None:
            return self.log_prob_ordered(batch)
        return symmetrised(self.log_prob_ordered, batch, self.particles)

    @torch.no_grad()
    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, features)``."""
        like = next(self.parameters())
        x = torch.rand(n, self.features, generator=generator, dtype=like.dtype, device=like.device)
        for layer in self.layers:
            x, _ = layer(x)
        if self.permutation is not None:
            x, _ = self.permutation(x, None, generator)
        return x


def _permutation_layer(name: str, particles: int) -> Layer | None:
    choices = {
        "none": lambda: None,
        "stochastic": lambda: StochasticPermutation(particles),
        "sort": lambda: SortSurjection(particles),
    }
    if name not in choices:
        raise ValueError(f"unknown permutation treatment '{name}': choose from {sorted(choices)}")
    return choices[name]()


def spline_flow(
    *,
    permutation: str,
    layers: int,
    bins: int,
    residual_blocks: int,
    units_per_dim: int,
    seed: int,
    features: int = 8,
    particles: int = 4,
) -> Flow:
    """Build the baseline flow of Verheyen 2022, section 3.2 (table 1: 8, 32, 2, 10).

    Args:
        permutation: "none", "stochastic" or "sort".
        layers: number of autoregressive layers, each with a fixed random permutation of
        coordinates.
        bins: spline bins.
        residual_blocks: residual blocks of each MADE.
        units_per_dim: hidden units per feature.
        seed: seed of the weights and of the fixed permutations.
        features: dimension of the cube.
        particles: number of exchangeable particles.

    Raises:
        ValueError: for an unknown permutation treatment.
    """
    generator = torch.Generator().manual_seed(seed)
    stack: list[Layer] = []
    # Linear layers draw their initial weights from torch's global stream: fork it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(layers):
            hidden = units_per_dim * features
            stack.append(AutoregressiveSpline(features, hidden, residual_blocks, bins))
            stack.append(FixedPermutation(features, generator))
    return Flow(stack, features, particles, _permutation_layer(permutation, particles))
