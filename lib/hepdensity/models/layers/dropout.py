"""Dropout surjection: events of several dimensions from one cube (Verheyen 2022, eqs 12-14)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind

_PSEUDO_EVENTS = 0.5


class DropoutSurjection(Layer):
    """Drops one of several sets of coordinates; a dropped coordinate is NaN.

    Directly after a base of independent coordinates, the integral over the dropped coordinates is
    one, so the contribution log p of the set is exact (eq. 14; arXiv:2205.01697). Only NaN marks a
    dropped coordinate: the following layers do not change it, and their networks see a zero.
    """

    kind = LayerKind.SURJECTION_EXACT
    dropped: Tensor
    log_probabilities: Tensor

    def __init__(self, dropped: Tensor, probabilities: Sequence[float] | None) -> None:
        """Create the layer.

        Args:
            dropped: coordinates that each set drops, bool, shape ``(sets, d)``.
            probabilities: positive probability of each set, with sum one; None to count them.

        Raises:
            ValueError: if two sets are the same or the probabilities are invalid.
        """
        super().__init__()
        if len(torch.unique(dropped, dim=0)) != len(dropped):
            raise ValueError("two sets of dropped coordinates are the same")
        self.register_buffer("dropped", dropped)
        self.counted = probabilities is None
        if probabilities is None:
            weights = torch.full((len(dropped),), torch.nan, dtype=torch.float64)
        else:
            weights = preference_vector(probabilities, len(dropped))
        if (weights == 0).any():
            raise ValueError("a set of dropped coordinates has probability zero; omit it")
        self.register_buffer("log_probabilities", weights.log())

    def count(self, chosen: Tensor) -> None:
        """Count the probabilities from the sets of training events, int64, shape ``(n,)``.

        Half an event is added to each set (Krichevsky and Trofimov 1981), so that no set has
        probability zero.
        """
        seen = torch.bincount(chosen, minlength=len(self.dropped))
        numbers = seen.to(self.log_probabilities) + _PSEUDO_EVENTS
        self.log_probabilities.copy_((numbers / numbers.sum()).log())

    def known_log_probabilities(self) -> Tensor:
        """Log-probability of each set, shape ``(sets,)`` [nats].

        Raises:
            ValueError: if they have not been counted.
        """
        if self.counted and self.log_probabilities.isnan().any():
            raise ValueError(
                "the probabilities of the presence sets are missing; call prepare(training) first"
            )
        return self.log_probabilities

    def draw(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw the set to drop, int64, shape ``(n,)``."""
        weights = self.known_log_probabilities().exp()
        return torch.multinomial(weights, n, replacement=True, generator=generator)

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Drop coordinates; the sets are given by ``context``, int64 ``(n,)``, or drawn."""
        chosen = self.draw(len(z), generator) if context is None else context
        return z.masked_fill(self.dropped[chosen], torch.nan), self._contribution(chosen, z)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Leave the event as it is; the sets may be given by ``context``, int64 ``(n,)``."""
        chosen = dropped_set(x, self.dropped) if context is None else context
        return x, self._contribution(chosen, x)

    def _contribution(self, chosen: Tensor, like: Tensor) -> Tensor:
        return self.known_log_probabilities().to(like)[chosen]


def dropped_set(x: Tensor, sets: Tensor) -> Tensor:
    """Set of coordinates that each event drops, int64, shape ``(n,)``.

    Args:
        x: events, with NaN for dropped coordinates, shape ``(n, d)``.
        sets: coordinates that each set drops, bool, shape ``(sets, d)``.

    Raises:
        ValueError: if an event drops other coordinates; names the first one, counted from 1.
    """
    matches = (x.isnan()[:, None] == sets).all(dim=2)
    unknown = ~matches.any(dim=1)
    if unknown.any():
        raise ValueError(
            f"event {int(unknown.nonzero()[0]) + 1} has absent values (NaN) that match none of the"
            " presence sets; check its number of particles"
        )
    return matches.long().argmax(dim=1)


def refuse_dropped(events: Tensor) -> None:
    """Check that no values are absent.

    Raises:
        ValueError: if some are; names the first event, counted from 1.
    """
    dropped = events.isnan().any(dim=1)
    if dropped.any():
        raise ValueError(
            f"event {int(dropped.nonzero()[0]) + 1} has absent values (NaN); events with several"
            " numbers of particles need a layout with presence sets, and a model that takes them,"
            " e.g. of kind 'dropout'"
        )


def preference_vector(values: Sequence[float], count: int) -> Tensor:
    """Check weights of the terms of an objective (eq. 16), or probabilities.

    Args:
        values: the weights.
        count: required number of weights.

    Returns:
        The weights, float64.

    Raises:
        ValueError: for a wrong number, a negative or non-finite weight, or a sum other than one.
    """
    weights = torch.as_tensor(values, dtype=torch.float64)
    given = weights.tolist()
    if len(weights) != count:
        raise ValueError(f"a preference vector needs {count} weights, not {len(weights)}")
    if not ((weights >= 0) & weights.isfinite()).all():
        raise ValueError(f"weights of a preference vector must be finite and >= 0, not {given}")
    if abs(float(weights.sum()) - 1) > 1e-6:
        raise ValueError(f"a preference vector must sum to 1, but {given} sums to {sum(given):g}")
    return weights
