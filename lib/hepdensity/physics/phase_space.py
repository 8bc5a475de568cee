"""Flat phase space of a two-to-n process and its description by angles.

Momenta have shape (n_events, n_out, 4) with components (E, px, py, pz) in GeV, in the
centre-of-mass frame. The angle variables are those of Verheyen (2022, arXiv:2205.01697, eq. 9):
x_theta = (1 + cos theta) / 2 and x_phi = phi / (2 pi) of every outgoing particle, in the order
theta1, phi1, theta2, phi2, ...
For two particles only the angles of the first are kept.

Flat phase space and the map between massless and massive momenta follow RAMBO (Kleiss, Stirling,
Ellis, Comput. Phys. Commun. 40 (1986) 359).
"""

import math

import torch
from torch import Tensor

NEWTON_STEPS = 60
NEWTON_TOLERANCE = 1e-14
PLANAR = 1e-13
"""If the directions span a smaller volume, rounding errors dominate the energies."""


def massless_volume(n_out: int, sqrt_s: float) -> float:
    """Volume of massless n-body phase space.

    The measure is prod_i d^3p_i / ((2 pi)^3 2 E_i) times (2 pi)^4 delta^4(P - sum p_i).

    Args:
        n_out: Number of outgoing particles, at least two.
        sqrt_s: Centre-of-mass energy [GeV].

    Returns:
        The volume in GeV^(2 n_out - 4).
    """
    angular = (math.pi / 2) ** (n_out - 1) / (math.gamma(n_out) * math.gamma(n_out - 1))
    return angular * sqrt_s ** (2 * n_out - 4) * (2 * math.pi) ** (4 - 3 * n_out)


