"""Splines: inverse functions, slopes, normalisation, and compiled against plain."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hepdensity.models.layers.spline import compiled, spline_forward, spline_inverse

Direction = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]

needs_compiled = pytest.mark.skipif(
    not compiled(torch.zeros(1, dtype=torch.float32)), reason="compiled kernels are switched off"
)


def random_logits(d: int, bins: int, n: int, seed: int = 0, spread: float = 1.5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (d, 3 * bins + 1, n)
    return spread * torch.randn(shape, generator=generator, dtype=torch.float64)


def points(d: int, n: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(d, n, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("bins", [1, 2, 8, 32])
def test_round_trip(bins: int) -> None:
    logits, x = random_logits(3, bins, 200), points(3, 200)
    z, slope = spline_inverse(x, logits, bins)
    back, same_slope = spline_forward(z, logits, bins)
    torch.testing.assert_close(back, x, atol=1e-9, rtol=0)
    torch.testing.assert_close(same_slope, slope, atol=1e-7, rtol=0)


def test_slope_is_the_derivative() -> None:
    logits, x = random_logits(2, 8, 100), points(2, 100).requires_grad_()
    z, slope = spline_inverse(x, logits, 8)
    (derivative,) = torch.autograd.grad(z.sum(), x)
    torch.testing.assert_close(slope, derivative.log().sum(dim=0))


def test_ends_are_fixed_and_between_them_it_rises() -> None:
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)[None]
    logits = random_logits(1, 8, 1).expand(-1, -1, 1001)
    z, _ = spline_inverse(x, logits, 8)
    assert z[0, 0] == 0
    torch.testing.assert_close(z[0, -1].item(), 1.0)
    assert (z.diff(dim=1) > 0).all()


def test_density_of_a_uniform_base_integrates_to_one() -> None:
    n = 100_000
    x = ((torch.arange(n, dtype=torch.float64) + 0.5) / n)[None]
    _, slope = spline_inverse(x, random_logits(1, 16, 1).expand(-1, -1, n), 16)
    assert slope.exp().mean().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["plain", "compiled"])
@pytest.mark.parametrize("direction", [spline_inverse, spline_forward])
def test_outside_the_interval_nothing_changes(direction: Direction, dtype: torch.dtype) -> None:
    x = torch.tensor([[-1.0, -1e-6, 1.5]], dtype=dtype)
    y, slope = direction(x, random_logits(1, 4, 3).to(dtype), 4)
    assert torch.equal(y, x)
    assert torch.equal(slope, torch.zeros(3, dtype=dtype))


@needs_compiled
@pytest.mark.parametrize("n", [1, 127, 128, 129, 1000])
@pytest.mark.parametrize("bins", [2, 16, 32])
@pytest.mark.parametrize("direction", [spline_inverse, spline_forward])
def test_compiled_is_as_accurate_as_plain_single_precision(
    direction: Direction, bins: int, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, x = random_logits(3, bins, n), points(3, n)
    x[:, 0] = torch.tensor([0.0, 1.0, 0.5])
    exact = direction(x, logits, bins)
    fast = direction(x.float(), logits.float(), bins)
    monkeypatch.setenv("HEPDENSITY_COMPILED", "0")
    plain = direction(x.float(), logits.float(), bins)
    for a, b, c in zip(fast, plain, exact, strict=True):
        error, reference = ((v.double() - c).abs() for v in (a, b))
        # A few splines have slopes of hundreds, so errors are compared with errors.
        assert error.max() < 5 * reference.max() + 1e-4
        if n > 1:
            assert error.median() < 5 * reference.median() + 1e-6


@needs_compiled
def test_compiled_gradient_agrees_with_autograd() -> None:
    gradients = []
    for dtype in (torch.float64, torch.float32):
        logits = random_logits(2, 8, 300, spread=0.7).to(dtype).requires_grad_()
        x = points(2, 300).to(dtype).requires_grad_()
        z, slope = spline_inverse(x, logits, 8)
        weight = torch.linspace(-1, 1, 300, dtype=dtype)
        ((z * weight).sum() + (slope * weight.cos()).sum()).backward()
        assert logits.grad is not None and x.grad is not None
        gradients.append((logits.grad.double(), x.grad.double()))
    for plain, fast in zip(*gradients, strict=True):
        torch.testing.assert_close(fast, plain, atol=2e-3, rtol=2e-3)
        assert (fast - plain).abs().mean() < 1e-4 * plain.abs().mean()


@needs_compiled
@pytest.mark.parametrize("direction", [spline_inverse, spline_forward])
def test_compiled_keeps_not_a_number(direction: Direction) -> None:
    logits = random_logits(1, 4, 5).float()
    logits[0, :, 2] = torch.nan
    y, slope = direction(points(1, 5).float(), logits, 4)
    assert y.isnan().tolist() == [[False, False, True, False, False]]
    assert slope.isnan().tolist() == [False, False, True, False, False]


def test_compiled_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEPDENSITY_COMPILED", "0")
    x = points(2, 50).float()
    assert not compiled(x)
    z, _ = spline_inverse(x, random_logits(2, 8, 50).float(), 8)
    exact, _ = spline_inverse(x.double(), random_logits(2, 8, 50), 8)
    torch.testing.assert_close(z.double(), exact, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
@pytest.mark.parametrize("value", [torch.nan, 1.5, -1.0], ids=["dropped", "above", "below"])
def test_coordinates_off_the_interval_pass_without_gradient(
    dtype: torch.dtype, value: float
) -> None:
    logits = random_logits(2, 8, 300).to(dtype)
    x = points(2, 300).to(dtype)
    x[1, ::3] = value
    logits.requires_grad_()
    z, slope = spline_inverse(x, logits, 8)
    (z.nan_to_num().sum() + slope.sum()).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad[1, :, ::3] == 0).all()
    assert (logits.grad[1, :, 1::3].abs().sum(dim=0) > 0).all()
    torch.testing.assert_close(z[1, ::3], x[1, ::3], equal_nan=True)
    with torch.no_grad():
        _, first = spline_inverse(x[:1], logits[:1], 8)
        back, _ = spline_forward(z, logits, 8)
    torch.testing.assert_close(slope[::3], first[::3])
    torch.testing.assert_close(back[1, ::3], x[1, ::3], equal_nan=True)


def test_without_numba_the_plain_version_runs() -> None:
    script = """
import sys
sys.modules["numba"] = None
import torch
from hepdensity.models.layers.spline import compiled, spline_inverse
x = torch.rand(2, 5)
assert not compiled(x)
z, _ = spline_inverse(x, torch.zeros(2, 13, 5), 4)
assert z.shape == (2, 5)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@needs_compiled
def test_results_do_not_depend_on_the_state_of_numbas_cache(tmp_path: Path) -> None:
    script = """
import torch
from hepdensity.models.flows.core import Flow, spline_layers
torch.set_num_threads(1)
sizes = {"layers": 4, "bins": 16, "residual_blocks": 2, "units_per_dim": 10}
flow = Flow(spline_layers(8, 1, **sizes), 8)
x = torch.rand(2500, 8, generator=torch.Generator().manual_seed(1)) ** 2
flow.log_prob(x).mean().backward()
print(sum(p.grad.double().abs().sum().item() for p in flow.parameters()).hex())
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", script]
    cold, warm = (
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )
    assert any(tmp_path.rglob("*.nbc"))
    assert cold == warm
