"""Argmax surjection: right inverse for every category, and discrete branches that sum to one."""

import math
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from hepdensity.models.base import LayerKind
from hepdensity.models.flows.core import Flow, spline_layers
from hepdensity.models.layers.argmax import BinaryArgmax, bits
from hepdensity.models.layers.noise import FlowNoise, Noise, UniformNoise


class EdgeNoise(Noise):
    """Noise at the corners of the cube, where pairs tie."""

    dimensions = 26

    def draw(
        self,
        category: Tensor,
        like: Tensor,
        generator: Generator | None,
        absent: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        corners = torch.rand(len(category), 26, generator=generator).round()
        return corners.to(like), like.new_zeros(len(category))


@pytest.mark.parametrize(
    ("categories", "expected"), [(1, 1), (2, 1), (3, 2), (4, 2), (7680, 13), (8192, 13)]
)
def test_number_of_bits(categories: int, expected: int) -> None:
    assert bits(categories) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
@pytest.mark.parametrize("noise", [UniformNoise(26), EdgeNoise()], ids=["uniform", "edge"])
def test_forward_undoes_inverse_for_every_category(
    dtype: torch.dtype, noise: Noise, generator: Generator
) -> None:
    layer = BinaryArgmax([7680], noise)
    codes = torch.arange(7680).to(dtype)[:, None]
    x = torch.cat([torch.rand(7680, 8, generator=generator, dtype=dtype), codes], dim=1)
    z, contribution = layer.inverse(x, None, generator)
    assert z.shape == (7680, 34)
    assert ((z > 0) & (z < 1)).all()
    assert torch.equal(layer.forward(z)[0], x)
    assert contribution.isfinite().all()
    assert layer.kind is LayerKind.SURJECTION_BOUND


def test_most_significant_bit_comes_first_and_is_set_where_the_first_is_larger() -> None:
    z = torch.tensor([[0.9, 0.1, 0.2, 0.7], [0.1, 0.9, 0.7, 0.2]])
    codes, _ = BinaryArgmax([4], UniformNoise(4)).forward(z)
    assert codes[:, 0].tolist() == [2, 1]


def test_uniform_contribution_has_the_mean_of_the_paper(generator: Generator) -> None:
    x = torch.full((20_000, 1), 1234.0, dtype=torch.float64)
    _, contribution = BinaryArgmax([7680], UniformNoise(26)).inverse(x, None, generator)
    # Each of 13 bits has E log v = -1 with variance 1.
    assert contribution.mean().item() == pytest.approx(-13, abs=4 * math.sqrt(13 / 20_000))


@pytest.mark.parametrize("name", ["uniform", "flow"])
def test_branches_sum_to_one_with_the_invalid_ones(name: str, generator: Generator) -> None:
    torch.manual_seed(2)
    permutations = torch.Generator().manual_seed(1)
    noise: Noise = UniformNoise(4)
    if name == "flow":
        settings: dict[str, Any] = {"layers": 2, "bins": 4, "residual_blocks": 1}
        settings["units_per_dim"] = 2
        noise = FlowNoise(4, [4], embedding=3, generator=permutations, **settings).double()
    sizes = {"layers": 2, "bins": 4, "residual_blocks": 1, "units_per_dim": 4}
    flow = Flow(spline_layers(4, 3, **sizes), 4).double()
    # Three categories need two bits; the fourth code is not valid but has probability.
    layer, n = BinaryArgmax([3], noise), 40_000
    found, errors = [], []
    for y in range(4):
        with torch.no_grad():
            columns = torch.full((n, 1), float(y), dtype=torch.float64)
            z, contribution = layer.inverse(columns, None, generator)
            density = (flow.log_prob(z) + contribution).exp()
        found.append(density.mean().item())
        errors.append(density.std().item() / math.sqrt(n))
    assert sum(found) == pytest.approx(1, abs=4 * math.hypot(*errors))
    codes, _ = layer.forward(flow.sample(n, generator))
    shares = torch.bincount(codes[:, 0].long(), minlength=4) / n
    for share, probability, error in zip(shares.tolist(), found, errors, strict=True):
        assert abs(share - probability) < 4 * math.hypot(error, math.sqrt(probability / n))
