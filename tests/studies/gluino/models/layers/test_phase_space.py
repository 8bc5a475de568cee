"""Phase space as a cube: a bijection under which flat phase space is uniform."""

import pytest
import torch

from hepdensity.models.base import LayerKind
from hepdensity.physics.phase_space import log_flat_density, momenta_to_angles, rambo
from hepdensity.studies.gluino.models.layers.paired_phase_space import PairedPhaseSpace
from hepdensity.studies.gluino.models.layers.phase_space import PhaseSpace


@pytest.fixture(params=[PhaseSpace, PairedPhaseSpace], ids=["sequential", "paired"])
def layer(request: pytest.FixtureRequest) -> PhaseSpace:
    result: PhaseSpace = request.param()
    return result


def cube(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def flat_angles(n: int, generator: torch.Generator) -> torch.Tensor:
    return momenta_to_angles(rambo(n, 4, 3000.0, 0.0, generator)[0])


def test_momenta_are_massless_and_add_up(layer: PhaseSpace) -> None:
    momenta = layer.cube_to_momenta(cube(2000))
    squared = momenta[..., 0].square() - momenta[..., 1:].square().sum(-1)
    assert squared.abs().max() < 1e-12
    expected = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64).expand(2000, 4)
    torch.testing.assert_close(momenta.sum(1), expected, atol=1e-12, rtol=0)
    assert (momenta[..., 0] > 0).all()


def test_momenta_return_to_the_same_point(layer: PhaseSpace) -> None:
    z = cube(2000)
    torch.testing.assert_close(
        layer.momenta_to_cube(layer.cube_to_momenta(z)), z, atol=1e-9, rtol=0
    )


def test_forward_and_inverse_undo_each_other(layer: PhaseSpace, generator: torch.Generator) -> None:
    z = cube(2000)
    x, contribution = layer.forward(z)
    back, same = layer.inverse(x)
    torch.testing.assert_close(back, z, atol=1e-8, rtol=0)
    torch.testing.assert_close(same, contribution)
    x = flat_angles(2000, generator)
    torch.testing.assert_close(layer.forward(layer.inverse(x)[0])[0], x, atol=1e-8, rtol=0)
    assert layer.kind is LayerKind.BIJECTION


def test_contribution_is_the_log_jacobian(layer: PhaseSpace, generator: torch.Generator) -> None:
    x = flat_angles(20, generator)
    _, contribution = layer.inverse(x)
    for point, expected in zip(x, contribution, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda p: layer.inverse(p[None])[0][0], point)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1], expected, atol=1e-7, rtol=0)


def test_contribution_is_the_flat_density(layer: PhaseSpace, generator: torch.Generator) -> None:
    x = flat_angles(100, generator)
    torch.testing.assert_close(layer.inverse(x)[1], log_flat_density(x))


def test_flat_phase_space_is_uniform(layer: PhaseSpace, generator: torch.Generator) -> None:
    n, cells = 20_000, 10
    z, _ = layer.inverse(flat_angles(n, generator))
    counts = torch.stack([torch.histc(column, cells, 0, 1) for column in z.T])
    chi2 = ((counts - n / cells).square() / (n / cells)).sum(1)
    # 9 degrees of freedom, 8 columns: each 5 standard deviations above the mean.
    assert (chi2 < 9 + 5 * 18**0.5).all()
    correlations = torch.corrcoef(z.T) - torch.eye(8)
    assert correlations.abs().max() < 4.5 / n**0.5


def test_unphysical_angles_have_no_density(layer: PhaseSpace, generator: torch.Generator) -> None:
    x = torch.rand(400, 8, generator=generator, dtype=torch.float64)
    z, contribution = layer.inverse(x)
    unphysical = log_flat_density(x).isneginf()
    assert 0.7 < unphysical.double().mean() < 1
    assert torch.equal(contribution.isneginf(), unphysical)
    assert (z[unphysical] == 0.5).all()


def test_every_sample_is_physical_in_single_precision(layer: PhaseSpace) -> None:
    x, contribution = layer.forward(cube(20_000).float())
    assert x.dtype == contribution.dtype == torch.float32
    assert layer.inverse(x)[1].isfinite().all()


@pytest.mark.parametrize("edge", [0.0, 1.0], ids=["zero", "one"])
def test_edges_of_the_cube_stay_finite(layer: PhaseSpace, edge: float) -> None:
    z = cube(8)
    z[range(8), range(8)] = edge
    assert layer.cube_to_momenta(z).isfinite().all()
