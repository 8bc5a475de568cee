"""The true log-density of test events, and the distance of a model to the truth [nats]."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hepdensity.evaluation.estimates import Estimate, columns, mean_with_error
from hepdensity.evaluation.scores import Scores
from hepdensity.physics.colour_order import lehmer_code
from hepdensity.physics.gluino import (
    Normalisation,
    TrueDensity,
    colour_probabilities,
    squared_amplitudes,
)
from hepdensity.physics.helicity import helicity_code
from hepdensity.physics.phase_space import angles_to_momenta

KINEMATICS = "log_prob"
JOINT = "log_prob_joint"

_CHUNK = 5_000


@dataclass(frozen=True)
class Labels:
    """Labels of events, as in the inputs file.

    Attributes:
        helicities: +1 or -1, shape ``(n, 2 + n_out)``.
        colour_order: sequences of legs in the colour trace, shape ``(n, 2 + n_out)``.
    """

    helicities: np.ndarray
    colour_order: np.ndarray


def true_scores(
    angles: np.ndarray,
    alpha_s: np.ndarray,
    all_alpha_s: np.ndarray,
    normalisation: Normalisation,
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] = lambda n: None,
    labels: Labels | None = None,
) -> Scores:
    """True log-density of events, including the running of the coupling.

    Args:
        angles: shape ``(n, 8)``, or ``(n, 2)`` for two gluinos.
        alpha_s: coupling of each event, shape ``(n,)``.
        all_alpha_s: couplings of all available events, shape ``(m,)``.
        normalisation: normalisation of the density at fixed coupling.
        device: where to compute.
        advance: called with the number of events after each chunk.
        labels: labels of the events, if the embedded generator made them. MadGraph draws colours
            in another way, so the joint density of its events is unknown.

    Returns:
        ``log_prob`` of shape ``(n,)`` [nats]; if labels are given, ``log_prob_joint`` of kinematics
        and labels together; and as attributes the errors that all events share.
    """
    density = TrueDensity(normalisation.sqrt_s, normalisation.mass, normalisation)
    kinematics, given = [], []
    for start in range(0, len(angles), _CHUNK):
        rows = slice(start, start + _CHUNK)
        chunk = torch.from_numpy(angles[rows]).to(device)
        kinematics.append(density.log_prob(chunk).cpu().numpy())
        if labels is not None:
            momenta, _ = angles_to_momenta(chunk.double(), density.sqrt_s, density.mass)
            part = Labels(labels.helicities[rows], labels.colour_order[rows])
            given.append(log_label_probability(momenta, part, density.mass))
        advance(len(chunk))
    term, coupling_error = running_coupling_term(alpha_s, all_alpha_s, normalisation.n_out)
    arrays = {KINEMATICS: np.concatenate(kinematics) + term}
    if labels is not None:
        arrays[JOINT] = arrays[KINEMATICS] + np.concatenate(given)
    attributes = {
        "normalisation_error": normalisation.error,
        "normalisation_points": normalisation.points,
        "coupling_error": coupling_error,
    }
    return Scores(arrays, attributes)


def log_label_probability(momenta: torch.Tensor, labels: Labels, mass: float) -> np.ndarray:
    """True log-probability of helicities and colour order at given kinematics.

    log |M_h|^2 / sum_h |M_h|^2 + log |A_c,h|^2 / sum_c |A_c,h|^2

    Args:
        momenta: momenta of the gluinos [GeV], shape ``(n, n_out, 4)``.
        labels: labels of these events.
        mass: gluino mass [GeV].

    Returns:
        Shape ``(n,)`` [nats]; -inf for forbidden helicities.
    """
    row = torch.from_numpy(helicity_code(labels.helicities)).to(momenta.device)
    colour = torch.from_numpy(lehmer_code(labels.colour_order)).to(momenta.device)
    squared = squared_amplitudes(momenta, mass, 1.0)
    helicity = squared.gather(1, row[:, None]) / squared.sum(1, keepdim=True)
    orders = colour_probabilities(momenta, row, mass).gather(1, colour[:, None])
    value = torch.where(helicity > 0, helicity.log() + orders.log(), -torch.inf)
    return value[:, 0].cpu().numpy()


def truth_rows(truth: Scores) -> list[dict[str, Any]]:
    """The best log-likelihoods that any model can reach, with all their errors [nats].

    Args:
        truth: scores from ``true_scores``.

    Returns:
        A row for the density of the kinematics, and one for the joint density if it is known.
    """
    return [
        {
            "density": name,
            "events": len(truth.arrays[array]),
            **columns("log_likelihood_truth", mean_with_error(truth.arrays[array])),
            **truth.attributes,
        }
        for name, array in (("kinematics", KINEMATICS), ("kinematics and labels", JOINT))
        if array in truth.arrays
    ]


def running_coupling_term(
    alpha_s: np.ndarray, all_alpha_s: np.ndarray, power: int = 4
) -> tuple[np.ndarray, float]:
    """Term to add to the log-density at fixed coupling if the coupling runs.

    Events of a generator with running coupling have the density
    log p(x) = log p_true(x) + power * log alpha_s(x) + log E[alpha_s^-power], with E over these
    events.

    Args:
        alpha_s: coupling of each event to evaluate, shape ``(n,)``.
        all_alpha_s: couplings of all available events, shape ``(m,)``.
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
        log_model: exact log-density of the model at the same events, shape ``(n,)``. If it is a
            lower bound, the distance is an upper bound.

    Returns:
        Mean difference and its paired standard error. The error does not include that of the
        normalisation of the truth, which is common to all models.

    Raises:
        ValueError: if the arrays differ in length, or an event has no finite true density.
    """
    if log_true.shape != log_model.shape:
        raise ValueError(
            f"true and model log-densities differ in shape: {log_true.shape}, {log_model.shape}"
        )
    if not np.isfinite(log_true).all():
        bad = int(np.flatnonzero(~np.isfinite(log_true))[0])
        raise ValueError(f"test event {bad + 1} has no finite true density")
    return mean_with_error(log_true - log_model)
