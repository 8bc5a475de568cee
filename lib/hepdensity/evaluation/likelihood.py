"""Log-likelihoods of events under a trained model, with standard errors [nats]."""

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from hepdensity.evaluation.chunks import Chunks, Unfinished
from hepdensity.evaluation.estimates import not_finite
from hepdensity.evaluation.scores import (
    CURVE,
    FACTOR,
    LOG_P_SETS,
    MS_PER_EVENT,
    ONE_DRAW,
    SYMMETRISED,
    TIGHT,
    Scores,
)
from hepdensity.models.base import DensityModel, has_sets, symmetrised
from hepdensity.models.factorised import FactorisedDensity

_DRAWS_RATIO = 4

logger = logging.getLogger(__name__)

Score = Callable[[DensityModel, Tensor], Tensor]
"""Values of a batch of events under a model [nats]."""


@dataclass(frozen=True)
class Importance:
    """How to tighten the bound of a model that has no exact log-density.

    Attributes:
        draws: largest number of importance draws per event.
        events: number of test events, counted from the first.
    """

    draws: int
    events: int

    def __post_init__(self) -> None:
        if self.draws < 1 or self.events < 2:
            raise ValueError(
                "an importance-weighted bound needs evaluation.draws >= 1 and evaluation.events"
                f" >= 2, not {self.draws} and {self.events}"
            )

    @property
    def curve(self) -> list[int]:
        """Numbers of draws: 1, 4, 16, ... and the largest."""
        numbers = []
        draws = 1
        while draws < self.draws:
            numbers.append(draws)
            draws *= _DRAWS_RATIO
        return [*numbers, self.draws]


def log_likelihoods(
    model: DensityModel,
    events: Tensor,
    generator: Generator,
    importance: Importance,
    particles: int | None = None,
    advance: Callable[[int], object] = lambda n: None,
    unfinished: Unfinished | None = None,
) -> Scores:
    """Log-densities of test events.

    In single precision a possible event can look impossible, because an angle close to the edge of
    its range is rounded onto the edge. Events without a finite value are therefore scored again in
    double precision. This does not affect the values of the other events.

    Args:
        model: trained model, on the device of ``events``.
        events: shape ``(n, d)``, in double precision even if the model is not, so that events can
            be scored again without rounding.
        generator: source of random numbers, on the device of ``events``.
        importance: how to compute the bound of a model that is not exact.
        particles: number of exchangeable particles, for events that consist of their angles only;
            if given, ordered models also get a value averaged over all particle orders.
        advance: called with the number of events after each chunk of each array, the first time
            that the chunk is scored.
        unfinished: where an interrupted job continues; None to begin from the start.

    Returns:
        Arrays [nats]: ``log_likelihood`` with one draw, as the paper reports it;
        ``log_likelihood_tight``, the log-density of the model's samples if it is exact, otherwise
        the tightest lower bound for the first ``importance.events`` events. A model that is not
        exact also gets ``log_likelihood_curve``, shape ``(len(draws), events)``, with nested draws.
        A model that treats particles as ordered also gets ``log_likelihood_symmetrised``, the
        log-mean-exp over all orders.

        Attributes: ``exact``; if it is false, the numbers ``draws`` of the curve; for a model of
        several multiplicities, their log-probabilities ``log_p_sets``; ``ms_per_event``, the time
        of a tight value [ms]; for each array, ``not_finite_<array>``, the number of events without
        a finite value.

        A factorised density is evaluated once. Its value, of which ``exact`` says whether it is
        exact or an unbiased estimate, is both ``log_likelihood`` and ``log_likelihood_tight``, and
        its factors are ``log_p_<factor>``.
    """
    chunks = Chunks(generator, unfinished)
    if isinstance(model, FactorisedDensity):
        return _factors(model, events, generator, chunks, advance)
    scores: dict[str, Score] = {ONE_DRAW: lambda m, x: m.log_prob(x, generator)}
    attributes: dict[str, Any] = {"exact": model.exact, **_sets(model)}
    if model.exact:
        scores[TIGHT] = lambda m, x: m.log_prob_tight(x)
        if _is_ordered(model, particles):
            scores[SYMMETRISED] = lambda m, x: symmetrised(m.log_prob, x, particles or 1)
    else:
        draws = attributes["draws"] = importance.curve
        scores[CURVE] = lambda m, x: m.log_prob_curve(x, draws, generator)
    batches = {name: events[: importance.events] if name == CURVE else events for name in scores}
    arrays = {
        name: _score(model, score, batches[name], chunks, name, advance)
        for name, score in scores.items()
    }
    chunks.save()
    tight = TIGHT if model.exact else CURVE
    attributes[MS_PER_EVENT] = 1e3 * chunks.seconds[tight] / len(batches[tight])
    # This comes last, so that it does not change the random numbers of the other events.
    for name, score in scores.items():
        _score_again(model, score, batches[name], arrays[name], generator, name)
    if not model.exact:
        arrays[TIGHT] = arrays[CURVE][-1]
    attributes |= {f"not_finite_{name}": not_finite(values) for name, values in arrays.items()}
    return Scores(arrays, attributes)


