"""Exact tree-level matrix elements of gg -> n gluinos, and the true density of their angles.

All external particles are colour octets, so the process is QCD with one Majorana fermion in the
adjoint representation. Amplitudes are computed in float64, batched, on the device of the momenta;
see `currents` for the recursion and `colour` for the colour sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import torch
from torch import Tensor

from hepdensity.physics import phase_space
from hepdensity.physics.colour import (
    average_factor,
    colour_matrix,
    colour_orders,
    kleiss_kuijf_matrix,
)
from hepdensity.physics.currents import (
    ExternalStates,
    amplitude_normalisation,
    half_ladder_amplitudes,
)
from hepdensity.physics.wavefunctions import (
    gluino_spinors,
    gluon_momenta,
    gluon_polarisations,
    vector_matrix,
)

__all__ = [
    "Normalisation",
    "TrueDensity",
    "colour_orders",
    "colour_probabilities",
    "compute_normalisation",
    "helicity_configurations",
    "squared_amplitudes",
]

PICOBARN_GEV2 = 0.3893793721e9
"""(hbar c)^2 in pb GeV^2."""

CHUNK = {"cpu": 192, "cuda": 16384}
"""Events computed at once: few enough for the cache, or enough to fill the GPU."""

NORMALISATION_POINTS = 400_000
NORMALISATION_SEED = 20_220_501
NORMALISATION_BLOCK = 20_000


@lru_cache
def helicity_configurations(n_out: int) -> Tensor:
    """All helicities of the legs gluon (+z), gluon (-z), gluinos.

    Args:
        n_out: Number of gluinos.

    Returns:
        (2^(2 + n_out), 2 + n_out) int64 of +1 and -1. Row k is helicity code k, where +1 is the
        bit 1 and the first leg the most significant one.
    """
    return torch.tensor(list(product((-1, 1), repeat=2 + n_out)))


def external_states(momenta: Tensor, mass: float) -> ExternalStates:
    """All helicity states of the legs.

    Args:
        momenta: (n, n_out, 4) of the gluinos [GeV], gluons along +z and -z.
        mass: Gluino mass [GeV].
    """
    _check_momenta(momenta)
    incoming = -gluon_momenta(momenta[..., 0].sum(1))
    first, second = vector_matrix(gluon_polarisations(momenta.device))[..., None].unbind(1)
    return ExternalStates(
        gluons=(first, second),
        gluinos=gluino_spinors(momenta, mass),
        gluon_momenta=vector_matrix(incoming.transpose(0, 1)),
        gluino_momenta=vector_matrix(momenta.transpose(0, 1)),
        mass=mass,
    )


def positive_amplitudes(momenta: Tensor, mass: float) -> Tensor:
    """Half-ladder amplitudes of all helicities with +1 for leg 0; parity gives the rest.

    Args:
        momenta: (n, n_out, 4) of the gluinos [GeV].
        mass: Gluino mass [GeV].

    Returns:
        (n_out!, 2^(1 + n_out), n) complex, without coupling (`currents.half_ladder_amplitudes`).
        Column j is helicity code 2^(1 + n_out) + j.
    """
    states = external_states(momenta, mass)
    first, second = states.gluons
    return half_ladder_amplitudes(replace(states, gluons=(first[:, 1:], second)))


def colour_summed(amplitudes: Tensor, alpha_s: float) -> Tensor:
    """Squared matrix elements from half-ladder amplitudes (words, helicities, n).

    Returns:
        (helicities, n), summed over colours, averaged over initial states, times 1/n_out!.
    """
    words, helicities, n_events = amplitudes.shape
    n_out = _gluinos_of(words)
    parts = torch.view_as_real(amplitudes).reshape(words, -1)
    matrix = colour_matrix(n_out).to(amplitudes.device)
    total = (matrix @ parts).mul_(parts).sum(0).reshape(helicities, n_events, 2).sum(-1)
    coupling = (4 * math.pi * alpha_s) ** n_out
    return total * (coupling * amplitude_normalisation(n_out) ** 2 * average_factor(n_out))


def _gluinos_of(words: int) -> int:
    """Number of gluinos that have this number of sequences."""
    return next(n_out for n_out in range(1, words + 1) if math.factorial(n_out) == words)


def colour_weights(amplitudes: Tensor) -> Tensor:
    """Squared partial amplitudes relative to their sum.

    Args:
        amplitudes: Half-ladder amplitudes (n_out!, n) of one helicity per event.

    Returns:
        (n, (1 + n_out)!) in the order of `colour_orders`.
    """
    matrix = kleiss_kuijf_matrix(_gluinos_of(len(amplitudes))).to(amplitudes.device)
    parts = torch.view_as_real(amplitudes.T.contiguous())
    squares = (matrix @ parts).square().sum(-1)
    return squares / squares.sum(1, keepdim=True)


def squared_amplitudes(momenta: Tensor, mass: float, alpha_s: float) -> Tensor:
    """Squared matrix elements per helicity configuration.

    Args:
        momenta: (n_events, n_out, 4) of the gluinos (E, px, py, pz) [GeV] in the centre-of-mass
            frame, gluons along +z and -z; float64.
        mass: Gluino mass [GeV]; its width is zero.
        alpha_s: Strong coupling.

    Returns:
        (n_events, 2^(2 + n_out)) in the order of `helicity_configurations`, in GeV^(4 - 2 n_out),
        summed over colours, averaged over initial spins and colours, times 1/n_out! for identical
        particles. The sum over helicities is the usual spin-averaged |M|^2.

    Raises:
        ValueError: If the shape is wrong.
    """
    _check_momenta(momenta)

    def compute(part: Tensor) -> Tensor:
        positive = colour_summed(positive_amplitudes(part, mass), alpha_s).T
        # By parity, |M_h|^2 = |M_-h|^2.
        return torch.cat((positive.flip(1), positive), dim=1)

    return _in_chunks(compute, momenta)


def colour_probabilities(momenta: Tensor, helicity_index: Tensor, mass: float) -> Tensor:
    """Probability of every colour order for given helicities, at leading colour.

    Args:
        momenta: (n, n_out, 4) of the gluinos [GeV].
        helicity_index: (n,) rows of `helicity_configurations`.
        mass: Gluino mass [GeV].

    Returns:
        (n, (1 + n_out)!), |A_c,h|^2 / sum_c |A_c,h|^2 in the order of `colour_orders`; NaN if
        helicity conservation forbids all of them.

    Raises:
        ValueError: If the shape is wrong.
    """
    _check_momenta(momenta)

    def compute(part: Tensor, index: Tensor) -> Tensor:
        states = _select_helicities(external_states(part, mass), index)
        return colour_weights(half_ladder_amplitudes(states)[:, 0])

    return _in_chunks(compute, momenta, helicity_index)


def _select_helicities(states: ExternalStates, helicity_index: Tensor) -> ExternalStates:
    """Keep one helicity per event."""
    device = helicity_index.device
    plus = helicity_configurations(states.n_out).to(device)[helicity_index].T > 0
    first, second = (
        torch.where(plus[leg], states.gluons[leg][:, 1:], states.gluons[leg][:, :1])
        for leg in (0, 1)
    )
    gluinos = torch.where(plus[2:, None], states.gluinos[:, :, 1:], states.gluinos[:, :, :1])
    return replace(states, gluons=(first, second), gluinos=gluinos)


def _check_momenta(momenta: Tensor) -> None:
    if momenta.ndim != 3 or momenta.shape[2] != 4 or momenta.shape[1] < 2 or momenta.shape[1] % 2:
        raise ValueError(
            "gluino momenta must have shape (n, n_out, 4) with an even n_out, "
            f"not {tuple(momenta.shape)}"
        )


def _in_chunks(function: Callable[..., Tensor], *arguments: Tensor) -> Tensor:
    """Apply a function to pieces of its arguments and concatenate."""
    size = CHUNK[arguments[0].device.type]
    pieces = zip(*(argument.split(size) for argument in arguments), strict=True)
    return torch.cat([function(*piece) for piece in pieces])


@dataclass(frozen=True)
class Normalisation:
    """Mean of |M|^2 times the RAMBO weight over flat phase space, for alpha_s = 1.

    Attributes:
        value: The mean in GeV^(4 - 2 n_out).
        error: Its relative standard error.
        points: Number of phase-space points.
        n_out: Number of gluinos.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
    """

    value: float
    error: float
    points: int
    n_out: int
    sqrt_s: float
    mass: float

    def cross_section(self, alpha_s: float) -> tuple[float, float]:
        """Cross-section and its standard error [pb] at a fixed coupling."""
        flux = 2 * self.sqrt_s**2
        volume = phase_space.massless_volume(self.n_out, self.sqrt_s)
        value = PICOBARN_GEV2 * alpha_s**self.n_out * self.value * volume / flux
        return value, value * self.error

    def to_dict(self) -> dict[str, Any]:
        """The fields, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Normalisation:
        """Make a normalisation from the result of `to_dict`; other entries are ignored.

        Raises:
            ValueError: If a field is missing.
        """
        names = cls.__dataclass_fields__
        missing = [name for name in names if name not in fields]
        if missing:
            raise ValueError(f"the normalisation lacks {', '.join(missing)}; compute it again")
        return cls(**{name: fields[name] for name in names})


