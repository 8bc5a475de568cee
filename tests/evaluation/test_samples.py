"""Samples as physical events."""

import numpy as np
import pytest
import torch

from hepdensity.evaluation.samples import sample_events, unphysical_fraction
from hepdensity.events import Events
from hepdensity.models.flows.flow import spline_flow

SQRT_S, MASS = 3000.0, 607.7137


@pytest.fixture(scope="module")
def samples() -> Events:
    flow = spline_flow(
        permutation="stochastic", layers=1, bins=4, residual_blocks=1, units_per_dim=2, seed=1
    )
    return sample_events(flow, 9_000, SQRT_S, MASS, torch.Generator().manual_seed(1))


def test_untrained_samples_are_counted_and_mostly_unphysical(samples: Events) -> None:
    assert samples.drawn == 9_000
    assert samples.source == "model"
    # Seven eighths of the cube are unphysical; an untrained flow is not far from uniform.
    assert 0.7 < unphysical_fraction(samples) < 0.95
    assert unphysical_fraction(samples) == pytest.approx(1 - len(samples) / 9_000)


def test_kept_samples_conserve_momentum_and_are_on_shell(samples: Events) -> None:
    total = samples.momenta.sum(axis=1)
    np.testing.assert_allclose(total[:, 0], SQRT_S, rtol=1e-9)
    assert np.abs(total[:, 1:]).max() < 1e-5
    squared = samples.momenta[..., 0] ** 2 - (samples.momenta[..., 1:] ** 2).sum(axis=2)
    np.testing.assert_allclose(squared, MASS**2, rtol=1e-6)


def test_events_that_are_no_samples_have_no_fraction() -> None:
    momenta = np.zeros((1, 2, 4))
    with pytest.raises(ValueError, match="samples of a model"):
        unphysical_fraction(Events(momenta, sqrt_s=SQRT_S, mass=MASS, source="embedded"))
