"""Sets of points, velocity fields with random weights, and layouts for tests of diffusion."""

import torch
from torch import Tensor

from hepdensity.models.diffusion.fields import Field, Points
from hepdensity.models.diffusion.networks.hollow import HollowNetwork
from hepdensity.models.diffusion.networks.sets import SetNetwork
from hepdensity.models.diffusion.toy import GaussianMixture, gaussian_mixture_model
from hepdensity.models.layout import Column, Layout, PresenceSet

COUNTS = (3, 1, 0, 5, 2)
"""Points of each set; one has a single point and one has none."""


def point_sets(counts: tuple[int, ...] = COUNTS, places: int = 5, seed: int = 1) -> Points:
    """Sets of points with three coordinates and two conditions."""
    numbers = torch.Generator().manual_seed(seed)
    x = torch.randn(len(counts), places, 3, generator=numbers, dtype=torch.float64)
    present = torch.arange(places) < torch.tensor(counts)[:, None]
    condition = torch.randn(len(counts), 2, generator=numbers, dtype=torch.float64)
    return Points(x, present, condition).at(x)


def with_random_weights(field: Field, seed: int = 2, size: float = 0.25) -> Field:
    """The field in double precision with random weights; at first its output would be 0."""
    numbers = torch.Generator().manual_seed(seed)
    field = field.double()
    with torch.no_grad():
        for parameter in field.parameters():
            drawn = torch.randn(parameter.shape, generator=numbers, dtype=torch.float64)
            parameter.copy_(size * drawn)
    return field


def set_network() -> Field:
    """A small full network."""
    return with_random_weights(SetNetwork(3, 2, width=8, blocks=2, heads=2))


def hollow_network() -> Field:
    """A small block-hollow network."""
    return with_random_weights(HollowNetwork(3, 2, width=8, blocks=2, heads=2))


def mixture() -> GaussianMixture:
    """A mixture of two Gaussians in two dimensions, one of them narrow and tilted."""
    return gaussian_mixture_model(
        means=[[-0.8, 0.3], [0.9, -0.4]],
        covariances=[[[0.10, 0.06], [0.06, 0.08]], [[0.5, -0.2], [-0.2, 0.4]]],
        weights=[0.4, 0.6],
    )


def real_layout(particles: int = 3, least: int = 0, event: int = 1, width: int = 2) -> Layout:
    """Real event columns, and up to some number of particles with real columns."""
    return Layout(
        event=tuple(Column(f"e_{i + 1}", support="real") for i in range(event)),
        particle=tuple(Column(f"p_{i + 1}", support="real") for i in range(width)),
        particles=particles,
        sets=tuple(PresenceSet(f"{k} present", k) for k in range(least, particles + 1)),
    )


def real_events(layout: Layout, n: int, seed: int = 3) -> Tensor:
    """Events of `real_layout` in double precision, with all numbers of particles."""
    numbers = torch.Generator().manual_seed(seed)
    batch = torch.randn(n, layout.features, generator=numbers, dtype=torch.float64)
    batch = 2 + 3 * batch
    _, particles, _, _ = layout.slices
    counts = torch.tensor([chosen.particles for chosen in layout.sets])
    number = counts[torch.arange(n) % len(counts)]
    absent = torch.arange(layout.particles) >= number[:, None]
    hidden = absent.repeat_interleave(len(layout.particle), dim=1)
    batch[:, particles] = batch[:, particles].masked_fill(hidden, torch.nan)
    return batch