def flat_weights(momenta: Tensor, phase_space_weights: Tensor, mass: float) -> Tensor:
    """Helicity-summed |M|^2 at alpha_s = 1 times the RAMBO weights, (n,)."""
    return squared_amplitudes(momenta, mass, 1.0).sum(1) * phase_space_weights


def compute_normalisation(
    sqrt_s: float,
    mass: float,
    points: int = NORMALISATION_POINTS,
    seed: int = NORMALISATION_SEED,
    n_out: int = 4,
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] = lambda n: None,
) -> Normalisation:
    """Estimate the normalisation of the true density; 4e5 points give an accuracy of 1e-3.

    Args:
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        points: Number of phase-space points.
        seed: Seed of the random numbers.
        n_out: Number of gluinos.
        device: Where to compute.
        advance: Called with the number of new points after every block.

    Raises:
        ValueError: If there are fewer than two points or the energy is below threshold.
    """
    if points < 2:
        raise ValueError(f"a normalisation needs at least two points, not {points}")
    generator = torch.Generator(device).manual_seed(seed)
    momenta, flat = phase_space.rambo(points, n_out, sqrt_s, mass, generator)
    blocks = zip(momenta.split(NORMALISATION_BLOCK), flat.split(NORMALISATION_BLOCK), strict=True)
    parts = []
    for block_momenta, block_flat in blocks:
        parts.append(flat_weights(block_momenta, block_flat, mass))
        advance(len(block_flat))
    sample = torch.cat(parts)
    mean = float(sample.mean())
    error = float(sample.std()) / math.sqrt(points) / mean
    return Normalisation(mean, error, points, n_out, sqrt_s, mass)


