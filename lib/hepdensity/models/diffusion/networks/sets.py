"""Permutation-equivariant network of sets of points: DeepSets and a transformer.

The context of an event is the angle, the conditions and a mean over its points (Zaheer et al. 2017,
arXiv:1703.06114). It modulates the blocks of a transformer over the points (Vaswani et al. 2017,
arXiv:1706.03762). Absent points are in no mean and in no attention.
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


class SetNetwork(Field):
    """The velocity of each point given all points; the cost grows with N^2 for N places."""

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
            blocks: transformer blocks.
            heads: attention heads of each block.
            known: features of a point beside its coordinates.

        Raises:
            ValueError: if the heads do not divide the width.
        """
        super().__init__()
        check_heads(width, heads)
        self.context = Context(conditions, width)
        self.enter = point_encoder(coordinates + known, width)
        self.pool = nn.Linear(width, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(blocks))
        self.leave = Output(width, coordinates)

    def forward(self, angle: Tensor, points: Points) -> Tensor:
        """Velocity dy/d(angle), shape ``(n, N, c)``."""
        states = self.enter(points.described(points.x))
        counts = points.counts.clamp(min=1)[:, None].to(states)
        mean = points.masked(states).sum(dim=1) / counts
        context = self.context(angle, points.condition) + self.pool(mean)
        bias = attention_bias(points.present[:, None], states)
        for block in self.blocks:
            states = block(states, context, bias)
        result: Tensor = self.leave(states, context)
        return result


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.modulation = Modulation(width, 3)
        self.mix, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feedforward = Feedforward(width)

    def forward(self, states: Tensor, context: Tensor, bias: Tensor) -> Tensor:
        scale, shift, gate = self.modulation(context)
        query, key, value = self.mix(modulated(states, scale, shift)).chunk(3, dim=2)
        found = self.join(attend(query, key, value, bias, self._heads))
        result: Tensor = self.feedforward(torch.addcmul(states, found, 1 + gate), context)
        return result
