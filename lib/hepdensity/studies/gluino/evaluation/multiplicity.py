"""Densities of two- and four-gluino events: the truth, and rows of ``fig07_log_likelihood.csv``.

All densities are conditional on the number of gluinos. The probability of this number is taken from
each model.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from hepdensity.evaluation.estimates import Estimate, columns, mean_with_error, not_finite
from hepdensity.evaluation.runs import EvaluatedRun, objective_name, read_runs, read_truth
from hepdensity.evaluation.scores import LOG_P_SETS, ONE_DRAW, TIGHT, Scores
from hepdensity.files import read_json
from hepdensity.models.inputs import read_array
from hepdensity.physics.gluino import Normalisation
from hepdensity.studies.gluino.evaluation.samples import sample_yield
from hepdensity.studies.gluino.evaluation.truth import KINEMATICS, kl_to_truth, true_scores

ANGLES = {"four_gluino": 8, "two_gluino": 2}
"""Process -> number of its angles; the other columns of an event are NaN.

The processes are in the order of the presence sets of the layout.
"""


def members(angles: np.ndarray) -> dict[str, np.ndarray]:
    """Find the events of each process.

    Args:
        angles: shape ``(n, 8)``, NaN for absent gluinos.

    Returns:
        For each process a boolean array of shape ``(n,)``.

    Raises:
        ValueError: if an event belongs to neither process; names the first one, counted from 1.
    """
    known = ~np.isnan(angles)
    found = {
        process: (known == (np.arange(angles.shape[1]) < count)).all(axis=1)
        for process, count in ANGLES.items()
    }
    other = ~np.logical_or.reduce(list(found.values()))
    if other.any():
        raise ValueError(
            f"event {int(other.argmax()) + 1} has {int(known[other.argmax()].sum())} angles, but"
            f" events have {' or '.join(map(str, ANGLES.values()))}; prepare the inputs again"
        )
    return found


def conditional_true_scores(
    angles: np.ndarray,
    alpha_s: np.ndarray,
    all_angles: np.ndarray,
    all_alpha_s: np.ndarray,
    normalisations: Mapping[str, Normalisation],
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] = lambda n: None,
) -> Scores:
    """True log-density of events given their number of gluinos.

    Args:
        angles: angles of the test events, shape ``(n, 8)``, NaN for absent gluinos.
        alpha_s: couplings of the test events, shape ``(n,)``.
        all_angles: angles of all available events, shape ``(m, 8)``.
        all_alpha_s: couplings of all available events, shape ``(m,)``.
        normalisations: normalisation of each process.
        device: where to compute.
        advance: called with the number of events after each chunk.

    Returns:
        ``log_prob`` of shape ``(n,)`` [nats], and as attributes, with the name of the process as
        prefix, the errors that all its events share.
    """
    tested, everywhere = members(angles), members(all_angles)
    log_prob = np.empty(len(angles))
    attributes: dict[str, Any] = {}
    for process, rows in tested.items():
        if not rows.any():
            continue
        scores = true_scores(
            angles[rows, : ANGLES[process]],
            alpha_s[rows],
            all_alpha_s[everywhere[process]],
            normalisations[process],
            device,
            advance,
        )
        log_prob[rows] = scores.arrays[KINEMATICS]
        attributes |= {f"{process}_{name}": value for name, value in scores.attributes.items()}
    return Scores({KINEMATICS: log_prob}, attributes)


def multiplicity_truth_rows(truth: Scores, angles: np.ndarray) -> list[dict[str, Any]]:
    """The best conditional log-likelihoods that any model can reach, one row per process.

    Args:
        truth: scores from ``conditional_true_scores``.
        angles: angles of the test events, shape ``(n, 8)``.
    """
    shared = ("normalisation_error", "normalisation_points", "coupling_error")
    return [
        {
            "process": process,
            "events": int(rows.sum()),
            **columns("log_likelihood_truth", mean_with_error(truth.arrays[KINEMATICS][rows])),
            **{name: truth.attributes[f"{process}_{name}"] for name in shared},
        }
        for process, rows in members(angles).items()
        if rows.any()
    ]


def multiplicity_rows(
    runs: list[EvaluatedRun], angles: np.ndarray, truth: Scores | None
) -> list[dict[str, Any]]:
    """Rows of the table behind figure 7, two per training.

    The densities of a model contain the probability of the number of gluinos, which is divided out.
    All values in a row are for the same ``events``: all test events of a process or, if ``exact``
    is false, those among the first test events, for which there is a bound. In this case,
    ``log_likelihood_exact`` is a lower bound from the given number of importance ``draws``, and
    ``kl_to_truth`` is an upper bound.

    Args:
        runs: the trainings, with the yields of four- and two-gluino samples in this order.
        angles: angles of the test events, shape ``(n, 8)``, NaN for absent gluinos.
        truth: conditional true log-densities of these events, or None if unknown.

    Returns:
        Log-likelihoods given the number of gluinos and KL divergences, with standard errors [nats].
        ``not_finite`` is the number of events without a finite log-density.
    """
    processes = members(angles)
    return [row for run in runs for row in _rows_of(run, processes, truth)]


def _rows_of(
    run: EvaluatedRun, processes: Mapping[str, np.ndarray], truth: Scores | None
) -> Iterator[dict[str, Any]]:
    log_share = dict(zip(ANGLES, run.scores.attributes[LOG_P_SETS], strict=True))
    bounded = len(run.scores.arrays[TIGHT])
    for (process, of_process), samples in zip(processes.items(), run.samples, strict=True):
        rows = np.flatnonzero(of_process[:bounded])
        one_draw, tight = (
            run.scores.arrays[name][rows] - log_share[process] for name in (ONE_DRAW, TIGHT)
        )
        log_true = None if truth is None else truth.arrays[KINEMATICS][rows]
        yield {
            "model": run.run["model"],
            "objective": objective_name(run.run["objective"]),
            **run.named("permutation", "n_train", "seed"),
            "process": process,
            "events": len(rows),
            **columns("log_likelihood", _mean(one_draw)),
            **columns("log_likelihood_exact", _mean(tight)),
            **run.exactness(),
            **columns("log_likelihood_truth", _mean(log_true)),
            **columns("kl_to_truth", _distance(log_true, tight)),
            "not_finite": not_finite(one_draw, tight),
            "unphysical_fraction": samples.unphysical_fraction,
            **run.training(),
        }


def _mean(values: np.ndarray | None) -> Estimate | None:
    """Mean and error of the values, or None for fewer than two."""
    return None if values is None or len(values) < 2 else mean_with_error(values)


def _distance(log_true: np.ndarray | None, log_model: np.ndarray) -> Estimate | None:
    return None if log_true is None or len(log_true) < 2 else kl_to_truth(log_true, log_model)


def p_four_row(setting: float, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fraction of four-gluino events in the cross-section, from the settings and from the events.

    Args:
        setting: fraction in the configuration, used by the models.
        summaries: summaries of the event files; columns that they do not provide are None.

    Returns:
        One row: the setting, the value of the events with its standard error, and the
        cross-sections [pb].
    """
    known = {str(one["process"]): one for one in summaries}
    sections = {
        process: _cross_section(known[process]) if process in known else None for process in ANGLES
    }
    four, two = sections["four_gluino"], sections["two_gluino"]
    return {
        "p_four_setting": setting,
        **columns("p_four_events", None if four is None or two is None else _share(four, two)),
        **columns("cross_section_four_gluino_pb", four),
        **columns("cross_section_two_gluino_pb", two),
    }


def _cross_section(summary: Mapping[str, Any]) -> Estimate | None:
    value, error = summary["cross_section"], summary["cross_section_error"]
    return None if value is None or error is None else Estimate(value, error)


def _share(part: Estimate, rest: Estimate) -> Estimate:
    """Fraction of a part in the sum of the part and the rest."""
    value = part.value / (part.value + rest.value)
    relative = math.hypot(part.error / part.value, rest.error / rest.value)
    return Estimate(value, value * (1 - value) * relative)


def multiplicity_table(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of the table `fig07_log_likelihood`.

    Args:
        files: `inputs`; `scores`, `summaries` and samples of each process for the trainings;
            `truth` if it is known.
        settings: `runs` (the trainings).
    """
    yields = [[sample_yield(path) for path in files[process]] for process in ANGLES]
    runs = read_runs(settings["runs"], files["scores"], files["summaries"], *yields)
    return multiplicity_rows(runs, read_array(files["inputs"], "test"), read_truth(files))


def p_four_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Row of the table `p_four`.

    Args:
        files: `summaries` of the event files.
        settings: `p_four`, the fraction in the configuration.
    """
    return [p_four_row(settings["p_four"], [read_json(path) for path in files["summaries"]])]
