"""The true density, and the distance to it."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from hepdensity.evaluation.scores import Scores
from hepdensity.generate.gluino import generate_unweighted
from hepdensity.physics.colour_order import lehmer_code, lehmer_decode
from hepdensity.physics.events import Events
from hepdensity.physics.gluino import (
    Normalisation,
    TrueDensity,
    colour_probabilities,
    squared_amplitudes,
)
from hepdensity.physics.helicity import helicity_code, helicity_decode
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino.evaluation.comparison import (
    at_fixed_coupling,
    read_madgraph_sample,
    relabel,
)
from hepdensity.studies.gluino.evaluation.truth import (
    Labels,
    kl_to_truth,
    log_label_probability,
    running_coupling_term,
    true_scores,
    truth_rows,
)

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
    with pytest.raises(ValueError, match="log-densities differ in shape"):
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
    (row,) = truth_rows(scores)
    assert row["events"] == 20
    assert row["log_likelihood_truth"] == pytest.approx(expected.mean())
    assert row["normalisation_error"] == 1e-3
    assert row["coupling_error"] > 0


def test_truth_row_states_the_errors() -> None:
    values = np.array([1.0, 2.0, 3.0])
    (row,) = truth_rows(Scores({"log_prob": values}, {"normalisation_error": 0.5}))
    assert row["log_likelihood_truth_error"] == pytest.approx(1 / math.sqrt(3))
    assert row["normalisation_error"] == 0.5


@pytest.fixture(scope="module")
def embedded() -> Events:
    return generate_unweighted(3_000, 4, SQRT_S, MASS, 0.118, seed=11).events


def labels_of(events: Events) -> Labels:
    assert events.helicities is not None and events.colour_order is not None
    return Labels(events.helicities, events.colour_order)


def test_label_probabilities_sum_to_one(embedded: Events) -> None:
    """All 64 x 120 labels of one event."""
    helicities = helicity_decode(np.repeat(np.arange(64), 120), 6)
    orders = lehmer_decode(np.tile(np.arange(120), 64), 6)
    momenta = torch.from_numpy(embedded.momenta[:1]).expand(64 * 120, -1, -1)
    values = log_label_probability(momenta, Labels(helicities, orders), MASS)
    assert np.exp(values).sum() == pytest.approx(1, rel=1e-9)


def test_label_marginals_are_those_of_embedded_events(embedded: Events) -> None:
    """Compare P(h), and P(c) summed over helicities, with the labels that were drawn."""
    momenta, labels = torch.from_numpy(embedded.momenta), labels_of(embedded)
    squared = squared_amplitudes(momenta, MASS, 1.0)
    helicity = squared / squared.sum(1, keepdim=True)
    # |A_c,h| = |A_c,-h|, so half of the helicities do.
    colour = sum(
        2 * helicity[:, [row]] * colour_probabilities(momenta, torch.full((3_000,), row), MASS)
        for row in range(32, 64)
    )
    assert isinstance(colour, torch.Tensor)
    drawn = (helicity_code(labels.helicities), lehmer_code(labels.colour_order))
    for codes, probabilities in zip(drawn, (helicity.numpy(), colour.numpy()), strict=True):
        counts = np.bincount(codes, minlength=probabilities.shape[1])
        variance = (probabilities * (1 - probabilities)).sum(0)
        used = probabilities.sum(0) > 5
        chi2 = (np.square(counts - probabilities.sum(0))[used] / variance[used]).sum()
        assert abs(chi2 - used.sum()) < 4 * math.sqrt(2 * used.sum())
        assert used.sum() > 50


def test_mean_of_the_joint_truth_is_the_entropy_of_the_labels(embedded: Events) -> None:
    """The mean of log p(c | x, h) over drawn colours equals the mean of its expectation."""
    momenta, labels = torch.from_numpy(embedded.momenta), labels_of(embedded)
    squared = squared_amplitudes(momenta, MASS, 1.0).numpy()
    helicity = squared / squared.sum(1, keepdims=True)
    rows = helicity_code(labels.helicities)
    colour = colour_probabilities(momenta, torch.from_numpy(rows), MASS).numpy()
    expected = [(p * np.log(np.maximum(p, 1e-300))).sum(1) for p in (helicity, colour)]
    values = log_label_probability(momenta, labels, MASS)
    difference = values - expected[0] - expected[1]
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference))


def test_joint_scores_add_the_labels(embedded: Events, normalisation: Normalisation) -> None:
    angles = momenta_to_angles(torch.from_numpy(embedded.momenta[:50])).numpy()
    everything = labels_of(embedded)
    labels = Labels(everything.helicities[:50], everything.colour_order[:50])
    alpha_s = np.full(50, 0.118)
    scores = true_scores(angles, alpha_s, alpha_s, normalisation, labels=labels)
    expected = log_label_probability(torch.from_numpy(embedded.momenta[:50]), labels, MASS)
    given = scores.arrays["log_prob_joint"] - scores.arrays["log_prob"]
    np.testing.assert_allclose(given, expected, atol=1e-6)
    kinematics, joint = truth_rows(scores)
    assert (kinematics["density"], joint["density"]) == ("kinematics", "kinematics and labels")
    assert joint["log_likelihood_truth"] == pytest.approx(scores.arrays["log_prob_joint"].mean())


def test_joint_truth_of_relabelled_events_is_the_same(embedded: Events) -> None:
    """Put gluinos 1 to 4 in another order, with their helicities and positions in the trace."""
    labels, order = labels_of(embedded), np.array([2, 0, 3, 1])
    legs = np.array([0, 1, *(order + 2)])
    # leg k of the new event is leg legs[k] of the old one
    moved = Labels(labels.helicities[:40, legs], np.argsort(legs)[labels.colour_order[:40]])
    momenta = torch.from_numpy(embedded.momenta[:40])
    before = log_label_probability(
        momenta, Labels(labels.helicities[:40], labels.colour_order[:40]), MASS
    )
    after = log_label_probability(momenta[:, order], moved, MASS)
    np.testing.assert_allclose(after, before, rtol=1e-9)


def test_helicities_of_madgraph_events_follow_the_joint_truth(shared_data: Path) -> None:
    """Helicities agree at fixed coupling, event by event; MadGraph's colours do not."""
    path = shared_data / "madgraph" / "gg_4gluino_300k.h5"
    random = np.random.default_rng(1)
    events = at_fixed_coupling(relabel(read_madgraph_sample(path, SQRT_S, MASS, 15_000), random))
    momenta, labels = torch.from_numpy(events.momenta), labels_of(events)
    squared = squared_amplitudes(momenta, MASS, 1.0)
    helicity = (squared / squared.sum(1, keepdim=True)).numpy()
    rows = helicity_code(labels.helicities)
    assert events.weights is not None
    weights = events.weights[:, None]
    difference = (weights * (np.eye(64)[rows] - helicity)).sum(0)
    variance = (weights**2 * helicity * (1 - helicity)).sum(0)
    chi2 = (difference**2 / variance).sum()
    assert abs(chi2 - 64) < 4 * math.sqrt(2 * 64)
    colour = colour_probabilities(momenta[:3_000], torch.from_numpy(rows[:3_000]), MASS)
    drawn = lehmer_code(labels.colour_order[:3_000])
    excess = colour.log().numpy()[np.arange(3_000), drawn] - (colour * colour.log()).sum(1).numpy()
    assert excess.mean() < -10 * excess.std() / math.sqrt(3_000)
