"""The truth and the distance to it."""

import math

import numpy as np
import pytest
import torch

from hepdensity.evaluation.scores import Scores
from hepdensity.evaluation.truth import (
    kl_to_truth,
    running_coupling_term,
    true_scores,
    truth_row,
)
from hepdensity.physics.gluino import Normalisation, TrueDensity
from hepdensity.physics.phase_space import momenta_to_angles, rambo

SQRT_S, MASS = 3000.0, 607.7137


def test_kl_of_two_gaussians_within_its_paired_error() -> None:
    x = np.random.default_rng(1).normal(size=20_000)
    shift = 0.3
    log_true, log_model = -(x**2) / 2, -((x - shift) ** 2) / 2
    kl = kl_to_truth(log_true, log_model)
    assert abs(kl.value - shift**2 / 2) < 4 * kl.error
    # The difference is linear in x with slope -shift: its spread is shift, not that of log p.
    assert kl.error == pytest.approx(shift / math.sqrt(20_000), rel=0.02)


def test_scores_of_different_events_are_refused() -> None:
    with pytest.raises(ValueError, match="different events"):
        kl_to_truth(np.zeros(3), np.zeros(4))


def test_unphysical_test_event_is_named() -> None:
    with pytest.raises(ValueError, match="test event 2"):
        kl_to_truth(np.array([0.0, -np.inf, 0.0]), np.zeros(3))


def test_fixed_coupling_adds_nothing() -> None:
    term, error = running_coupling_term(np.full(5, 0.118), np.full(9, 0.118))
    assert np.abs(term).max() < 1e-12
    assert error == pytest.approx(0, abs=1e-12)


def test_running_coupling_term_keeps_the_density_normalised() -> None:
    rng = np.random.default_rng(2)
    coupling = rng.uniform(0.08, 0.10, 200_000)
    keep = rng.uniform(size=coupling.size) < (coupling / 0.10) ** 4
    generated = coupling[keep]
    # Fixed-coupling events: the mean of the density ratio over them is one.
    term, error = running_coupling_term(coupling, generated)
    ratio = np.exp(term)
    spread = ratio.std() / math.sqrt(ratio.size)
    assert abs(ratio.mean() - 1) < 4 * math.hypot(spread, error)


@pytest.fixture(scope="module")
def normalisation() -> Normalisation:
    return Normalisation(value=2.0, error=1e-3, points=10, n_out=4, sqrt_s=SQRT_S, mass=MASS)


def test_true_scores_are_the_density_with_the_coupling(
    normalisation: Normalisation, generator: torch.Generator
) -> None:
    momenta, _ = rambo(20, 4, SQRT_S, MASS, generator)
    angles = momenta_to_angles(momenta)
    couplings = np.linspace(0.08, 0.09, 20)
    scores = true_scores(angles.numpy(), couplings, couplings, normalisation)
    expected = TrueDensity(SQRT_S, MASS, normalisation).log_prob(angles).numpy()
    expected = expected + 4 * np.log(couplings) + np.log((couplings**-4).mean())
    np.testing.assert_allclose(scores.arrays["log_prob"], expected)
    row = truth_row(scores)
    assert row["events"] == 20
    assert row["log_likelihood_truth"] == pytest.approx(expected.mean())
    assert row["normalisation_error"] == 1e-3
    assert row["coupling_error"] > 0


def test_truth_row_states_the_errors() -> None:
    values = np.array([1.0, 2.0, 3.0])
    row = truth_row(Scores({"log_prob": values}, {"normalisation_error": 0.5}))
    assert row["log_likelihood_truth_error"] == pytest.approx(1 / math.sqrt(3))
    assert row["normalisation_error"] == 0.5