def rambo(
    n_events: int, n_out: int, sqrt_s: float, mass: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw n-body momenta that are flat in massless phase space, then give them a mass.

    The integral of a function f over massive phase space is ``massless_volume(n_out, sqrt_s)``
    times the mean of ``weights * f(momenta)``; the weights are 1 for zero mass.

    Args:
        n_events: Number of points.
        n_out: Number of outgoing particles, at least two.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Mass of every outgoing particle [GeV].
        generator: Source of random numbers; the result is on its device.

    Returns:
        Momenta (n_events, n_out, 4) in GeV and weights (n_events,), both float64.

    Raises:
        ValueError: If n_out is less than two or the energy is below threshold.

    Example:
        >>> generator = torch.Generator().manual_seed(1)
        >>> momenta, weights = rambo(100, 4, sqrt_s=3000.0, mass=600.0, generator=generator)
        >>> momenta.shape, weights.shape
        (torch.Size([100, 4, 4]), torch.Size([100]))
        >>> [round(component) for component in momenta[0].sum(0).tolist()]
        [3000, 0, 0, 0]
    """
    if n_out < 2:
        raise ValueError(f"phase space needs at least two outgoing particles, not {n_out}")
    check_threshold(n_out, sqrt_s, mass)
    massless = _massless_momenta(n_events, n_out, sqrt_s, generator)
    momenta = add_mass(massless, sqrt_s, mass)
    return momenta, massive_weight(momenta, sqrt_s)


def check_threshold(n_out: int, sqrt_s: float, mass: float) -> None:
    """Raise ValueError unless sqrt_s [GeV] can produce n_out particles of this mass [GeV]."""
    if not 0 <= n_out * mass < sqrt_s:
        raise ValueError(
            f"{n_out} particles of {mass} GeV cannot be produced at sqrt(s) = {sqrt_s} GeV: "
            "choose a non-negative mass and an energy above threshold"
        )


def _massless_momenta(
    n_events: int, n_out: int, sqrt_s: float, generator: torch.Generator
) -> Tensor:
    """RAMBO: isotropic momenta, boosted to their rest frame and scaled to sqrt_s."""
    uniform = torch.rand(
        (4, n_events, n_out), dtype=torch.float64, device=generator.device, generator=generator
    )
    # 1 - u lies in (0, 1], so the logarithm is finite.
    energy = -(torch.log1p(-uniform[2]) + torch.log1p(-uniform[3]))
    vector = energy[..., None] * _unit_vectors(uniform[0], uniform[1])
    total_energy, total_vector = energy.sum(1, keepdim=True), vector.sum(1, keepdim=True)
    invariant = (total_energy.square() - total_vector.square().sum(-1)).sqrt()
    boost, gamma = -total_vector / invariant[..., None], total_energy / invariant
    projection = (boost * vector).sum(-1)
    rest_energy = gamma * energy + projection
    rest_vector = vector + boost * (energy + projection / (1 + gamma))[..., None]
    rest = torch.cat((rest_energy[..., None], rest_vector), dim=-1)
    return rest * (sqrt_s / invariant)[..., None]


def add_mass(massless: Tensor, sqrt_s: float, mass: float) -> Tensor:
    """Scale massless momenta (n, n_out, 4) to the given mass at the same total energy [GeV].

    Every event is solved independently: other events in the batch, even NaN rows, have no effect.
    """
    squared = massless[..., 1:].square().sum(-1)
    scale = math.sqrt(1 - (massless.shape[1] * mass / sqrt_s) ** 2)
    xi = torch.full_like(squared[:, :1], scale)
    active = torch.ones_like(xi, dtype=torch.bool)
    # The sum of energies is convex in xi, so Newton's method converges from any start.
    for _ in range(NEWTON_STEPS):
        energy = (xi.square() * squared + mass**2).sqrt()
        excess = energy.sum(1, keepdim=True) - sqrt_s
        step = excess / (xi * squared / energy).sum(1, keepdim=True)
        xi = torch.where(active, xi - step, xi)
        active = active & (step.abs() > NEWTON_TOLERANCE * xi)
        if not bool(active.any()):
            break
    energy = (xi.square() * squared + mass**2).sqrt()
    return torch.cat((energy[..., None], xi[..., None] * massless[..., 1:]), dim=-1)


def massive_weight(momenta: Tensor, sqrt_s: float) -> Tensor:
    """Weight (n,) of massive momenta (n, n_out, 4) relative to massless flat phase space."""
    n_out = momenta.shape[1]
    energy = momenta[..., 0]
    length = momenta[..., 1:].norm(dim=-1)
    scale = (length.sum(1) / sqrt_s) ** (2 * n_out - 3)
    return scale * (length / energy).prod(1) * sqrt_s / (length.square() / energy).sum(1)


def momenta_to_angles(momenta: Tensor) -> Tensor:
    """Angle variables of momenta in the centre-of-mass frame.

    Args:
        momenta: (n, 4, 4) or (n, 2, 4), massive or massless [GeV].

    Returns:
        (n, 8), ordered theta1, phi1, theta2, phi2, ..., in [0, 1]; (n, 2) for two particles,
        because they are back to back.

    Raises:
        ValueError: If the shape is wrong.

    Example:
        >>> momenta = torch.tensor([[[5.0, 0.0, 3.0, 0.0], [5.0, 0.0, -3.0, 0.0]]])
        >>> momenta_to_angles(momenta)
        tensor([[0.5000, 0.2500]])
    """
    if momenta.ndim != 3 or momenta.shape[1] not in (2, 4) or momenta.shape[2] != 4:
        raise ValueError(
            f"momenta must have shape (n, 4, 4) or (n, 2, 4), not {tuple(momenta.shape)}"
        )
    vector = momenta[:, : (4 if momenta.shape[1] == 4 else 1), 1:]
    x_theta = (1 + vector[..., 2] / vector.norm(dim=-1)) / 2
    x_phi = torch.atan2(vector[..., 1], vector[..., 0]).remainder(2 * math.pi) / (2 * math.pi)
    return torch.stack((x_theta, x_phi), dim=-1).flatten(1).clamp(0, 1)


def angles_to_momenta(angles: Tensor, sqrt_s: float, mass: float) -> tuple[Tensor, Tensor]:
    """Massive momenta at given angle variables.

    Args:
        angles: (n, 8) for four particles or (n, 2) for two (see `momenta_to_angles`).
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Mass of every particle [GeV].

    Returns:
        Momenta (n, n_out, 4) in GeV, NaN for unphysical points, and a boolean (n,) that marks the
        physical points. For four particles, one eighth of the cube of angles is physical.

    Raises:
        ValueError: If the shape is wrong or the energy is below threshold.

    Example:
        >>> angles = torch.tensor([[0.5, 0.25], [0.5, 1.5]])
        >>> momenta, physical = angles_to_momenta(angles, sqrt_s=10.0, mass=4.0)
        >>> momenta[0].round(decimals=3).abs()
        tensor([[5., 0., 3., 0.],
                [5., 0., 3., 0.]])
        >>> physical.tolist()
        [True, False]
    """
    _check_angles(angles)
    n_out = 4 if angles.shape[1] == 8 else 2
    check_threshold(n_out, sqrt_s, mass)
    directions, fractions, _, physical = _solve(angles)
    energy = sqrt_s * fractions
    massless = torch.cat((energy[..., None], energy[..., None] * directions), dim=-1)
    massless = torch.where(physical[:, None, None], massless, torch.nan)
    return add_mass(massless, sqrt_s, mass), physical


def log_flat_density(angles: Tensor) -> Tensor:
    """Log-density of massless flat phase space in the angle variables.

    For four particles, it is prod_i (E_i / sqrt s) / (|det M| V). The columns of the matrix M are
    (1, n_i), the energies solve M E = (sqrt s, 0, 0, 0), and V = 1 / (1536 pi) is the integral over
    the cube. For two particles, the density is uniform.

    Args:
        angles: (n, 8) or (n, 2).

    Returns:
        (n,) in nats, -inf at unphysical points.

    Raises:
        ValueError: If the shape is wrong.
    """
    _check_angles(angles)
    _, fractions, determinant, physical = _solve(angles)
    if angles.shape[1] == 2:
        density = torch.zeros_like(angles[:, 0])
    else:
        density = fractions.log().sum(1) - determinant.log() + math.log(1536 * math.pi)
    return torch.where(physical, density, -torch.inf)


def _check_angles(angles: Tensor) -> None:
    if angles.ndim != 2 or angles.shape[1] not in (2, 8):
        raise ValueError(f"angles must have shape (n, 8) or (n, 2), not {tuple(angles.shape)}")


def _unit_vectors(x_theta: Tensor, x_phi: Tensor) -> Tensor:
    """Directions (..., 3) of angle variables."""
    # This form avoids the cancellation of 1 - cos^2 at the poles.
    sin_theta = 2 * (x_theta * (1 - x_theta)).sqrt()
    phi = 2 * math.pi * x_phi
    return torch.stack((sin_theta * phi.cos(), sin_theta * phi.sin(), 2 * x_theta - 1), dim=-1)


def _solve(angles: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Directions (n, n_out, 3), energies / sqrt s (n, n_out), |det M| and physical, both (n,)."""
    directions = _unit_vectors(angles[:, 0::2], angles[:, 1::2])
    inside = ((angles >= 0) & (angles <= 1)).all(1)
    if angles.shape[1] == 2:
        directions = torch.cat((directions, -directions), dim=1)
        half = torch.full_like(directions[..., 0], 0.5)
        return directions, half, torch.ones_like(half[:, 0]), inside
    first, second, third, fourth = directions.unbind(1)
    # With Cramer's rule, a singular row gives NaN instead of an exception.
    cofactors = torch.stack(
        (
            _triple_product(second, third, fourth),
            -_triple_product(first, third, fourth),
            _triple_product(first, second, fourth),
            -_triple_product(first, second, third),
        ),
        dim=1,
    )
    determinant = cofactors.sum(1)
    fractions = cofactors / determinant[:, None]
    physical = inside & (fractions > 0).all(1) & (determinant.abs() > PLANAR)
    return directions, fractions, determinant.abs(), physical


def _triple_product(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return (a * torch.linalg.cross(b, c, dim=-1)).sum(-1)
