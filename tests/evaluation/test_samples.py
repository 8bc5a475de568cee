"""Samples as physical events."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hepdensity.evaluation.samples import drawn, sample_events
from hepdensity.events import Events
from hepdensity.io import write_events
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
    assert 0.7 < 1 - len(samples) / 9_000 < 0.95


def test_kept_samples_conserve_momentum_and_are_on_shell(samples: Events) -> None:
    total = samples.momenta.sum(axis=1)
    np.testing.assert_allclose(total[:, 0], SQRT_S, rtol=1e-9)
    assert np.abs(total[:, 1:]).max() < 1e-5
    squared = samples.momenta[..., 0] ** 2 - (samples.momenta[..., 1:] ** 2).sum(axis=2)
    np.testing.assert_allclose(squared, MASS**2, rtol=1e-6)


def test_drawn_and_physical_samples_of_a_file(samples: Events, tmp_path: Path) -> None:
    write_events(tmp_path / "samples.h5", samples, {})
    assert drawn(tmp_path / "samples.h5") == (9_000, len(samples))


def test_events_that_are_no_samples_are_refused(tmp_path: Path) -> None:
    events = Events(np.zeros((1, 2, 4)), sqrt_s=SQRT_S, mass=MASS, source="embedded")
    write_events(tmp_path / "events.h5", events, {})
    with pytest.raises(ValueError, match=r"events\.h5: not samples of a model"):
        drawn(tmp_path / "events.h5")
