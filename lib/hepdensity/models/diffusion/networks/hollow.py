"""A block-hollow network of sets of points: the divergence takes one pass for each coordinate.

The velocity of a point depends on the point itself through its stream of states, and on the others
through keys and values to which its stream attends. Keys and values of a point come from this point
alone, and no stream attends to its own. So with keys and values held constant, gradients flow from
a point to its own velocity only, and a reverse pass of the sum over the points gives the diagonal
blocks of the Jacobian (idea: HollowFlow, arXiv:2510.21542). The first thing that a stream gets to
know is a mean over the other points.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepdensity.models.diffusion.fields import Field, Points
from hepdensity.models.diffusion.networks.conditioning import (
    Context,
    Feedforward,
    Modulation,
    Output,
    attend,
    attention_bias,
    check_heads,
    modulated,
    point_encoder,
)


class HollowNetwork(Field):
    """The velocity of each point from its own stream and from sources of the other points."""

    def __init__(
        self,
        coordinates: int,
        conditions: int,
        width: int,
        blocks: int,
        heads: int,
        known: int = 0,
    ) -> None:
        """Create the network.

        Args:
            coordinates: coordinates of a point.
            conditions: number of conditions.
            width: width of the states.
            blocks: blocks of attention to the sources.
            heads: attention heads of each block.
            known: features of a point beside its coordinates.

        Raises:
            ValueError: if the heads do not divide the width.
        """
        super().__init__()
        check_heads(width, heads)
        self.context = Context(conditions, width)
        self.source = _Source(coordinates + known, width)
        self.enter = point_encoder(coordinates + known, width)
        self.pool = nn.Linear(width, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(blocks))
        self.leave = Output(width, coordinates)

    def forward(self, angle: Tensor, points: Points) -> Tensor:
        """Velocity dy/d(angle), shape ``(n, N, c)``."""
        return self._velocity(angle, points, points.x)

    def own_part(self, angle: Tensor, points: Points) -> Tensor:
        """The same velocity, with gradients from a point to its own velocity only."""
        return self._velocity(angle, points, points.x.detach())

    def _velocity(self, angle: Tensor, points: Points, others: Tensor) -> Tensor:
        """Velocity from the points as themselves, and the same points as others."""
        context = self.context(angle, points.condition)
        sources = points.masked(self.source(points.described(others), context))
        away = sources.sum(dim=1, keepdim=True) - sources
        number = (points.counts - 1)[:, None, None].to(away)
        states = self.enter(points.described(points.x)) + self.pool(away / number.clamp(min=1))
        bias = attention_bias(points.present[:, None] & ~_diagonal(points), states)
        for block in self.blocks:
            states = block(states, sources, context, bias, number > 0)
        result: Tensor = self.leave(states, context)
        return result


def _diagonal(points: Points) -> Tensor:
    places = points.x.shape[1]
    return torch.eye(places, dtype=torch.bool, device=points.x.device)


class _Source(nn.Module):
    """What other points may know of a point."""

    def __init__(self, coordinates: int, width: int) -> None:
        super().__init__()
        self.enter = point_encoder(coordinates, width)
        self.feedforward = Feedforward(width)
        self.modulation = Modulation(width, 2)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        scale, shift = self.modulation(context)
        return modulated(self.feedforward(self.enter(x), context), scale, shift)


class _Block(nn.Module):
    """Attention of streams to the sources of other points, if there are any."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.modulation = Modulation(width, 3)
        self.ask, self.join = nn.Linear(width, width), nn.Linear(width, width)
        self.answer = nn.Linear(width, 2 * width)
        self.feedforward = Feedforward(width)

    def forward(
        self, states: Tensor, sources: Tensor, context: Tensor, bias: Tensor, others: Tensor
    ) -> Tensor:
        scale, shift, gate = self.modulation(context)
        query = self.ask(modulated(states, scale, shift))
        key, value = self.answer(sources).chunk(2, dim=2)
        found = self.join(attend(query, key, value, bias, self._heads))
        states = torch.addcmul(states, found, (1 + gate) * others)
        result: Tensor = self.feedforward(states, context)
        return result
