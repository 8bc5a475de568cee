"""Noise of dequantised categories: densities and gradients."""

import pytest
import torch
from torch import Tensor

from hepdensity.models.layers.noise import FlowNoise, UniformNoise


@pytest.fixture
def noise() -> FlowNoise:
    torch.manual_seed(2)
    return FlowNoise(
        2,
        [5],
        layers=3,
        bins=4,
        residual_blocks=1,
        units_per_dim=3,
        embedding=4,
        generator=torch.Generator().manual_seed(1),
    ).double()


@pytest.fixture
def like() -> Tensor:
    return torch.zeros(1, dtype=torch.float64)


def test_uniform_noise_has_density_one(like: Tensor, generator: torch.Generator) -> None:
    u, log_density = UniformNoise(3).draw(torch.zeros(1000, 1, dtype=torch.long), like, generator)
    assert u.shape == (1000, 3)
    assert (log_density == 0).all()
    assert abs(u.mean().item() - 0.5) < 4 * (1 / 12 / 3000) ** 0.5


def test_density_of_a_draw_is_the_density_there(
    noise: FlowNoise, like: Tensor, generator: torch.Generator
) -> None:
    category = torch.arange(5).repeat(20)[:, None]
    with torch.no_grad():
        u, log_density = noise.draw(category, like, generator)
        again = noise.log_density(u, category)
    assert ((u >= 0) & (u <= 1)).all()
    torch.testing.assert_close(again, log_density, atol=1e-6, rtol=0)


def test_density_of_each_category_integrates_to_one(noise: FlowNoise) -> None:
    axis = (torch.arange(300, dtype=torch.float64) + 0.5) / 300
    u = torch.cartesian_prod(axis, axis)
    densities = []
    for y in (0, 3):
        with torch.no_grad():
            density = noise.log_density(u, torch.full((len(u), 1), y)).exp()
        assert density.std() > 0.1
        assert density.mean().item() == pytest.approx(1, abs=5e-3)
        densities.append(density)
    assert (densities[0] - densities[1]).abs().mean() > 0.05


def test_drawing_trains_all_weights(
    noise: FlowNoise, like: Tensor, generator: torch.Generator
) -> None:
    u, log_density = noise.draw(torch.arange(5).repeat(10)[:, None], like, generator)
    (u.square().sum() + log_density.sum()).backward()
    assert all(p.grad is not None and (p.grad != 0).any() for p in noise.parameters())
