"""Solvers: orders, tolerances, independence of sets, and what does not converge."""

import math

import pytest
import torch
from torch import Tensor

from hepdensity.models.diffusion.solvers import Solution, adams_weights, adaptive, multistep


def spiral(angle: Tensor, x: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
    """dx/da = a x, whose divergence is here cos(a)."""
    return angle[:, None, None] * x, angle.double().cos()


def start() -> Tensor:
    return torch.tensor([[[1.0, 2.0]], [[-3.0, 0.5]]], dtype=torch.float64)


def solve(tolerance: float, most_steps: int = 1000) -> Solution:
    d = torch.tensor([2, 2])
    return adaptive(spiral, start(), 0.0, 1.5, d, tolerance, tolerance, most_steps)


def error(solution: Solution) -> float:
    exact = start() * math.exp(1.5**2 / 2)
    of_x = (solution.x - exact).abs().max().item()
    return max(of_x, (solution.integral - math.sin(1.5)).abs().max().item())


def test_weights_integrate_polynomials() -> None:
    nodes = (0.7, 0.4, 0.0)
    weights = adams_weights(nodes, 0.7, 1.2)
    for power in range(3):
        exact = (1.2 ** (power + 1) - 0.7 ** (power + 1)) / (power + 1)
        found = sum(w * node**power for w, node in zip(weights, nodes, strict=True))
        assert found == pytest.approx(exact)
    classic = [23 / 12, -16 / 12, 5 / 12]
    assert adams_weights((2.0, 1.0, 0.0), 2.0, 3.0) == pytest.approx(classic)


def test_multistep_has_order_three() -> None:
    errors = []
    for steps in (40, 80):
        grid = torch.linspace(0, 1.5, steps + 1, dtype=torch.float64).tolist()
        solution = multistep(spiral, start(), grid)
        errors.append(error(solution))
        assert solution.evaluations.tolist() == [steps + 1] * 2
        assert solution.converged.all()
    assert 2.7 < math.log2(errors[0] / errors[1]) < 3.3


def test_adaptive_keeps_its_tolerance() -> None:
    loose, tight = solve(1e-4), solve(1e-9)
    assert error(loose) < 1e-2 and error(tight) < 1e-6
    assert (tight.evaluations > loose.evaluations).all()
    assert tight.converged.all()


def test_steps_of_a_set_do_not_depend_on_its_neighbours() -> None:
    """One of the neighbours is a hundred times stiffer."""

    def rate(angle: Tensor, x: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        speed = torch.tensor([3.0, 300.0], dtype=torch.float64)
        speed = speed if chosen is None else speed[chosen]
        phase = speed * angle
        return phase.cos()[:, None, None] * x, phase.sin()

    d = torch.tensor([2, 2])
    both = adaptive(rate, start(), 0.0, 1.5, d, 1e-6, 1e-6, 1000)
    alone = adaptive(rate, start()[:1], 0.0, 1.5, d[:1], 1e-6, 1e-6, 1000)
    assert both.evaluations[1] > 5 * both.evaluations[0]
    assert both.evaluations[0] == alone.evaluations[0]
    assert (both.x[0] == alone.x[0]).all()
    exact = (
        start()
        * torch.exp((torch.tensor([3.0, 300.0]) * 1.5).sin() / torch.tensor([3, 300]))[
            :, None, None
        ].double()
    )
    torch.testing.assert_close(both.x, exact, atol=1e-4, rtol=0)


def test_adaptive_controls_the_integral_too() -> None:
    """Here x is constant, and only the divergence is hard."""

    def rate(angle: Tensor, x: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(x), 50 * torch.exp(-200 * (angle.double() - 0.8) ** 2)

    solution = adaptive(rate, start(), 0.0, 1.5, torch.tensor([2, 2]), 1e-6, 1e-6, 1000)
    exact = torch.full((2,), 50 * math.sqrt(math.pi / 200), dtype=torch.float64)
    torch.testing.assert_close(solution.integral, exact, atol=1e-4, rtol=0)


def test_too_few_steps_do_not_converge() -> None:
    solution = solve(1e-9, most_steps=3)
    assert not solution.converged.any()
    assert solution.evaluations.tolist() == [19, 19]


def test_a_set_that_diverges_does_not_stop_the_others() -> None:
    def rate(angle: Tensor, x: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        velocity, divergence = spiral(angle, x, chosen)
        broken = (x[:, :1, :1] < 0).expand_as(x) & (angle[:, None, None] > 0.5)
        return velocity.masked_fill(broken, torch.nan), divergence

    solution = adaptive(rate, start(), 0.0, 1.5, torch.tensor([2, 2]), 1e-6, 1e-6, 1000)
    assert solution.converged.tolist() == [True, False]
    grid = torch.linspace(0, 1.5, 33).tolist()
    assert multistep(rate, start(), grid).converged.tolist() == [True, False]
