"""Flows with a Gaussian base: splines in a box, the identity beyond it."""

import math
from typing import Any

import pytest
import torch
from model_events import BUILDERS, general_events, general_layout
from torch import Tensor

from hepdensity.models.base import DensityModel
from hepdensity.models.build import build_as
from hepdensity.models.layers.standardisation import BOX
from hepdensity.models.layout import Column, Layout

SIZES = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4, "base": "gaussian"}
LINE = Layout(event=(Column("x", support="real"),), particle=(), particles=0)
PLANE = Layout(event=(*LINE.event, Column("y", support="real")), particle=(), particles=0)


def flow(layout: Layout, training: Tensor, **settings: Any) -> DensityModel:
    given = {"permutation": "none", **SIZES, **settings}
    model = build_as(DensityModel, BUILDERS["flow"], layout, 1, given).double()
    model.prepare(training)
    return model


def normal(n: int, d: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return 2 + 3 * torch.randn(n, d, generator=generator, dtype=torch.float64)


def test_density_on_the_line_integrates_to_one_far_beyond_the_box() -> None:
    model = flow(LINE, normal(500, 1))
    x = torch.linspace(-80, 80, 400_001, dtype=torch.float64)[:, None]
    density = model.log_prob(x).exp().detach()
    assert float(torch.trapezoid(density, x[:, 0])) == pytest.approx(1, abs=1e-6)


def test_density_is_gaussian_beyond_the_box() -> None:
    training = normal(500, 1)
    model = flow(LINE, training)
    mean, std = training.mean(), training.std()
    t = torch.tensor([-9.0, -5.5, 5.01, 7.0], dtype=torch.float64)
    expected = -0.5 * t.square() - 0.5 * math.log(2 * math.pi) - std.log()
    torch.testing.assert_close(model.log_prob((mean + std * t)[:, None]), expected)


def test_density_continues_smoothly_at_the_edge_of_the_box() -> None:
    training = normal(500, 2)
    model = flow(PLANE, training)
    edge = training.mean(dim=0) + BOX * training.std(dim=0)
    for side in (-1e-9, 1e-9):
        points = edge.expand(1, -1) + side
        torch.testing.assert_close(
            model.log_prob(points), model.log_prob(edge[None]), atol=1e-6, rtol=0
        )


def test_samples_have_the_density_of_the_model() -> None:
    training = normal(2_000, 2)
    model = flow(PLANE, training)
    drawn = model.sample(4_000, torch.Generator().manual_seed(1))
    # The mean of q / p over samples of p is one for any normalised density q.
    t = (drawn - training.mean(dim=0)) / training.std(dim=0)
    log_q = (-0.5 * t.square() - 0.5 * math.log(2 * math.pi) - training.std(dim=0).log()).sum(dim=1)
    ratio = (log_q - model.log_prob(drawn)).exp().detach()
    assert float(ratio.mean()) == pytest.approx(1, abs=4 * float(ratio.std()) / 4_000**0.5)


@pytest.mark.parametrize("kind", ["dequantisation", "mixture", "classifier", "argmax"])
def test_kinds_with_types_and_absent_particles_take_a_gaussian_base(kind: str) -> None:
    layout = general_layout(angle="real")
    own: dict[str, Any] = {
        "dequantisation": {"noise": "uniform"},
        "argmax": {"noise": "uniform"},
        "mixture": {"objective": "likelihood"},
        "classifier": {"hidden": (8,)},
    }
    settings = {"permutation": "stochastic", **SIZES, **own[kind]}
    model = build_as(DensityModel, BUILDERS[kind], layout, 1, settings).double()
    events = general_events(layout, 300)
    model.prepare(events)
    values = model.log_prob(events, torch.Generator().manual_seed(1))
    assert values.isfinite().all()
    drawn = model.sample(50, torch.Generator().manual_seed(1))
    assert model.log_prob(drawn, torch.Generator().manual_seed(1)).isfinite().all()


def test_types_are_dequantised_to_one_standard_deviation_each() -> None:
    """As in the paper, seven types fill the range from -3.5 to 3.5."""
    layout = general_layout(types=7, angle="real")
    settings = {"permutation": "none", "noise": "uniform", **SIZES}
    model: Any = build_as(DensityModel, BUILDERS["dequantisation"], layout, 1, settings)
    codes = torch.tensor([[0.0, 0.0, 3.0, 6.0]])
    z, contribution = model.surjection.inverse(codes, None, torch.Generator().manual_seed(1))
    t = 2 * BOX * (z[0] - 0.5)
    for i, (low, high) in enumerate([(-1, 0), (-3.5, -2.5), (-0.5, 0.5), (2.5, 3.5)]):
        assert low < float(t[i]) < high
    torch.testing.assert_close(contribution, torch.full((1,), -4 * math.log(2 * BOX)))


def test_a_column_of_the_unit_interval_is_refused() -> None:
    settings = {"permutation": "none", "noise": "uniform", **SIZES}
    with pytest.raises(ValueError, match="column 'angle' has values in"):
        build_as(DensityModel, BUILDERS["dequantisation"], general_layout(), 1, settings)


def test_an_unknown_base_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown base 'cauchy'"):
        flow(LINE, normal(10, 1), base="cauchy")
