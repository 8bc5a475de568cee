"""The true log-density of test events and the distance of a model to it [nats]."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hepdensity.evaluation.likelihood import Estimate, mean_with_error
from hepdensity.evaluation.scores import Scores
from hepdensity.physics.gluino import Normalisation, TrueDensity

_CHUNK = 20_000


def true_scores(
    angles: np.ndarray,
    alpha_s: np.ndarray,
    all_alpha_s: np.ndarray,
    normalisation: Normalisation,
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] = lambda n: None,
) -> Scores:
    """True log-density of events, at their own coupling where it runs.

    Args:
        angles: shape ``(n, 8)``.
        alpha_s: coupling of each event, shape ``(n,)``.
        all_alpha_s: couplings of all events of the sample, shape ``(m,)``.
        normalisation: normalisation of the density at fixed coupling.
        device: where to compute.
        advance: called with the number of events after each chunk.

    Returns:
        ``log_prob`` of shape ``(n,)`` [nats], and as attributes the errors that all events share.
    """
    density = TrueDensity(normalisation.sqrt_s, normalisation.mass, normalisation)
    parts = []
    for chunk in torch.from_numpy(angles).split(_CHUNK):
        parts.append(density.log_prob(chunk.to(device)).cpu())
        advance(len(chunk))
    term, coupling_error = running_coupling_term(alpha_s, all_alpha_s, normalisation.n_out)
    attributes = {
        "normalisation_error": normalisation.error,
        "normalisation_points": normalisation.points,
        "coupling_error": coupling_error,
    }
    return Scores({"log_prob": torch.cat(parts).numpy() + term}, attributes)


def truth_row(truth: Scores) -> dict[str, Any]:
    """The best log-likelihood that any model can reach, with all its errors [nats]."""
    mean = mean_with_error(truth.arrays["log_prob"])
    return {
        "events": len(truth.arrays["log_prob"]),
        "log_likelihood_truth": mean.value,
        "log_likelihood_truth_error": mean.error,
        **truth.attributes,
    }


def running_coupling_term(
    alpha_s: np.ndarray, all_alpha_s: np.ndarray, power: int = 4
) -> tuple[np.ndarray, float]:
    """What a running coupling adds to the log-density at fixed coupling.

    Events of a generator with running coupling have the density
    log p(x) = log p_true(x) + power * log alpha_s(x) + log E[alpha_s^-power], E over those events.

    Args:
        alpha_s: coupling of each event to evaluate, shape ``(n,)``.
        all_alpha_s: couplings of as many events of the sample as there are, shape ``(m,)``.
        power: power of alpha_s in the squared amplitude; 4 for gg -> 4 gluinos.

    Returns:
        The term to add, shape ``(n,)``, and the standard error common to all events.
    """
    inverse = mean_with_error(all_alpha_s.astype(np.float64) ** -power)
    term: np.ndarray = power * np.log(alpha_s) + np.log(inverse.value)
    return term, inverse.error / inverse.value


def kl_to_truth(log_true: np.ndarray, log_model: np.ndarray) -> Estimate:
    """KL(truth || model) from true and model log-densities of the same events.

    Args:
        log_true: log p_true of events drawn from the truth, shape ``(n,)``.
        log_model: exact log-density of the model at the same events, shape ``(n,)``.

    Returns:
        Mean difference and its paired standard error; the error of the truth's normalisation,
        common to all models, is not in it.

    Raises:
        ValueError: if the arrays differ in length, or an event has no true density.
    """
    if log_true.shape != log_model.shape:
        raise ValueError(
            f"true and model log-densities of different events: {log_true.shape}, {log_model.shape}"
        )
    if not np.isfinite(log_true).all():
        bad = int(np.flatnonzero(~np.isfinite(log_true))[0])
        raise ValueError(f"test event {bad + 1} has no finite true density")
    return mean_with_error(log_true - log_model)
