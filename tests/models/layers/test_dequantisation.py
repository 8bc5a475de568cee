"""Dequantisation: right inverse for every code, and discrete branches that sum to one."""

import math

import pytest
import torch
from torch import Generator, Tensor

from hepdensity.models.base import LayerKind
from hepdensity.models.flows.core import Flow, spline_layers
from hepdensity.models.layers.dequantisation import Dequantisation
from hepdensity.models.layers.noise import FlowNoise, Noise, UniformNoise


class EdgeNoise(Noise):
    """Noise at the very edges of the cells."""

    dimensions = 2

    def draw(
        self,
        category: Tensor,
        like: Tensor,
        generator: Generator | None,
        absent: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        edges = torch.rand(len(category), 2, generator=generator).round()
        return edges.to(like), like.new_zeros(len(category))


def flow_noise(dimensions: int, categories: int) -> FlowNoise:
    torch.manual_seed(2)
    generator = torch.Generator().manual_seed(1)
    return FlowNoise(
        dimensions,
        [categories],
        layers=2,
        bins=4,
        residual_blocks=1,
        units_per_dim=3,
        embedding=3,
        generator=generator,
    ).double()


def small_flow(features: int) -> Flow:
    sizes = {"layers": 2, "bins": 5, "residual_blocks": 1, "units_per_dim": 6}
    return Flow(spline_layers(features, 3, **sizes), features).double()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
@pytest.mark.parametrize("noise", [UniformNoise(2), EdgeNoise()], ids=["uniform", "edge"])
def test_forward_undoes_inverse_for_every_code(
    dtype: torch.dtype, noise: Noise, generator: Generator
) -> None:
    layer = Dequantisation((64, 120), noise)
    codes = torch.cartesian_prod(torch.arange(64), torch.arange(120)).to(dtype)
    x = torch.cat([torch.rand(len(codes), 3, generator=generator, dtype=dtype), codes], dim=1)
    z, contribution = layer.inverse(x, None, generator)
    assert ((z > 0) & (z < 1)).all()
    assert torch.equal(layer.forward(z)[0], x)
    assert contribution.unique().tolist() == pytest.approx([-math.log(7680)])
    assert layer.kind is LayerKind.SURJECTION_BOUND


def test_ends_of_the_cube_are_codes() -> None:
    z = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    codes, _ = Dequantisation((64, 120), UniformNoise(2)).forward(z)
    assert codes.tolist() == [[0, 0], [63, 119]]


@pytest.mark.parametrize("name", ["uniform", "flow"])
def test_two_categories_in_one_dimension_have_total_probability_one(
    name: str, generator: Generator
) -> None:
    noise: Noise = UniformNoise(1) if name == "uniform" else flow_noise(1, 2)
    layer, flow, n = Dequantisation((2,), noise), small_flow(2), 40_000
    total, variance = 0.0, 0.0
    for y in (0, 1):
        # Stratified in x; the noise is drawn.
        x = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        columns = torch.stack([x, torch.full_like(x, y)], dim=1)
        with torch.no_grad():
            z, contribution = layer.inverse(columns, None, generator)
            density = (flow.log_prob(z) + contribution).exp()
        total += density.mean().item()
        variance += density.var().item() / n
    assert total == pytest.approx(1, abs=4 * math.sqrt(variance))


def test_branches_of_two_codes_sum_to_one(generator: Generator) -> None:
    """The noise depends on the pair of codes: a wrong numbering of the pairs would show."""
    noise, flow, n = flow_noise(2, 6), small_flow(2), 20_000
    layer = Dequantisation((3, 2), noise)
    total, variance = 0.0, 0.0
    for code in torch.cartesian_prod(torch.arange(3.0), torch.arange(2.0)).double():
        with torch.no_grad():
            z, contribution = layer.inverse(code.expand(n, -1), None, generator)
            density = (flow.log_prob(z) + contribution).exp()
            u = z * torch.tensor([3.0, 2.0]) - code
            category = (code[0] + 3 * code[1]).long().expand(50, 1)
            expected = noise.log_density(u[:50], category)
        torch.testing.assert_close(-contribution[:50] - math.log(6), expected, atol=1e-5, rtol=0)
        total += density.mean().item()
        variance += density.var().item() / n
    assert total == pytest.approx(1, abs=4 * math.sqrt(variance))
