"""Residual MADE (Germain et al. 2015, arXiv:1502.03509; blocks as in Durkan et al. 2019)."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from hepdensity.models.networks.staircase import StaircaseLinear

_HIDDEN_STEPS = 4
_LAST_LAYER_SPREAD = 1e-3


class ResidualMADE(nn.Module):
    """Parameters of each coordinate as a function of the preceding coordinates.

    The network consists of a masked linear map to ``hidden`` units, ``blocks`` residual blocks
    (ReLU, linear, ReLU, linear) and a masked linear output map. Hidden degrees 1 ... d - 1 are
    distributed evenly. Units are sorted by degree, which makes every mask a staircase (see
    ``staircase``). Weight layout, initialisation and number of parameters are those of the residual
    MADE in nflows, up to the order of the hidden units.

    A context is added through linear maps to the output of the first map (after a ReLU) and within
    every block, as in Verheyen 2022 (arXiv:2205.01697). No hidden unit feeds the first coordinate,
    so its parameters would not depend on the context; they get an additional linear term.
    """

    def __init__(
        self, features: int, hidden: int, blocks: int, outputs: int, context: int = 0
    ) -> None:
        """Create the network.

        Args:
            features: number of coordinates d.
            hidden: number of hidden units, at least d - 1 so that each degree occurs.
            blocks: number of residual blocks.
            outputs: number of parameters of each coordinate.
            context: width of the context, 0 for none.

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
        if context:
            self.context_maps = nn.ModuleList(nn.Linear(context, hidden) for _ in range(1 + blocks))
            self.context_first = nn.Linear(context, outputs)

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

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Parameters ``(features, outputs, n)`` of coordinates ``x`` of shape ``(features, n)``.

        Args:
            x: coordinates.
            context: shape ``(n, context)``, for a network that was created with one.
        """
        if context is None:
            return self._unconditioned(x)
        first_term, initial_term, *terms = self._context_terms(context)
        h = self.initial(x) + initial_term
        for (first, last), term in zip(self._pairs(), terms, strict=True):
            h = h + last((first(h.relu()) + term).relu())
        parameters: Tensor = _AddToFirst.apply(
            self.final(h).view(self.features, self.outputs, -1), first_term
        )
        return parameters

    def _unconditioned(self, x: Tensor) -> Tensor:
        h = self.initial(x)
        for first, last in self._pairs():
            h = h + last(first(h.relu()).relu())
        parameters: Tensor = self.final(h)
        return parameters.view(self.features, self.outputs, -1)

    def _context_terms(self, context: Tensor) -> list[Tensor]:
        """Context terms of the first coordinate's parameters, the first map and each block."""
        initial, *blocks = (_feature_first(layer, context) for layer in self.context_maps)
        return [_feature_first(self.context_first, context), initial.relu(), *blocks]

    def sequential(self, n: int, like: Tensor, context: Tensor | None = None) -> "SequentialPass":
        """Start a pass over ``n`` events in which the coordinates become known one by one."""
        terms = None if context is None else self._context_terms(context)
        return SequentialPass(self, list(self._pairs()), n, like, terms)


class _AddToFirst(torch.autograd.Function):
    """Add a term to the parameters of the first coordinate, without a copy of the others."""

    @staticmethod
    def forward(ctx: Any, parameters: Tensor, term: Tensor) -> Tensor:
        ctx.mark_dirty(parameters)
        parameters[0] += term
        return parameters

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, grad[0]


def _feature_first(layer: nn.Module, context: Tensor) -> Tensor:
    assert isinstance(layer, nn.Linear)
    return torch.addmm(layer.bias[:, None], layer.weight, context.T)


class SequentialPass:
    """Evaluates a MADE coordinate by coordinate, computing each hidden unit only once.

    The usual autoregressive inversion runs the whole network once per coordinate. Hidden units of
    degree g depend only on the first g coordinates, so they can be computed as soon as these are
    known, and then kept.
    """

    def __init__(
        self,
        made: ResidualMADE,
        pairs: list[tuple[StaircaseLinear, StaircaseLinear]],
        n: int,
        like: Tensor,
        terms: list[Tensor] | None,
    ) -> None:
        """Allocate activations with the dtype and device of ``like``; ``terms`` has the context."""
        self._made, self._pairs, self._terms = made, pairs, terms
        hidden = made.initial.weight.shape[0]
        self._active = [like.new_empty(hidden, n) for _ in range(2 * len(pairs))]
        self._last = like.new_empty(hidden, n)
        self._known = 0

    def parameters(self, d: int) -> Tensor:
        """Parameters of coordinate ``d``, shape ``(outputs, n)``."""
        made = self._made
        seen = self._last[: made.units_up_to[d]]
        parameters = made.final.rows(d * made.outputs, (d + 1) * made.outputs, seen)
        return parameters if self._terms is None or d else parameters + self._terms[0]

    def reveal(self, x: Tensor) -> None:
        """Compute the hidden units that depend on the coordinates known so far, ``(k, n)``."""
        start, stop = self._known, self._made.units_up_to[len(x)]
        self._known = stop
        if start == stop:
            return
        h = self._with_context(self._made.initial.rows(start, stop, x), 1)
        for i, (first, last) in enumerate(self._pairs):
            before, between = self._active[2 * i], self._active[2 * i + 1]
            torch.clamp_min(h, 0, out=before[start:stop])
            inner = self._with_context(first.rows(start, stop, before[:stop]), i + 2)
            torch.clamp_min(inner, 0, out=between[start:stop])
            h = h + last.rows(start, stop, between[:stop])
        self._last[start:stop] = h

    def _with_context(self, units: Tensor, term: int) -> Tensor:
        """The newly computed units, with their context term if there is one."""
        if self._terms is None:
            return units
        return units + self._terms[term][self._known - len(units) : self._known]
