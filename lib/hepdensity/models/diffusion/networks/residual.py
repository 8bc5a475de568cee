"""A residual network for a single point, e.g. the columns of an event."""

from __future__ import annotations

from torch import Tensor, nn

from hepdensity.models.diffusion.fields import Field, Points
from hepdensity.models.diffusion.networks.conditioning import Context, Feedforward, Output


class ResidualNetwork(Field):
    """Residual blocks modulated by the angle and the conditions; each set is one point."""

    def __init__(self, coordinates: int, conditions: int, width: int, blocks: int) -> None:
        """Create the network.

        Args:
            coordinates: coordinates of the point.
            conditions: number of conditions.
            width: width of the states.
            blocks: residual blocks.
        """
        super().__init__()
        self.context = Context(conditions, width)
        self.enter = nn.Linear(coordinates, width)
        self.blocks = nn.ModuleList(Feedforward(width) for _ in range(blocks))
        self.leave = Output(width, coordinates)

    def forward(self, angle: Tensor, points: Points) -> Tensor:
        """Velocity dy/d(angle), shape ``(n, 1, c)``.

        Raises:
            ValueError: if there are several points in a set.
        """
        if points.x.shape[1] != 1:
            raise ValueError(f"this network takes one point, not sets of {points.x.shape[1]}")
        context = self.context(angle, points.condition)
        states = self.enter(points.x)
        for block in self.blocks:
            states = block(states, context)
        result: Tensor = self.leave(states, context)
        return result

    def own_part(self, angle: Tensor, points: Points) -> Tensor:
        """The same, because there is no other point."""
        return self(angle, points)
