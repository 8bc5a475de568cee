"""What is known about an event before each of its objects: types, and the harder objects."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepdensity.studies.darkmachines.models.canonical import TYPES, Canonical

LOG_SCALE = 4.5
"""Centre of log pT and log MET [log GeV], about 90 GeV."""

_OBJECT = 6 + TYPES
_SUMS = 6


class Trunk(nn.Module):
    """Causal attention over objects sorted by falling pT; output k knows the first k objects."""

    def __init__(self, width: int, blocks: int, heads: int) -> None:
        """Create the network.

        Args:
            width: width of the states.
            blocks: attention blocks.
            heads: attention heads of each.
        """
        super().__init__()
        self.enter = nn.Linear(_OBJECT + _SUMS + 2 * TYPES + 1, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(blocks))
        self.leave = nn.LayerNorm(width)

    def forward(self, events: Canonical) -> Tensor:
        """States from which the quantities of each object follow, shape ``(n, N, width)``."""
        state = self.enter(_tokens(events))
        for block in self.blocks:
            state = block(state)
        result: Tensor = self.leave(state)
        return result


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.network = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, state: Tensor) -> Tensor:
        n, places, width = state.shape
        parts = self.mix(self.before(state)).view(n, places, 3, self._heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        found = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        state = state + self.join(found.transpose(1, 2).reshape(n, places, width))
        result: Tensor = state + self.network(self.between(state))
        return result


def one_hot(types: Tensor, like: Tensor) -> Tensor:
    """Types as vectors, zero if absent, shape ``(..., TYPES)``."""
    return nn.functional.one_hot(types.clamp(min=0), TYPES).to(like) * (types >= 0)[..., None]


def recoil(events: Canonical) -> tuple[Tensor, Tensor]:
    """Momentum [GeV] that balances MET and the harder objects, along and across MET, (n, N)."""
    pt = events.log_pt.exp() * events.present
    along, across = pt * events.delta.cos(), pt * events.delta.sin()
    met = events.log_met.exp()[:, None]
    return -(met + along.cumsum(1) - along), -(across.cumsum(1) - across)


def _tokens(events: Canonical) -> Tensor:
    """Inputs at each place: the previous object, sums over harder ones, and all types."""
    own = one_hot(events.type, events.log_pt)
    present = events.present.to(events.log_pt)
    previous = torch.stack(
        [
            (events.log_pt - LOG_SCALE) * present,
            (events.log_mass - events.log_pt) * events.jets,
            events.eta,
            events.delta.sin() * present,
            events.delta.cos() * present,
            present,
        ],
        dim=2,
    )
    shifted = nn.functional.pad(torch.cat([previous, own], dim=2), (0, 0, 1, 0))[:, :-1]
    ahead = own.flip(1).cumsum(1).flip(1)
    log_met = (events.log_met - LOG_SCALE)[:, None].expand_as(present)
    return torch.cat([shifted, _sums(events), own, ahead / 4, log_met[:, :, None]], dim=2)


def _sums(events: Canonical) -> Tensor:
    """Sums over the harder objects at each place, shape ``(n, N, _SUMS)``."""
    pt = events.log_pt.exp() * events.present
    energy, pz = pt * events.eta.cosh(), pt * events.eta.sinh()
    along, across = recoil(events)
    met = events.log_met.exp()[:, None]
    totals = [values.cumsum(1) - values for values in (pt, energy, pz)]
    mass_squared = totals[1].square() - totals[2].square() - (along + met).square()
    mass_squared = (mass_squared - across.square()).clamp(min=1.0)
    return torch.stack(
        [
            (totals[0] + 10).log() - LOG_SCALE,
            0.5 * mass_squared.log() - LOG_SCALE,
            totals[2] / (totals[1] + 10),
            (along / 50).asinh() / 2,
            (across / 50).asinh() / 2,
            0.5 * (along.square() + across.square() + 1).log() - LOG_SCALE,
        ],
        dim=2,
    )
