"""Log-likelihoods of events under a trained model, with standard errors [nats]."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from hepdensity.evaluation.scores import Scores
from hepdensity.models.base import DensityModel, has_sets, symmetrised

_CHUNK = {"cpu": 1_000, "cuda": 20_000}
"""Events at once: models with thousands of categories keep an array of all of them."""
_DRAWS_RATIO = 4

ONE_DRAW = "log_likelihood"
TIGHT = "log_likelihood_tight"
CURVE = "log_likelihood_curve"
SYMMETRISED = "log_likelihood_symmetrised"
LOG_P_SETS = "log_p_sets"


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Importance:
    """How to tighten the bound of a model that has no exact log-density.

    Attributes:
        draws: largest number of importance draws of each event.
        events: number of test events, the first ones.
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
        """Numbers of draws 1, 4, 16, ... and the largest."""
        numbers = []
        draws = 1
        while draws < self.draws:
            numbers.append(draws)
            draws *= _DRAWS_RATIO
        return [*numbers, self.draws]


def mean_with_error(values: np.ndarray) -> Estimate:
    """Mean of independent values and its standard error.

    Args:
        values: shape ``(n,)``, n >= 2; infinities make the mean infinite and the error NaN.

    Raises:
        ValueError: for fewer than two values, whose spread is unknown.
    """
    if len(values) < 2:
        raise ValueError("a standard error needs at least two values")
    if np.isinf(values).any():
        return Estimate(float(np.mean(values)), float("nan"))
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """Two columns of a table, the value and its error; empty if it is not known."""
    return {
        name: None if estimate is None else estimate.value,
        f"{name}_error": None if estimate is None else estimate.error,
    }


def log_likelihoods(
    model: DensityModel,
    events: Tensor,
    generator: Generator,
    importance: Importance,
    particles: int | None = None,
    advance: Callable[[int], object] = lambda n: None,
) -> Scores:
    """Log-densities of test events.

    Args:
        model: trained model, on the device of ``events``.
        events: shape ``(n, d)``.
        generator: source of random numbers, on the device of ``events``.
        importance: for a model that is not exact.
        particles: number of exchangeable particles if events have nothing but their angles; the
            value averaged over their orders is wanted too.
        advance: called with the number of events after each chunk of each kind of value.

    Returns:
        Arrays [nats]: ``log_likelihood`` with one draw, as the paper reports it;
        ``log_likelihood_tight``, the log-density of the model's samples or, for the first
        ``importance.events`` events, the tightest lower bound; for the latter also
        ``log_likelihood_curve``, shape ``(len(draws), events)``, with nested draws; and for a model
        that treats particles as ordered ``log_likelihood_symmetrised``, the log-mean-exp over all
        orders. Attributes: ``exact``, and if it is false the numbers ``draws`` of the curve; of a
        model of several multiplicities their log-probabilities ``log_p_sets``.
    """

    def chunked(function: Callable[[Tensor], Tensor], batch: Tensor) -> np.ndarray:
        parts = []
        with torch.no_grad():
            for chunk in batch.split(_CHUNK[batch.device.type]):
                parts.append(function(chunk).double().cpu())
                advance(len(chunk))
        return torch.cat(parts, dim=-1).numpy()

    arrays = {ONE_DRAW: chunked(lambda x: model.log_prob(x, generator), events)}
    if not model.exact:
        draws = importance.curve
        arrays[CURVE] = chunked(
            lambda x: model.log_prob_curve(x, draws, generator), events[: importance.events]
        )
        attributes = {"exact": False, "draws": draws, **_sets(model)}
        return Scores({**arrays, TIGHT: arrays[CURVE][-1]}, attributes)
    arrays[TIGHT] = chunked(model.log_prob_tight, events)
    if _is_ordered(model, particles):
        arrays[SYMMETRISED] = chunked(
            lambda x: symmetrised(model.log_prob, x, particles or 1), events
        )
    return Scores(arrays, {"exact": True, **_sets(model)})


def passes(
    model: DensityModel, count: int, importance: Importance, particles: int | None = None
) -> int:
    """What ``log_likelihoods`` reports in all to ``advance``, for ``count`` events."""
    if not model.exact:
        return count + min(count, importance.events)
    return (3 if _is_ordered(model, particles) else 2) * count


def _sets(model: DensityModel) -> dict[str, list[float]]:
    """What a model of several multiplicities says of their probabilities."""
    if not has_sets(model):
        return {}
    return {LOG_P_SETS: model.log_probabilities.tolist()}


def _is_ordered(model: DensityModel, particles: int | None) -> bool:
    return particles is not None and model.exact and not model.bound
