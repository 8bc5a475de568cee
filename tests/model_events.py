"""Layouts and events for tests of models."""

import math

import torch
from torch import Tensor

from hepdensity.models.layers.coding import Coding, combined, split
from hepdensity.models.layers.permutation import reorder_particles
from hepdensity.models.layout import Code, Column, Layout, PresenceSet

BUILDERS = {
    "argmax": "hepdensity.models.flows.discrete:argmax_flow",
    "classifier": "hepdensity.models.classifier:classified_flow",
    "dequantisation": "hepdensity.models.flows.discrete:dequantisation_flow",
    "dropout": "hepdensity.models.flows.dropout:dropout_flow",
    "flow": "hepdensity.models.flows.flow:spline_flow",
    "mixture": "hepdensity.models.flows.mixture:mixture_flow",
}
"""Builder of each shared kind."""


def grid(n: int, d: int = 2) -> Tensor:
    """Midpoints of the cells of a cube, shape (n^d, d)."""
    axis = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return torch.cartesian_prod(*[axis] * d) if d > 1 else axis[:, None]


def plain_layout(particles: int = 4, width: int = 2) -> Layout:
    """Particles with `width` columns in [0, 1] each."""
    columns = tuple(Column(f"x_{i + 1}") for i in range(width))
    return Layout(event=(), particle=columns, particles=particles)


def sets_layout(particles: int = 2, probability: float | None = 0.3) -> Layout:
    """Complete events with this probability, and otherwise events with only the first particle."""
    rest = None if probability is None else 1 - probability
    sets = (PresenceSet("complete", particles, probability), PresenceSet("one", 1, rest))
    columns = (Column("x_1"), Column("x_2"))
    return Layout(event=(), particle=columns, particles=particles, sets=sets)


def joined_layout(particles: int) -> Layout:
    """Two event spins and the particles' in one code, places of all in a permutation.

    The columns of a row are x_1, x_2 of the particles, spin_1, spin_2, place_1, and spin and place
    of the particles.
    """
    places = particles + 1
    return Layout(
        event=(
            Column("spin_1", categories=2),
            Column("spin_2", categories=2),
            Column("place_1", categories=places),
        ),
        particle=(
            Column("x_1"),
            Column("x_2"),
            Column("spin", categories=2),
            Column("place", categories=places),
        ),
        particles=particles,
        codes=(
            Code("spins", ("spin_1", "spin_2", "spin")),
            Code("places", ("place_1", "place"), "permutation"),
        ),
    )


def categories(particles: int) -> int:
    """Number of categories of `joined_layout`."""
    return math.prod(Coding(joined_layout(particles)).counts)


def joined_events(continuous: Tensor, category: Tensor) -> Tensor:
    """Events of `joined_layout` from their x and their category."""
    coding = Coding(joined_layout(continuous.shape[1] // 2))
    return coding.events(continuous, split(category, coding.counts))


def category(batch: Tensor) -> Tensor:
    """Category of events of `joined_layout`, shape (n,)."""
    coding = Coding(joined_layout((batch.shape[1] - 3) // 4))
    return combined(coding.codes(batch), coding.counts)


def reorder(batch: Tensor, order: Tensor) -> Tensor:
    """Events of `joined_layout` with their particles in another order."""
    return reorder_particles(joined_layout(order.shape[1]))(batch, order)


def general_layout(
    particles: int = 3,
    sets: bool = True,
    categorical: bool = True,
    types: int = 3,
    angle: str = "unit",
) -> Layout:
    """An event column and a particle column of real numbers, one in [0, 1], flags and types."""
    return Layout(
        event=(
            Column("energy", "GeV", support="real"),
            *((Column("flag", categories=2),) if categorical else ()),
        ),
        particle=(
            Column("momentum", "GeV", support="real"),
            Column("angle", support=angle),
            *((Column("type", categories=types),) if categorical else ()),
        ),
        particles=particles,
        sets=tuple(PresenceSet(f"{k} present", k) for k in range(1, particles + 1)) * sets,
    )


def general_events(layout: Layout, n: int, seed: int = 0) -> Tensor:
    """Events of `general_layout` in double precision; types depend on momenta."""
    numbers = torch.Generator().manual_seed(seed)
    particles = layout.particles
    energy = 1 + 3 * torch.randn(n, 1, generator=numbers, dtype=torch.float64)
    t = torch.randn(n, particles, 2, generator=numbers, dtype=torch.float64)
    continuous = torch.stack([5 + t[:, :, 0], torch.special.ndtr(t[:, :, 1])], dim=2)
    flag = (torch.rand(n, 1, generator=numbers) < 0.7).double()
    noise = 0.5 * torch.randn(n, particles, generator=numbers)
    kinds = (t[:, :, 0] + noise > 0).double() + (t[:, :, 0] + noise > 1)
    if layout.sets:
        present = torch.randint(1, particles + 1, (n, 1), generator=numbers)
        absent = torch.arange(particles) >= present
        continuous[absent], kinds[absent] = torch.nan, torch.nan
    parts = [energy, continuous.flatten(1), *([flag, kinds] if layout.categorical else [])]
    return torch.cat(parts, dim=1)
