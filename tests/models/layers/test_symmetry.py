"""Symmetries as layers: invariant densities that integrate to one."""

import pytest
import torch
from torch import Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layers.symmetry import CommonRotation, Fold

LAYERS: dict[str, Layer] = {
    "rotation": CommonRotation((0, 1)),
    "reflection": Fold(reflected=(0, 1)),
    "exchange": Fold(reflected=(2,), shifted=(0, 1), exchanged=((0, 1),)),
    "reflection and shift": Fold(reflected=(1,), shifted=(0,)),
}


def lopsided(z: Tensor) -> Tensor:
    """A density on the unit interval or square without any symmetry."""
    density = torch.ones(len(z), dtype=z.dtype)
    for j, column in enumerate(z.T):
        density = density * (0.4 + 0.6 * (j + 2) * column ** (j + 1))
    return density


def dimension(layer: Layer) -> int:
    """Number of coordinates of the toy."""
    return 3 if isinstance(layer, Fold) and layer.targets else 2


def latent_dimension(layer: Layer) -> int:
    return dimension(layer) - isinstance(layer, CommonRotation)


def grid(n: int, d: int) -> Tensor:
    axis = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return torch.cartesian_prod(*[axis] * d)


def density(layer: Layer, x: Tensor) -> Tensor:
    z, contribution = layer.inverse(x)
    return lopsided(z) * contribution.exp()


def partner(layer: Layer, x: Tensor) -> Tensor:
    """A point that the symmetry connects with each given one."""
    if isinstance(layer, Fold):
        return layer.reflection(x)
    return (x + 0.3) % 1


@pytest.fixture(params=LAYERS.values(), ids=list(LAYERS))
def layer(request: pytest.FixtureRequest) -> Layer:
    result: Layer = request.param
    assert result.kind is LayerKind.SURJECTION_EXACT
    assert not result.kind.bound
    return result


def test_density_integrates_to_one(layer: Layer) -> None:
    d = dimension(layer)
    values = density(layer, grid({2: 400, 3: 60}[d], d))
    assert values.std() > 0.1
    assert values.mean().item() == pytest.approx(1, abs=5e-3)


def test_density_is_symmetric(layer: Layer, generator: torch.Generator) -> None:
    x = torch.rand(200, dimension(layer), generator=generator, dtype=torch.float64)
    torch.testing.assert_close(density(layer, x), density(layer, partner(layer, x)))


def test_inverse_undoes_forward(layer: Layer, generator: torch.Generator) -> None:
    z = torch.rand(500, latent_dimension(layer), generator=generator, dtype=torch.float64)
    x, contribution = layer.forward(z, None, generator)
    back, same = layer.inverse(x)
    torch.testing.assert_close(back, z)
    torch.testing.assert_close(contribution, same)
    assert ((x >= 0) & (x <= 1)).all()


def test_forward_gives_all_images_alike(layer: Layer, generator: torch.Generator) -> None:
    n = 20_000
    z = torch.full((n, latent_dimension(layer)), 0.3, dtype=torch.float64)
    x, _ = layer.forward(z, None, generator)
    upper = (x > 0.5).double().mean(0)
    moved = [j for j in range(dimension(layer)) if x[:, j].std() > 0.01]
    assert moved
    assert all(abs(upper[j] - 0.5) < 4 * 0.5 / n**0.5 for j in moved)


def test_rotation_drops_the_column_it_is_told() -> None:
    x = torch.tensor([[0.1, 0.9, 0.2, 0.4]])
    z, _ = CommonRotation((1, 3)).inverse(x)
    torch.testing.assert_close(z, torch.tensor([[0.1, 0.2, 0.5]]))


def test_fold_along_an_exchanged_coordinate_is_refused() -> None:
    with pytest.raises(ValueError, match="first reflected column must not be shifted or exchanged"):
        Fold(reflected=(0,), exchanged=((0, 1),))
