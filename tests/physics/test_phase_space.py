import math

import pytest
import torch
from scipy.integrate import quad
from torch import Tensor

from hepdensity.physics.phase_space import (
    add_mass,
    angles_to_momenta,
    log_flat_density,
    massive_weight,
    massless_volume,
    momenta_to_angles,
    rambo,
)

SQRT_S, MASS = 3000.0, 607.7137


def invariant_mass(momenta: Tensor) -> Tensor:
    return (momenta[..., 0].square() - momenta[..., 1:].square().sum(-1)).sqrt()


def two_body_momentum(parent: float, first: float, second: float) -> float:
    a, b, c = parent**2, first**2, second**2
    return math.sqrt(a * a + b * b + c * c - 2 * (a * b + a * c + b * c)) / (2 * parent)


def cube_points(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand((n, 8), dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("mass", [0.0, 100.0, MASS], ids=lambda m: f"mass{m:.0f}")
@pytest.mark.parametrize("n_out", [2, 3, 4])
def test_rambo_conserves_momentum_on_shell(
    n_out: int, mass: float, generator: torch.Generator
) -> None:
    momenta, weights = rambo(500, n_out, SQRT_S, mass, generator)
    assert momenta.shape == (500, n_out, 4) and weights.shape == (500,)
    total = momenta.sum(1)
    expected = torch.tensor([SQRT_S, 0, 0, 0], dtype=torch.float64).expand_as(total)
    torch.testing.assert_close(total, expected, rtol=0, atol=1e-9)
    squared = momenta[..., 0].square() - momenta[..., 1:].square().sum(-1)
    torch.testing.assert_close(squared, torch.full_like(squared, mass**2), rtol=0, atol=1e-6)
    assert (weights > 0).all()


def test_massless_points_have_unit_weight(generator: torch.Generator) -> None:
    _, weights = rambo(100, 4, SQRT_S, 0.0, generator)
    torch.testing.assert_close(weights, torch.ones_like(weights))


def test_massless_two_body_volume() -> None:
    assert massless_volume(2, SQRT_S) == pytest.approx(1 / (8 * math.pi))


def test_two_body_weight_is_the_velocity(generator: torch.Generator) -> None:
    _, weights = rambo(10, 2, SQRT_S, MASS, generator)
    velocity = math.sqrt(1 - 4 * MASS**2 / SQRT_S**2)
    torch.testing.assert_close(weights, torch.full_like(weights, velocity))


def test_three_body_volume_against_quadrature(generator: torch.Generator) -> None:
    def chain(pair: float) -> float:
        """Combine two two-body phase spaces through the mass of a pair."""
        first = two_body_momentum(SQRT_S, pair, MASS) / (4 * math.pi * SQRT_S)
        second = two_body_momentum(pair, MASS, MASS) / (4 * math.pi * pair)
        return 2 * pair / (2 * math.pi) * first * second

    exact = quad(chain, 2 * MASS, SQRT_S - MASS)[0]
    _, weights = rambo(20_000, 3, SQRT_S, MASS, generator)
    estimate = massless_volume(3, SQRT_S) * weights
    error = float(estimate.std()) / math.sqrt(len(estimate))
    assert abs(float(estimate.mean()) - exact) < 4 * error
    assert error < 0.01 * exact


def test_rambo_is_isotropic_and_symmetric(generator: torch.Generator) -> None:
    momenta, weights = rambo(20_000, 4, SQRT_S, MASS, generator)
    cosines = momenta[..., 3] / momenta[..., 1:].norm(dim=-1)
    mean_square = (cosines.square() * weights[:, None]).mean(0) / weights.mean()
    torch.testing.assert_close(
        mean_square, torch.full_like(mean_square, 1 / 3), rtol=0, atol=4 * 0.3 / 20_000**0.5
    )
    energies = (momenta[..., 0] * weights[:, None]).mean(0) / weights.mean()
    torch.testing.assert_close(
        energies, torch.full_like(energies, SQRT_S / 4), rtol=0, atol=4 * 100 / 20_000**0.5
    )


@pytest.mark.parametrize(
    ("n_out", "sqrt_s", "mass", "message"),
    [(1, 100.0, 1.0, "at least two"), (4, 400.0, 100.0, "threshold"), (2, 9.0, -1.0, "threshold")],
    ids=["one-particle", "below-threshold", "negative-mass"],
)
def test_rambo_refuses(
    n_out: int, sqrt_s: float, mass: float, message: str, generator: torch.Generator
) -> None:
    with pytest.raises(ValueError, match=message):
        rambo(1, n_out, sqrt_s, mass, generator)


@pytest.mark.parametrize("mass", [0.0, MASS], ids=["massless", "massive"])
@pytest.mark.parametrize("n_out", [2, 4])
def test_angles_round_trip(n_out: int, mass: float, generator: torch.Generator) -> None:
    momenta, _ = rambo(2000, n_out, SQRT_S, mass, generator)
    angles = momenta_to_angles(momenta)
    assert angles.shape == (2000, 2 * n_out if n_out > 2 else 2)
    restored, physical = angles_to_momenta(angles, SQRT_S, mass)
    assert physical.all()
    torch.testing.assert_close(restored, momenta, rtol=0, atol=1e-4)
    # Nearly planar events are ill-conditioned; all others are exact.
    assert (restored - momenta).abs().flatten(1).amax(1).median() < 1e-9
    torch.testing.assert_close(momenta_to_angles(restored), angles, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        ((1, 0, 0), (0.5, 0.0)),
        ((0, 1, 0), (0.5, 0.25)),
        ((-1, 0, 0), (0.5, 0.5)),
        ((0, -1, 0), (0.5, 0.75)),
        ((0, 0, 1), (1.0, 0.0)),
        ((0, 0, -1), (0.0, 0.0)),
        ((1, 1, math.sqrt(2)), (0.5 + 0.5 / math.sqrt(2), 0.125)),
    ],
)
def test_angle_convention(
    vector: tuple[float, float, float], expected: tuple[float, float]
) -> None:
    momentum = torch.tensor([5.0, *vector], dtype=torch.float64)
    back = torch.cat((momentum[:1], -momentum[1:]))
    angles = momenta_to_angles(torch.stack((momentum, back))[None])
    torch.testing.assert_close(angles[0], torch.tensor(expected, dtype=torch.float64))


def test_relabelling_gluinos_moves_their_angles(generator: torch.Generator) -> None:
    momenta, _ = rambo(10, 4, SQRT_S, MASS, generator)
    order = [2, 0, 3, 1]
    moved = momenta_to_angles(momenta[:, order])
    torch.testing.assert_close(
        moved, momenta_to_angles(momenta).reshape(-1, 4, 2)[:, order].flatten(1)
    )


def test_one_eighth_of_the_cube_is_physical(generator: torch.Generator) -> None:
    n = 40_000
    momenta, physical = angles_to_momenta(cube_points(n, generator), SQRT_S, MASS)
    assert abs(int(physical.sum()) - n / 8) < 4 * math.sqrt(n * 7 / 64)
    assert momenta[physical].isfinite().all()
    assert momenta[~physical].isnan().all()


def test_angle_volume(generator: torch.Generator) -> None:
    """Compute V from <|det M|> over flat phase space, where all integrands are bounded.

    As p_flat = prod f_i / (|det M| V) with the energy fractions f_i, the mean of |det M| V over
    flat phase space is the integral of prod f_i over the physical part of the cube.
    """
    momenta, _ = rambo(100_000, 4, 1.0, 0.0, generator)
    angles = momenta_to_angles(momenta)
    fractions = momenta[..., 0].prod(1)
    volume_times_determinant = fractions / log_flat_density(angles).exp()
    points, physical = angles_to_momenta(cube_points(200_000, generator), 1.0, 0.0)
    integrand = torch.where(physical, points[..., 0].prod(1), 0.0)
    ratio = float(volume_times_determinant.mean() / integrand.mean())
    relative = [
        float(x.std() / x.mean()) / math.sqrt(len(x)) for x in (volume_times_determinant, integrand)
    ]
    error = math.hypot(*relative)
    assert abs(ratio - 1) < 4 * error
    assert error < 0.015


def test_flat_density_of_two_particles_is_uniform() -> None:
    angles = torch.tensor([[0.2, 0.7], [0.2, 1.2]], dtype=torch.float64)
    assert log_flat_density(angles).tolist() == [0.0, -math.inf]


DEGENERATE = {
    "all-equal": [0.3, 0.2] * 4,
    "poles": [0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 1.0, 0.5],
    "coplanar": [0.5, 0.0, 0.5, 0.3, 0.5, 0.5, 0.5, 0.8],
    "nan": [math.nan] + [0.5] * 7,
    "infinite": [math.inf] + [0.5] * 7,
    "outside": [1.1, 0.0, 0.3, 0.2, 0.4, 0.6, 0.1, 0.9],
}


@pytest.mark.parametrize("row", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_rows_are_unphysical_and_harmless(
    row: list[float], generator: torch.Generator
) -> None:
    good = momenta_to_angles(rambo(20, 4, SQRT_S, MASS, generator)[0])
    alone, _ = angles_to_momenta(good, SQRT_S, MASS)
    bad = torch.tensor([row], dtype=torch.float64)
    momenta, physical = angles_to_momenta(torch.cat((good, bad)), SQRT_S, MASS)
    assert physical.tolist() == [True] * 20 + [False]
    assert momenta[-1].isnan().all()
    assert torch.equal(momenta[:-1], alone)
    assert log_flat_density(bad).item() == -math.inf


def test_mass_is_added_event_by_event(generator: torch.Generator) -> None:
    massless, _ = rambo(50, 4, SQRT_S, 0.0, generator)
    together = add_mass(massless, SQRT_S, MASS)
    single = torch.cat([add_mass(event[None], SQRT_S, MASS) for event in massless])
    assert torch.equal(together, single)
    torch.testing.assert_close(invariant_mass(together), torch.full((50, 4), MASS).double())


def test_mass_is_added_just_above_threshold(generator: torch.Generator) -> None:
    massless, _ = rambo(50, 4, 100.0, 0.0, generator)
    momenta = add_mass(massless, 100.0, 24.9999)
    torch.testing.assert_close(momenta[..., 0].sum(1), torch.full((50,), 100.0).double())
    assert massive_weight(momenta, 100.0).isfinite().all()


@pytest.mark.parametrize("shape", [(3, 7), (3,), (3, 8, 1)], ids=str)
def test_angles_of_a_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    angles = torch.zeros(shape, dtype=torch.float64)
    with pytest.raises(ValueError, match="angles must have shape"):
        angles_to_momenta(angles, SQRT_S, MASS)
    with pytest.raises(ValueError, match="angles must have shape"):
        log_flat_density(angles)


@pytest.mark.parametrize("shape", [(3, 4), (3, 3, 4), (3, 4, 3)], ids=str)
def test_momenta_of_a_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="momenta must have shape"):
        momenta_to_angles(torch.zeros(shape, dtype=torch.float64))
