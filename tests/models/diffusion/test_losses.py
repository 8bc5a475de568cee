"""Objectives: their times, their minimisers, and the likelihood bound."""

import math

import pytest
import torch
from point_sets import mixture, point_sets, set_network
from torch import Tensor, nn

from hepdensity.models.diffusion.fields import END, Field, Points, no_condition
from hepdensity.models.diffusion.losses import LOG_SNR, OBJECTIVES, Objective
from hepdensity.models.diffusion.paths import CosinePath
from hepdensity.models.diffusion.toy import gaussian_mixture_model

each_objective = pytest.mark.parametrize("name", OBJECTIVES)


class LinearField(Field):
    """A velocity linear in its weights, for points of one coordinate."""

    def __init__(self) -> None:
        super().__init__()
        centres = torch.cartesian_prod(torch.linspace(-3, 3, 21), torch.linspace(0, END, 6))
        self.centres = centres.double()
        self.weight = nn.Parameter(torch.zeros(len(centres), dtype=torch.float64))

    def features(self, angle: Tensor, x: Tensor) -> Tensor:
        y, a = self.centres.T
        return torch.exp(-5 * (x - y).square() - 4 * (angle[:, None] - a).square())

    def forward(self, angle: Tensor, points: Points) -> Tensor:
        return (self.features(angle, points.x[:, 0]) @ self.weight)[:, None, None]


def line(x: Tensor) -> Points:
    """Sets of one point with one coordinate."""
    return Points(x[:, None], torch.ones(len(x), 1, dtype=torch.bool), no_condition(x))


@each_objective
def test_minimiser_is_the_velocity_of_the_mixture(name: str) -> None:
    """Each loss is quadratic in the weights, so one Newton step gives its minimum."""
    model = gaussian_mixture_model([[-2.0], [1.4]], [[[0.2]], [[0.3]]], [0.4, 0.6])
    numbers, objective = torch.Generator().manual_seed(1), OBJECTIVES[name]
    field, n = LinearField(), 40_000
    points = line(model.sample(n, numbers))
    time = objective.times(n, points.x, numbers)
    noise = torch.randn(points.x.shape, generator=numbers, dtype=torch.float64)
    loss = objective.loss_at(field, points, noise, time)
    (slope,) = torch.autograd.grad(loss, field.weight)
    curvature = 2 * _weighted(objective, field, points, noise, time)
    ridge = 1e-6 * curvature.diagonal().max() * torch.eye(len(slope)).double()
    with torch.no_grad():
        field.weight.copy_(-torch.linalg.solve(curvature + ridge, slope))
    angle = 0.3 + torch.rand(2_000, generator=numbers, dtype=torch.float64)
    other = torch.randn(2_000, 1, generator=numbers, dtype=torch.float64)
    x = CosinePath().at(model.sample(2_000, numbers), other, angle[:, None])
    with torch.no_grad():
        difference = field(angle, line(x)) - model(angle, line(x))
    assert difference.square().mean().sqrt() < 0.15 * model(angle, line(x)).square().mean().sqrt()


def _weighted(
    objective: Objective, field: LinearField, points: Points, noise: Tensor, time: Tensor
) -> Tensor:
    """Mean of weight times feature times feature, shape ``(features, features)``."""
    path = objective.path
    each = time[:, None, None]
    y = path.at(points.x, noise, each) / path.radius(each)
    features = field.features(path.angle(time), y[:, 0])
    features = features * path.velocity(torch.zeros_like(y), torch.ones_like(y), each)[:, 0]
    if objective.likelihood:
        features = features * path.alpha(time)[:, None] * math.sqrt(LOG_SNR)
    return features.T @ features / len(features)


def test_maximum_likelihood_loss_of_the_true_velocity_is_the_entropy() -> None:
    """The bound on -log p is tight there; other weights of the times would miss the entropy."""
    model = mixture()
    numbers = torch.Generator().manual_seed(2)
    x = model.sample(40_000, numbers)
    entropy = -model.closed_log_prob(x).mean() / 2
    loss = OBJECTIVES["maximum-likelihood"].loss(model, model.points(x), numbers)
    torch.testing.assert_close(loss, entropy, atol=0.04, rtol=0)
    worse = gaussian_mixture_model([[0.0, 0.0]], [[[1.0, 0.0], [0.0, 1.0]]], [1.0])
    cross = 0.5 * x.square().mean() + 0.5 * math.log(2 * math.pi)
    loss = OBJECTIVES["maximum-likelihood"].loss(worse, worse.points(x), numbers)
    torch.testing.assert_close(loss, cross, atol=0.04, rtol=0)


@each_objective
def test_times_are_stratified(name: str) -> None:
    objective = OBJECTIVES[name]
    time = objective.times(64, torch.zeros((), dtype=torch.float64), torch.Generator())
    if objective.likelihood:
        log_snr = 2 * (objective.path.alpha(time) / objective.path.sigma(time)).log()
        part = (log_snr / LOG_SNR + 1) / 2
    else:
        part = time / objective.path.end
    assert sorted((part * 64).long().tolist()) == list(range(64))
    assert part.tolist() != sorted(part.tolist())


@each_objective
def test_absent_points_do_not_count(name: str) -> None:
    points, field = point_sets(), set_network()
    numbers = torch.Generator().manual_seed(3)
    noise = torch.randn(points.x.shape, generator=numbers, dtype=torch.float64)
    time = OBJECTIVES[name].times(len(points.x), points.x, numbers)
    loss = OBJECTIVES[name].loss_at(field, points, noise, time)
    wider = Points(
        nn.functional.pad(points.x, (0, 0, 0, 4)),
        nn.functional.pad(points.present, (0, 4)),
        points.condition,
    )
    more = nn.functional.pad(noise, (0, 0, 0, 4), value=7.0)
    torch.testing.assert_close(OBJECTIVES[name].loss_at(field, wider, more, time), loss)


@each_objective
def test_sets_without_points_give_finite_gradients(name: str) -> None:
    field = set_network()
    loss = OBJECTIVES[name].loss(field, point_sets((0, 0)), torch.Generator().manual_seed(1))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in field.parameters())