@lru_cache
def _default_normalisation(sqrt_s: float, mass: float) -> Normalisation:
    """Normalisation for a `TrueDensity` without one, computed once per Python process."""
    return compute_normalisation(sqrt_s, mass)


class TrueDensity:
    """Density of the angle variables of gg -> 4 (or 2) gluinos at a fixed coupling.

    p(x) = |M|^2 w / Z p_flat(x), where w is the weight of massive relative to massless phase space
    and Z = <|M|^2 w> is the mean over flat phase space. The coupling cancels.

    Attributes:
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        normalisation: Z; if not given, it is computed once per process (half a minute).
    """

    def __init__(
        self, sqrt_s: float, mass: float, normalisation: Normalisation | None = None
    ) -> None:
        """Set the energy and mass [GeV].

        Raises:
            ValueError: If the normalisation is for another energy or mass.
        """
        if normalisation is None:
            normalisation = _default_normalisation(sqrt_s, mass)
        if (normalisation.sqrt_s, normalisation.mass) != (sqrt_s, mass):
            raise ValueError(
                f"the normalisation is for sqrt(s) = {normalisation.sqrt_s} GeV and mass "
                f"{normalisation.mass} GeV, not {sqrt_s} GeV and {mass} GeV; compute it again"
            )
        self.sqrt_s = sqrt_s
        self.mass = mass
        self.normalisation = normalisation

    def log_prob(self, angles: Tensor) -> Tensor:
        """Log-density of angle variables.

        Args:
            angles: (n, 8) for four gluinos, (n, 2) for two (`phase_space.momenta_to_angles`).

        Returns:
            (n,) in nats, -inf at unphysical points.

        Raises:
            ValueError: If the shape does not match the process of the normalisation.

        Example:
            >>> normalisation = compute_normalisation(3000.0, 600.0, points=1000, n_out=2)
            >>> density = TrueDensity(3000.0, 600.0, normalisation)
            >>> values = density.log_prob(torch.tensor([[0.5, 0.1], [0.5, 0.9], [0.5, 1.1]]))
            >>> [round(value, 2) for value in values.tolist()]
            [-0.96, -0.96, -inf]
        """
        if angles.ndim != 2 or angles.shape[1] != {4: 8, 2: 2}[self.normalisation.n_out]:
            raise ValueError(
                f"angles of shape {tuple(angles.shape)} do not belong to "
                f"{self.normalisation.n_out} gluinos"
            )
        angles = angles.double()
        result = phase_space.log_flat_density(angles)
        momenta, physical = phase_space.angles_to_momenta(angles, self.sqrt_s, self.mass)
        if bool(physical.any()):
            momenta = momenta[physical]
            weight = phase_space.massive_weight(momenta, self.sqrt_s)
            ratio = flat_weights(momenta, weight, self.mass) / self.normalisation.value
            result[physical] += ratio.log()
        return result
