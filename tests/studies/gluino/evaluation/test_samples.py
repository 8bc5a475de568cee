"""Samples as physical events."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hepdensity.ingest.event_file import write_events
from hepdensity.models.flows.flow import spline_flow
from hepdensity.physics.colour_order import lehmer_code, order_to_positions
from hepdensity.physics.events import Events, SampleYield
from hepdensity.physics.helicity import helicity_code
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.evaluation.samples import sample_events, sample_yield
from hepdensity.models.layers.coding import Coding

SQRT_S, MASS = 3000.0, 607.7137


@pytest.fixture(scope="module")
def samples() -> Events:
    sizes = {"layers": 1, "bins": 4, "residual_blocks": 1, "units_per_dim": 2}
    flow = spline_flow(layout=layouts.angles(), permutation="stochastic", seed=1, **sizes)
    generator = torch.Generator().manual_seed(1)
    return sample_events(lambda n: flow.sample(n, generator), 9_000, SQRT_S, MASS, "cpu")


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


def test_labels_come_along_and_invalid_draws_are_counted(generator: torch.Generator) -> None:
    momenta, _ = rambo(90, 4, SQRT_S, MASS, generator)
    codes = torch.stack([torch.arange(90) % 64, torch.arange(90)], dim=1)
    batch = Coding(layouts.labels()).events(momenta_to_angles(momenta), codes)
    batch[7, :8] = 0.5  # all in one direction
    rows = iter(batch.split(90))
    events = sample_events(lambda n: next(rows), 100, SQRT_S, MASS, "cpu")
    assert (events.drawn, events.invalid, len(events)) == (100, 10, 89)
    kept = torch.arange(90) != 7
    assert events.helicities is not None and events.colour_order is not None
    np.testing.assert_array_equal(helicity_code(events.helicities), codes[kept, 0])
    # Codes number the positions.
    positions = np.pad(order_to_positions(events.colour_order) + 1, ((0, 0), (1, 0)))
    np.testing.assert_array_equal(lehmer_code(positions), codes[kept, 1])
    np.testing.assert_allclose(events.momenta, momenta[kept].numpy(), rtol=1e-6, atol=1e-4)


def test_two_gluinos_are_back_to_back() -> None:
    angles = torch.rand(20, 2, generator=torch.Generator().manual_seed(1))
    events = sample_events(lambda n: angles[:n], 20, SQRT_S, MASS, "cpu")
    assert events.process == "two_gluino" and len(events) == 20
    np.testing.assert_allclose(events.momenta[:, 0, 1:], -events.momenta[:, 1, 1:], atol=1e-9)


def test_drawn_and_physical_samples_of_a_file(samples: Events, tmp_path: Path) -> None:
    write_events(tmp_path / "samples.h5", samples, {})
    assert sample_yield(tmp_path / "samples.h5") == SampleYield(9_000, len(samples))


def test_events_that_are_no_samples_are_refused(tmp_path: Path) -> None:
    events = Events(np.zeros((1, 2, 4)), sqrt_s=SQRT_S, mass=MASS, source="embedded")
    write_events(tmp_path / "events.h5", events, {})
    with pytest.raises(ValueError, match=r"events\.h5: not samples of a model"):
        sample_yield(tmp_path / "events.h5")
