"""Paths: positions, targets, velocities and their Gaussian end."""

import math

import numpy as np
import pytest
import torch
from point_sets import mixture
from scipy.integrate import solve_ivp

from hepdensity.models.diffusion.fields import END, Points, no_condition
from hepdensity.models.diffusion.paths import CosinePath, LinearPath, Path, angle_grid
from hepdensity.models.diffusion.toy import gaussian_mixture_model

PATHS = {"cosine": CosinePath(), "linear": LinearPath()}
TIMES = torch.linspace(0.01, 0.99, 7, dtype=torch.float64)
each_path = pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(1)
    x, noise = torch.randn(2, len(TIMES), generator=numbers, dtype=torch.float64)
    return x, noise


@each_path
def test_path_leads_from_data_to_noise(path: Path) -> None:
    data, noise = pairs()
    zero = torch.zeros_like(data)
    torch.testing.assert_close(path.at(data, noise, zero), data)
    torch.testing.assert_close(path.at(data, noise, zero + path.end), noise)
    torch.testing.assert_close(path.angle(zero + path.end), zero + END)
    torch.testing.assert_close(path.radius(zero + path.end), zero + 1)


@each_path
def test_target_is_the_derivative_of_the_position(path: Path) -> None:
    data, noise = pairs()
    time, h = path.end * TIMES, 1e-6
    slope = (path.at(data, noise, time + h) - path.at(data, noise, time - h)) / (2 * h)
    torch.testing.assert_close(path.target(data, noise, time), slope, atol=1e-8, rtol=0)


@each_path
def test_time_of_a_signal_to_noise_ratio(path: Path) -> None:
    log_snr = torch.linspace(-10, 10, 9, dtype=torch.float64)
    time = path.time_of(log_snr)
    ratio = 2 * (path.alpha(time) / path.sigma(time)).log()
    torch.testing.assert_close(ratio, log_snr)


@each_path
def test_position_is_a_rotation_up_to_the_radius(path: Path) -> None:
    data, noise = pairs()
    time = path.end * TIMES
    turned = CosinePath().at(data, noise, path.angle(time))
    torch.testing.assert_close(path.at(data, noise, time) / path.radius(time), turned)


@each_path
def test_velocity_of_one_pair_is_its_target(path: Path) -> None:
    """If the output is the v of the pair, the velocity is dx_t/dt."""
    data, noise = pairs()
    time = path.end * TIMES
    output = CosinePath().target(data, noise, path.angle(time))
    velocity = path.velocity(path.at(data, noise, time), output, time)
    torch.testing.assert_close(velocity, path.target(data, noise, time))


@each_path
def test_ode_in_x_ends_in_the_gaussian_with_the_right_density(path: Path) -> None:
    """Scipy's solver along the path itself, with the trace by a finite difference."""
    model = gaussian_mixture_model([[-1.0], [0.7]], [[[0.2]], [[0.3]]], [0.4, 0.6])

    def velocity(t: float, x: float) -> float:
        time = torch.tensor([t], dtype=torch.float64)
        y = torch.tensor([[[x]]], dtype=torch.float64)
        points = Points(y, torch.ones(1, 1, dtype=torch.bool), no_condition(y[:, 0]))
        output = model(path.angle(time), points.at(y / path.radius(time)))
        return float(path.velocity(y, output, time))

    def rate(t: float, state: np.ndarray) -> list[float]:
        x, h = state[0], 1e-5
        return [velocity(t, x), (velocity(t, x + h) - velocity(t, x - h)) / (2 * h)]

    for start in (-1.3, 0.4):
        solved = solve_ivp(rate, (0, path.end), [start, 0.0], rtol=1e-8, atol=1e-9)
        end, integral = solved.y[:, -1]
        value = -0.5 * end**2 - 0.5 * math.log(2 * math.pi) + integral
        expected = model.closed_log_prob(torch.tensor([[start]], dtype=torch.float64))
        assert value == pytest.approx(float(expected), abs=1e-5)


def test_equation_5_with_the_right_sign() -> None:
    """score = -x - (alpha / sigma) v; with the paper's +x it is wrong by 2x."""
    model = mixture()
    numbers = torch.Generator().manual_seed(4)
    x = torch.randn(7, 1, 2, generator=numbers, dtype=torch.float64)
    angle = END * TIMES
    points = Points(x, torch.ones(7, 1, dtype=torch.bool), no_condition(x[:, 0]))
    v = model(angle, points)
    ratio = (angle.cos() / angle.sin())[:, None, None]
    with torch.enable_grad():
        y = x.clone().requires_grad_()
        log = model._log_components(angle, y)[0].logsumexp(dim=2)
        (score,) = torch.autograd.grad(log.sum(), y)
    torch.testing.assert_close(-x - ratio * v, score)
    torch.testing.assert_close(model.score(angle, x), score)
    assert (x - ratio * v - score).abs().max() > 0.1


def test_grid_is_dense_at_the_data() -> None:
    grid = angle_grid(16)
    steps = np.diff(grid)
    assert grid[0] == 0 and grid[-1] == pytest.approx(END)
    assert (np.diff(steps) > 0).all() and steps[0] < steps[-1] / 4


def test_grid_needs_a_step() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        angle_grid(0)
