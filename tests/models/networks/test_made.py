"""MADE: autoregressive structure, and the sequential pass against the full one."""

import pytest
import torch

from hepdensity.models.networks.made import ResidualMADE


@pytest.fixture
def made() -> ResidualMADE:
    torch.manual_seed(3)
    network = ResidualMADE(features=5, hidden=13, blocks=2, outputs=4).double()
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter) * (parameter != 0)
    return network


def test_parameters_depend_on_preceding_coordinates_only(made: ResidualMADE) -> None:
    x = torch.rand(5, 1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda y: made(y)[:, :, 0], x)[..., 0]
    depends = jacobian.abs().amax(dim=1) > 0
    expected = torch.ones(5, 5).tril(diagonal=-1).bool()
    assert torch.equal(depends, expected)


def test_sequential_pass_equals_full_pass(made: ResidualMADE) -> None:
    x = torch.rand(5, 7, dtype=torch.float64)
    full = made(x)
    with torch.no_grad():
        network = made.sequential(7, x)
        for d in range(5):
            torch.testing.assert_close(network.parameters(d), full[d])
            network.reveal(x[: d + 1])


def test_number_of_parameters_is_that_of_nflows() -> None:
    made = ResidualMADE(features=8, hidden=80, blocks=2, outputs=97)
    assert sum(p.numel() for p in made.parameters()) == 89_496


def test_one_feature_has_constant_parameters() -> None:
    made = ResidualMADE(features=1, hidden=4, blocks=1, outputs=3)
    parameters = made(torch.rand(1, 6))
    assert torch.equal(parameters, parameters[:, :, :1].expand(-1, -1, 6))


def test_too_few_hidden_units_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 7"):
        ResidualMADE(features=8, hidden=6, blocks=1, outputs=3)


@pytest.fixture
def conditioned() -> ResidualMADE:
    torch.manual_seed(4)
    return ResidualMADE(features=4, hidden=9, blocks=2, outputs=3, context=2).double()


def test_every_coordinate_sees_the_context(conditioned: ResidualMADE) -> None:
    x, context = torch.rand(4, 1, dtype=torch.float64), torch.rand(1, 2, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda c: conditioned(x, c)[:, :, 0], context)
    assert (jacobian.abs().amax(dim=(1, 2, 3)) > 1e-4).all()


def test_context_leaves_the_autoregressive_structure(conditioned: ResidualMADE) -> None:
    context = torch.rand(1, 2, dtype=torch.float64)
    x = torch.rand(4, 1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda y: conditioned(y, context)[:, :, 0], x)
    assert not jacobian[..., 0].abs().amax(dim=1).triu().any()


def test_sequential_pass_with_context_equals_full_pass(conditioned: ResidualMADE) -> None:
    x, context = torch.rand(4, 7, dtype=torch.float64), torch.rand(7, 2, dtype=torch.float64)
    full = conditioned(x, context)
    with torch.no_grad():
        network = conditioned.sequential(7, x, context)
        for d in range(4):
            torch.testing.assert_close(network.parameters(d), full[d])
            network.reveal(x[: d + 1])


def test_context_adds_the_parameters_of_the_paper_and_a_term_for_the_first_coordinate() -> None:
    made = ResidualMADE(features=8, hidden=80, blocks=2, outputs=97, context=64)
    paper = 89_496 + 3 * (64 * 80 + 80)
    assert sum(p.numel() for p in made.parameters()) == paper + 64 * 97 + 97
