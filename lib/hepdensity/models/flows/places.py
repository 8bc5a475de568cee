"""The particle of each coordinate of a flow, and the flow and contexts for a layout."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepdensity.models.flows.core import Flow, seeded, spline_layers
from hepdensity.models.layout import Layout


def row_places(layout: Layout) -> list[int | None]:
    """Particle of each column of a row, or None."""
    owners = {i: place for place in range(layout.particles) for i in layout.block(place)}
    return [owners.get(i) for i in range(layout.features)]


def absent_places(layout: Layout, places: Sequence[int | None]) -> Tensor:
    """Coordinates of absent particles in each presence set, bool, ``(sets, places)``."""
    return torch.tensor(
        [[place is not None and place >= s.particles for place in places] for s in layout.sets]
    )


def main_flow(
    layout: Layout,
    extra: Sequence[int | None],
    seed: int,
    width: int,
    settings: dict[str, int],
    base: str = "uniform",
) -> tuple[Flow, list[int | None]]:
    """The flow of a treatment, and the particle of each of its coordinates.

    Args:
        layout: columns of the events.
        extra: particle of each coordinate after the continuous columns.
        seed: seed of the weights and of the fixed permutations.
        width: width of the context, 0 for none.
        settings: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim``.
        base: "uniform" or "gaussian".

    Raises:
        ValueError: if there are no coordinates, for an unknown base, or for a Gaussian base and
            columns in [0, 1].
    """
    if base == "gaussian":
        refuse_unit(layout)
    places = [*row_places(layout)[: layout.continuous], *extra]
    if not places:
        raise ValueError("this model needs a continuous column; choose another kind of model")
    layers = spline_layers(len(places), seed, width, bool(layout.sets), base, **settings)
    return Flow(layers, len(places), base), places


def refuse_unit(layout: Layout) -> None:
    """Check that a Gaussian base suits the columns.

    Raises:
        ValueError: if there is a column in [0, 1]; names the first one.
    """
    for column in (*layout.event_continuous, *layout.particle_continuous):
        if column.support == "unit":
            raise ValueError(
                f"column '{column.name}' has values in [0, 1], but a flow with a Gaussian base"
                " takes any real number; choose base 'uniform'"
            )


def set_embedding(layout: Layout, width: int, seed: int) -> nn.Embedding | None:
    """Context of each presence set, or None without sets."""
    if not layout.sets:
        return None
    with seeded(seed):
        return nn.Embedding(len(layout.sets), width)
