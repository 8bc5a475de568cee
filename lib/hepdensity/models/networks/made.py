"""Residual MADE (Germain et al. 2015, arXiv:1502.03509; blocks as in Durkan et al. 2019)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from hepdensity.models.networks.staircase import StaircaseLinear

_HIDDEN_STEPS = 4
_LAST_LAYER_SPREAD = 1e-3


class ResidualMADE(nn.Module):
    """Parameters of each coordinate as a function of the preceding coordinates.

    One masked linear map into ``hidden`` units, ``blocks`` residual blocks (ReLU, linear, ReLU,
    linear) and one masked linear map out. Hidden degrees 1 ... d - 1 are dealt out evenly; units
    are kept sorted by degree, which makes every mask a staircase (see ``staircase``). Weight
    layout, initialisation and number of parameters are those of nflows' residual MADE up to the
    order of the hidden units.
    """

    def __init__(self, features: int, hidden: int, blocks: int, outputs: int) -> None:
        """Create the network.

        Args:
            features: number of coordinates d.
            hidden: number of hidden units; at least d - 1, so that each degree occurs.
            blocks: number of residual blocks.
            outputs: parameters of each coordinate.

        Raises:
            ValueError: if there are fewer hidden units than degrees.
        """
        super().__init__()
        top = max(1, features - 1)
        if hidden < top:
            raise ValueError(f"a MADE of {features} features needs at least {top} hidden units")
        degrees = sorted(1 + j % top for j in range(hidden))
        self.features, self.outputs = features, outputs
        self.units_up_to = [sum(g <= d for g in degrees) for d in range(features + 1)]
        same_or_lower = [self.units_up_to[g] for g in degrees]
        self.initial = StaircaseLinear(features, degrees)
        self.blocks = nn.ModuleList(
            nn.ModuleList(StaircaseLinear(hidden, same_or_lower, _HIDDEN_STEPS) for _ in range(2))
            for _ in range(blocks)
        )
        extents = [self.units_up_to[d] for d in range(features) for _ in range(outputs)]
        self.final = StaircaseLinear(hidden, extents, most_steps=features)
        self._shrink_last_layers()

    def _shrink_last_layers(self) -> None:
        for _, last in self._pairs():
            for parameter in (last.weight, last.bias):
                nn.init.uniform_(parameter, -_LAST_LAYER_SPREAD, _LAST_LAYER_SPREAD)
            last.weight.data.mul_(last.mask)

    def _pairs(self) -> Iterator[tuple[StaircaseLinear, StaircaseLinear]]:
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            first, last = block
            assert isinstance(first, StaircaseLinear) and isinstance(last, StaircaseLinear)
            yield first, last

    def forward(self, x: Tensor) -> Tensor:
        """Parameters ``(features, outputs, n)`` of coordinates ``x`` of shape ``(features, n)``."""
        h = self.initial(x)
        for first, last in self._pairs():
            h = h + last(first(h.relu()).relu())
        parameters: Tensor = self.final(h)
        return parameters.view(self.features, self.outputs, -1)

    def sequential(self, n: int, like: Tensor) -> "SequentialPass":
        """Start a pass over ``n`` events in which the coordinates become known one by one."""
        return SequentialPass(self, list(self._pairs()), n, like)


class SequentialPass:
    """Evaluates a MADE coordinate by coordinate, each hidden unit once.

    The usual autoregressive inversion runs the whole network once per coordinate. Hidden units of
    degree g depend on the first g coordinates only, so they can be computed as soon as those are
    known and kept.
    """

    def __init__(
        self,
        made: ResidualMADE,
        pairs: list[tuple[StaircaseLinear, StaircaseLinear]],
        n: int,
        like: Tensor,
    ) -> None:
        """Allocate the activations; ``like`` gives dtype and device."""
        self._made, self._pairs = made, pairs
        hidden = made.initial.weight.shape[0]
        self._active = [like.new_empty(hidden, n) for _ in range(2 * len(pairs))]
        self._last = like.new_empty(hidden, n)
        self._known = 0

    def parameters(self, d: int) -> Tensor:
        """Parameters of coordinate ``d``, shape ``(outputs, n)``."""
        made = self._made
        seen = self._last[: made.units_up_to[d]]
        return made.final.rows(d * made.outputs, (d + 1) * made.outputs, seen)

    def reveal(self, x: Tensor) -> None:
        """Take in the coordinates known so far, ``(k, n)``; compute the units that they feed."""
        start, stop = self._known, self._made.units_up_to[len(x)]
        self._known = stop
        if start == stop:
            return
        h = self._made.initial.rows(start, stop, x)
        for i, (first, last) in enumerate(self._pairs):
            before, between = self._active[2 * i], self._active[2 * i + 1]
            torch.clamp_min(h, 0, out=before[start:stop])
            torch.clamp_min(first.rows(start, stop, before[:stop]), 0, out=between[start:stop])
            h = h + last.rows(start, stop, between[:stop])
        self._last[start:stop] = h
