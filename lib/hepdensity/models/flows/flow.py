"""A normalizing flow: a stack of layers behind a uniform base (Verheyen 2022, arXiv:2205.01697)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import DensityModel, Layer, symmetrised
from hepdensity.models.layers.autoregressive import AutoregressiveSpline
from hepdensity.models.layers.permutation import FixedPermutation, particle_layer


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

    def prepare(self, training: Tensor) -> None:
        """Refuse events that this model is not for.

        Raises:
            ValueError: for a wrong number of columns or dropped dimensions.
        """
        if training.shape[1] != self.features:
            raise ValueError(
                f"this flow is for events of {self.features} columns, not {training.shape[1]}"
            )
        refuse_dropped(training)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] with one draw of the permutation."""
        return -self.log_prob(batch, generator).mean()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats], one draw of the permutation, shape ``(n,)``; -inf off the cube."""
        if self.permutation is None:
            return self.log_prob_ordered(batch)
        z, contribution = self.permutation.inverse(batch, None, generator)
        return self.log_prob_ordered(z) + contribution

    def log_prob_ordered(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density [nats] behind the permutation layer, shape ``(n,)``.

        Args:
            x: points of the cube, shape ``(n, features)``; for layers that may drop coordinates NaN
                marks those, and the density is that of the others.
            context: condition of each event, shape ``(n, ...)``, for layers that take one.
        """
        total, given = x.new_zeros(len(x)), x
        for layer in reversed(self._stack):
            x, contribution = layer.inverse(x, context)
            total = total + contribution
        inside = ~((x < 0) | (x > 1)).any(dim=1)
        if context is None:
            # Without a context nothing can tell what is dropped: NaN is bad input.
            total = total.masked_fill(given.isnan().any(dim=1), torch.nan)
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
        x = self.push(self.base_points(n, generator))
        if self.permutation is not None:
            x, _ = self.permutation(x, None, generator)
        return x

    def base_points(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw points of the base, shape ``(n, features)``."""
        like = next(self.parameters())
        return torch.rand(
            n, self.features, generator=generator, dtype=like.dtype, device=like.device
        )

    @torch.no_grad()
    def push(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Points of the base through all layers but the permutation, shape ``(n, features)``."""
        for layer in self._stack:
            z, _ = layer(z, context)
        return z

    def to_base(self, values: Tensor) -> Tensor:
        """Values of the data's coordinates, ``(n, features)``, in the order of the base's."""
        for layer in reversed(self._stack):
            if isinstance(layer, FixedPermutation):
                values = values[:, layer.order]
        return values


def refuse_dropped(events: Tensor) -> None:
    """Refuse events with dropped dimensions.

    Raises:
        ValueError: naming the first such event, 1-based.
    """
    dropped = events.isnan().any(dim=1)
    if dropped.any():
        raise ValueError(
            f"event {int(dropped.nonzero()[0]) + 1} has dropped dimensions: "
            "events of mixed multiplicity need a model of kind 'dropout'"
        )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let initial weights, which come from torch's global stream, depend on ``seed`` alone."""
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
    stack = spline_layers(
        features,
        seed,
        layers=layers,
        bins=bins,
        residual_blocks=residual_blocks,
        units_per_dim=units_per_dim,
    )
    return Flow(stack, features, particles, particle_layer(permutation, particles))
