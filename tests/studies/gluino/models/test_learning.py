"""The models of phase space learn a known density in a short training."""

from typing import Any

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Trainable
from hepdensity.physics.gluino import colour_orders, colour_probabilities, squared_amplitudes
from hepdensity.physics.phase_space import (
    angles_to_momenta,
    log_flat_density,
    momenta_to_angles,
    rambo,
)
from hepdensity.studies.gluino import layouts
from hepdensity.studies.gluino.models.labelled_phase_space_flow import labelled_phase_space_flow
from hepdensity.studies.gluino.models.labels import pack, unpack
from hepdensity.studies.gluino.models.phase_space_flow import phase_space_flow

SIZES: dict[str, Any] = {"layers": 2, "bins": 6, "residual_blocks": 1, "units_per_dim": 4}
SQRT_S, MASS = 3000.0, 600.0
LARGEST = 16


def forward(x: Tensor) -> Tensor:
    """(sum of cos^2 theta)^2: events along the beam, with all symmetries of the process."""
    return (2 * x[:, ::2] - 1).square().sum(dim=1).square()


def truth(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Angles with the density of flat phase space times ``forward``, and its logarithm."""
    numbers = Generator().manual_seed(seed)
    x = momenta_to_angles(rambo(8 * n, 4, 1.0, 0.0, numbers)[0])
    weights = forward(x)
    kept = x[torch.rand(len(x), generator=numbers, dtype=x.dtype) * LARGEST < weights]
    return kept, log_flat_density(kept) + (forward(kept) / weights.mean()).log()


def learn(model: Trainable, events: Tensor, steps: int, rate: float) -> None:
    model.prepare(events)
    numbers = Generator().manual_seed(3)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1 - step / steps)
        chosen = torch.randint(len(events), (500,), generator=numbers)
        optimiser.zero_grad()
        model.loss(events[chosen], numbers).backward()
        optimiser.step()


def test_phase_space_flow_comes_close_to_the_truth() -> None:
    model = phase_space_flow(layout=layouts.angles(), seed=2, **SIZES)
    learn(model, truth(20_000, 1)[0].float(), 150, 1e-2)
    x, log_p = truth(20_000, 2)
    with torch.no_grad():
        gap = log_p - model.double().log_prob_tight(x)
    far = (log_p - log_flat_density(x)).mean().item()
    assert far > 0.2
    assert -4 * gap.std().item() / len(x) ** 0.5 < gap.mean().item() < 0.25 * far


def with_labels(x: Tensor, numbers: Generator) -> tuple[Tensor, Tensor]:
    """Labels drawn from the amplitudes, and the true log p(h | x) and log p(c | x, h), (2, n)."""
    momenta, _ = angles_to_momenta(x, SQRT_S, MASS)
    squared = squared_amplitudes(momenta, MASS, 1.0)
    helicity = torch.multinomial(squared, 1, generator=numbers)
    orders = colour_probabilities(momenta, helicity[:, 0], MASS)
    colour = torch.multinomial(orders, 1, generator=numbers)
    shares = torch.cat([squared.gather(1, helicity), orders.gather(1, colour)], dim=1)
    totals = torch.stack([squared.sum(dim=1), orders.sum(dim=1)], dim=1)
    bits = (helicity >> torch.arange(5, -1, -1)) & 1
    positions = colour_orders(4)[colour[:, 0]][:, 1:].argsort(dim=1)
    return pack(x, 2 * bits - 1, positions), (shares / totals).log().T


def test_labels_come_close_to_the_amplitudes() -> None:
    numbers, n = Generator().manual_seed(4), 5_000
    x = momenta_to_angles(rambo(n + 1_000, 4, 1.0, 0.0, numbers)[0])
    events, log_p = with_labels(x, numbers)
    layout = layouts.labels({"mass": MASS / SQRT_S})
    widths: dict[str, Any] = {"helicity_width": 8, "colour_width": 8, "colour_terms": 8}
    model = labelled_phase_space_flow(layout=layout, seed=2, **SIZES, **widths)
    learn(model, events[:n].float(), 60, 2e-2)
    with torch.no_grad():
        model.double()
        found = model.log_prob_labels(*unpack(events[n:]))
        kinematics = model.log_prob_tight(events[n:]) - found.sum(dim=0)
    # Equal probabilities, with which the training begins, are this far from the truth.
    far = log_p[:, n:].mean(dim=1) + torch.tensor([64.0, 120.0]).log()
    gap = (log_p[:, n:] - found).mean(dim=1)
    assert (far > 0.4).all()
    assert (gap < 0.5 * far).all()
    # The kinematics are flat, and the flow begins there.
    assert (log_flat_density(x[n:]) - kinematics).mean() < 0.05
