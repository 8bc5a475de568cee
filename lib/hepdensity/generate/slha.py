"""SLHA texts of simplified supersymmetric models (Skands et al. 2004, hep-ph/0311123)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LIGHTEST_NEUTRALINO = 1000022
DECOUPLED = 3.0e4
"""Mass of all sparticles that a model does not have [GeV]."""

SQUARKS = tuple(side * 1_000_000 + flavour for side in (1, 2) for flavour in (1, 2, 3, 4))
"""Partners of the left- and right-handed d, u, s and c quarks."""

_SPARTICLES = (
    *SQUARKS,
    *(1000005, 2000005, 1000006, 2000006),
    *(1000011, 2000011, 1000012, 1000013, 2000013, 1000014, 1000015, 2000015, 1000016),
    *(1000021, 1000022, 1000023, 1000024, 1000025, 1000035, 1000037),
    *(35, 36, 37),
)
_DIAGONALS = {"NMIX": 4, "UMIX": 2, "VMIX": 2, "STOPMIX": 2, "SBOTMIX": 2, "STAUMIX": 2}
_TAN_BETA = 10.0
# Values that enter no process of these models, but that Pythia asks for.
_PARAMETERS = {
    "HMIX": {1: DECOUPLED, 2: _TAN_BETA, 3: 246.0, 4: DECOUPLED**2},
    "GAUGE": {1: 0.358, 2: 0.648, 3: 1.05},
    "MSOFT": {1: 100.0, 2: 200.0, 3: DECOUPLED},
}
_TRILINEAR = ("AU", "AD", "AE", "YU", "YD", "YE")


@dataclass(frozen=True)
class Decay:
    """One way in which a particle decays.

    Attributes:
        fraction: Branching fraction.
        products: Codes of the products, two or three.
    """

    fraction: float
    products: tuple[int, ...]


@dataclass(frozen=True)
class Particle:
    """Mass and decays of a sparticle.

    Attributes:
        mass: Mass [GeV].
        decays: Its decays; without any it is stable.
        width: Total width [GeV]; 0 if it is stable.
    """

    mass: float
    decays: tuple[Decay, ...] = ()
    width: float = 1.0


def slha_text(particles: Mapping[int, Particle]) -> str:
    """Text of an SLHA file with some sparticles, all others being too heavy to be made.

    The lightest neutralino is a bino, the second one and the lighter chargino are winos, and
    squarks of the third generation do not mix.

    Args:
        particles: Sparticles by Particle Data Group code.

    Raises:
        ValueError: If a code is no sparticle, branching fractions do not add up to 1, or a mass is
            too small for a decay.
    """
    _check(particles)
    masses = {code: DECOUPLED for code in _SPARTICLES}
    masses |= {code: particle.mass for code, particle in particles.items()}
    lines = ["BLOCK MODSEL", " 1 0", "BLOCK SMINPUTS", " 3 0.118", " 4 91.1876", " 6 173.0"]
    lines += ["BLOCK MINPAR", f" 3 {_TAN_BETA}", "BLOCK MASS", " 25 125.0"]
    lines += [f" {code} {mass:.8g}" for code, mass in masses.items()]
    lines += ["BLOCK ALPHA", f" {-1 / _TAN_BETA}"]
    for name, size in _DIAGONALS.items():
        lines.append(f"BLOCK {name}")
        lines += [
            f" {i} {j} {float(i == j)}" for i in range(1, size + 1) for j in range(1, size + 1)
        ]
    for name, values in _PARAMETERS.items():
        lines.append(f"BLOCK {name} Q= 1000.0")
        lines += [f" {i} {value:.8g}" for i, value in values.items()]
    for name in _TRILINEAR:
        lines += [f"BLOCK {name} Q= 1000.0", " 3 3 0.0"]
    for code, particle in particles.items():
        lines.append(f"DECAY {code} {particle.width if particle.decays else 0.0:.8g}")
        for decay in particle.decays:
            products = " ".join(map(str, decay.products))
            lines.append(f" {decay.fraction:.10g} {len(decay.products)} {products}")
    return "\n".join(lines) + "\n"


def shared(*products: Sequence[int]) -> tuple[Decay, ...]:
    """Decays that are equally likely.

    Args:
        products: Codes of the products of each.

    Example:
        >>> [decay.fraction for decay in shared((5, -11), (5, -13))]
        [0.5, 0.5]
    """
    return tuple(Decay(1 / len(products), tuple(codes)) for codes in products)


_STANDARD_MASSES = {5: 4.8, 6: 173.0, 23: 91.19, 24: 80.4, 25: 125.0}


def _check(particles: Mapping[int, Particle]) -> None:
    for code, particle in particles.items():
        if code not in _SPARTICLES:
            raise ValueError(f"{code} is not the code of a sparticle that can be set")
        total = sum(decay.fraction for decay in particle.decays)
        if particle.decays and abs(total - 1) > 1e-6:
            raise ValueError(f"the branching fractions of {code} add up to {total:g} instead of 1")
        for decay in particle.decays:
            needed = sum(_mass_of(abs(product), particles) for product in decay.products)
            if needed >= particle.mass:
                raise ValueError(
                    f"{code} with a mass of {particle.mass:g} GeV cannot decay to "
                    f"{' '.join(map(str, decay.products))}, which need {needed:g} GeV"
                )


def _mass_of(code: int, particles: Mapping[int, Particle]) -> float:
    if code in particles:
        return particles[code].mass
    return DECOUPLED if code in _SPARTICLES else _STANDARD_MASSES.get(code, 0.0)