def _factors(
    model: FactorisedDensity,
    events: Tensor,
    generator: Generator,
    chunks: Chunks,
    advance: Callable[[int], object],
) -> Scores:
    """Log-densities of the factors, and their sum."""
    precision = next(p.dtype for p in model.parameters())
    parts = chunks.values(
        TIGHT, events, lambda chunk: model.log_parts(chunk.to(precision), generator), advance
    )
    chunks.save()
    ms = 1e3 * chunks.seconds[TIGHT] / len(events)
    factors = {name: values.numpy() for name, values in parts.items()}
    total = np.sum(list(factors.values()), axis=0)
    arrays = {f"{FACTOR}{name}": values for name, values in factors.items()}
    arrays |= {ONE_DRAW: total, TIGHT: total}
    attributes = {f"not_finite_{name}": not_finite(values) for name, values in arrays.items()}
    told = {"exact": model.exact, MS_PER_EVENT: ms, **_sets(model)}
    return Scores(arrays, {**told, **attributes})


def _score(
    model: DensityModel,
    score: Score,
    events: Tensor,
    chunks: Chunks,
    name: str,
    advance: Callable[[int], object] = lambda n: None,
) -> np.ndarray:
    """Values computed in the precision of the model; the last axis runs over events."""
    precision = next((p.dtype for p in model.parameters()), events.dtype)
    found = chunks.values(
        name, events, lambda chunk: {name: score(model, chunk.to(precision))}, advance
    )
    return found[name].numpy()


def _score_again(
    model: DensityModel,
    score: Score,
    events: Tensor,
    values: np.ndarray,
    generator: Generator,
    name: str,
) -> None:
    """Recompute values that are not finite in double precision, in place."""
    lacking = ~np.isfinite(np.atleast_2d(values)).all(axis=0)
    if not lacking.any():
        return
    chosen = events[torch.from_numpy(lacking).to(events.device)]
    precise = copy.deepcopy(model).double()
    values[..., lacking] = _score(precise, score, chosen, Chunks(generator), name)
    logger.info("%s: %d events scored again in double precision", name, lacking.sum())
    left = not_finite(values)
    if left:
        logger.warning("%s: %d of %d events have no finite value", name, left, len(events))


def passes(
    model: DensityModel, count: int, importance: Importance, particles: int | None = None
) -> int:
    """Total that ``log_likelihoods`` reports to ``advance`` for ``count`` events."""
    if isinstance(model, FactorisedDensity):
        return count
    if not model.exact:
        return count + min(count, importance.events)
    return (3 if _is_ordered(model, particles) else 2) * count


def _sets(model: DensityModel) -> dict[str, list[float]]:
    """Log-probabilities of the presence sets, for a model of several multiplicities."""
    if not has_sets(model):
        return {}
    return {LOG_P_SETS: model.log_probabilities.tolist()}


def _is_ordered(model: DensityModel, particles: int | None) -> bool:
    return particles is not None and model.exact and not model.bound
