"""Products of spins, polarisations and momenta that build up four-gluino amplitudes.

An amplitude is linear in the spin state of every leg. If the gluinos form two pairs (i j) (k l),
the helicity spinors of each pair form a singlet s and a triplet t (a vector); s' and t' belong to
the second pair. The two gluons have the polarisation vectors e0 and e1. A *structure* is an
invariant product of these and of momenta, with definite parity and time reversal. An amplitude is
then a sum of structures with real coefficients, which depend only on the products p_i.p_j and not
on helicities or phase conventions. The list contains all structures without momenta, and structures
of low order in the momenta of the pairs; one with n momenta is suppressed by the n-th power of the
velocity.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from hepdensity.studies.gluino.models.networks.legs import Reading

Factor = tuple[str, ...]
Structure = tuple[Factor, ...]

PAIRINGS = ((2, 3, 4, 5), (2, 4, 3, 5), (2, 5, 3, 4))
"""The ways to pair the gluinos, legs (i, j, k, l) for (i j) (k l)."""

_MOMENTA = ("Q", "K", "K'")
"""Momentum of the first pair, and differences of the momenta within each pair."""
_SCALE = 6.0
"""Factor that scales momenta in units of sqrt(s) to order one."""


def _structures() -> tuple[Structure, ...]:
    """All structures of a pairing, each a product of scalars and dot products."""
    singlets, axes = (("s",), ("s'",)), ("z", *_MOMENTA)
    found: list[Structure] = [(*singlets, ("e0", "e1"))]
    found += [(*singlets, ("e0", a), ("e1", b)) for a in _MOMENTA for b in _MOMENTA]
    found += [(("t", "t'"), ("e0", "e1")), (("t", "t'"), ("e0", "Q"), ("e1", "Q"))]
    found += [(("t", "e0"), ("t'", "e1")), (("t", "e1"), ("t'", "e0"))]
    found += [(("t", a), ("t'", b), ("e0", "e1")) for a in axes for b in axes]
    for mine, other in (("t", "t'"), ("t'", "t")):
        single = ("s'",) if mine == "t" else ("s",)
        # These contain e0 x e1 or c = e x z, with a factor i that makes coefficients real.
        found += [((mine, a), single, ("e0 x e1",)) for a in axes]
        for e, f in (("e0", "e1"), ("e1", "e0")):
            found += [((mine, e), (other, "z"), (f, a)) for a in _MOMENTA]
            found += [((mine, "c" + e[1]), single, (f, a)) for a in _MOMENTA]
    return tuple(_canonical(structure) for structure in found)


def _canonical(structure: Structure) -> Structure:
    return tuple(sorted(tuple(sorted(factor)) for factor in structure))


STRUCTURES = _structures()
COUNT = len(PAIRINGS) * len(STRUCTURES)
_FACTORS = tuple(sorted({factor for structure in STRUCTURES for factor in structure}))


def spin_structures(legs: Tensor, helicities: Tensor) -> Tensor:
    """Structures of events.

    Args:
        legs: momenta of all legs in units of sqrt(s), shape ``(n, 6, 4)``, gluons first.
        helicities: +1 or -1 of all legs, shape ``(n, 6)``.

    Returns:
        Real and imaginary parts, shape ``(n, 2, COUNT)``, pairing by pairing.
    """
    vectors = legs[:, 2:, 1:]
    states = _conjugate_spinors(vectors, helicities[:, 2:]).unbind(1)
    momenta = (_SCALE * vectors).to(states[0].dtype).unbind(1)
    beams = _beams(helicities, states[0].dtype)
    parts = []
    for pairing in PAIRINGS:
        i, j, k, m = (leg - 2 for leg in pairing)
        s, t = _spins(states[i], states[j])
        s2, t2 = _spins(states[k], states[m])
        named = {"t": t, "t'": t2, "s": s, "s'": s2, **beams}
        named |= {"Q": momenta[i] + momenta[j]}
        named |= {"K": momenta[i] - momenta[j], "K'": momenta[k] - momenta[m]}
        parts.append(_products(named))
    structures = torch.cat(parts, dim=1)
    return torch.stack((structures.real, structures.imag), dim=1)


def _products(named: dict[str, Tensor]) -> Tensor:
    """All structures ``(n, s)`` from scalars ``(n,)`` and vectors ``(n, 3)``."""
    values = [named[f[0]] if len(f) == 1 else (named[f[0]] * named[f[1]]).sum(1) for f in _FACTORS]
    table = torch.stack((*values, torch.ones_like(values[0])), dim=1)
    first, second, third, fourth = (table[:, column] for column in _columns())
    return first * second * third * fourth


@lru_cache
def _columns() -> tuple[list[int], ...]:
    """Columns in the table of up to four factors; missing factors use the last column, a one."""
    padded = [(*map(_FACTORS.index, s), *[len(_FACTORS)] * (4 - len(s))) for s in STRUCTURES]
    return tuple(list(column) for column in zip(*padded, strict=True))


def _conjugate_spinors(vectors: Tensor, helicities: Tensor) -> Tensor:
    """Complex conjugates of the helicity spinors ``(n, 4, 2)`` of outgoing fermions."""
    unit = vectors / vectors.norm(dim=-1, keepdim=True)
    up, down = (((1 + sign * unit[..., 2]) / 2).clamp(min=0).sqrt() for sign in (1, -1))
    across = torch.complex(unit[..., 0], -unit[..., 1])
    phase = across / across.abs().clamp(min=1e-12)
    plus = torch.stack((up.to(phase.dtype), phase * down), dim=-1)
    minus = torch.stack((-phase.conj() * down, up.to(phase.dtype)), dim=-1)
    return torch.where(helicities[..., None] > 0, plus, minus)


def _spins(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Singlet ``(n,)`` and triplet ``(n, 3)`` of two conjugate spinors ``(n, 2)``."""
    (a0, a1), (b0, b1) = a.unbind(1), b.unbind(1)
    triplet = (a1 * b1 - a0 * b0, 1j * (a0 * b0 + a1 * b1), a0 * b1 + a1 * b0)
    return a0 * b1 - a1 * b0, torch.stack(triplet, dim=1)


def _beams(helicities: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """The beam axis, the polarisation vectors and their cross products."""
    one = torch.ones(len(helicities), dtype=dtype, device=helicities.device)
    first, second = helicities[:, 0] * 1j, helicities[:, 1] * -1j
    e0, e1 = (torch.stack((one, y * one, 0 * one), dim=1) / math.sqrt(2) for y in (first, second))
    return {
        "z": torch.stack((0 * one, 0 * one, one), dim=1),
        "e0": e0,
        "e1": e1,
        "e0 x e1": 1j * (e0[:, 0] * e1[:, 1] - e0[:, 1] * e1[:, 0]),
        "c0": 1j * torch.stack((e0[:, 1], -e0[:, 0], 0 * one), dim=1),
        "c1": 1j * torch.stack((e1[:, 1], -e1[:, 0], 0 * one), dim=1),
    }


def read_structures(reading: Reading) -> Tensor:
    """Signed permutation ``(COUNT, COUNT)`` that maps structures to those of a reading.

    Row r is structure r of the reading, column c is structure c of ``spin_structures``. The
    pairings of a reading are (1 2) (3 4), (1 4) (2 3) and (1 3) (2 4), by position.
    """
    word, exchanged = reading
    result = torch.zeros(COUNT, COUNT)
    size = len(STRUCTURES)
    number = {structure: k for k, structure in enumerate(STRUCTURES)}
    for place, (i, j, k, m) in enumerate(((0, 1, 2, 3), (0, 3, 1, 2), (0, 2, 1, 3))):
        read = (word[i], word[j]), (word[k], word[m])
        ordered = sorted(tuple(sorted(pair)) for pair in read)
        pairing = PAIRINGS.index((*ordered[0], *ordered[1]))
        names = _renaming(read, exchanged)
        for row, structure in enumerate(STRUCTURES):
            sign = math.prod(names[name][0] for factor in structure for name in factor)
            renamed = tuple(tuple(names[name][1] for name in factor) for factor in structure)
            column = number[_canonical(renamed)]
            result[place * size + row, pairing * size + column] = sign
    return result


def _renaming(
    read: tuple[tuple[int, int], tuple[int, int]], exchanged: bool
) -> dict[str, tuple[int, str]]:
    """Sign and name in the ordered pairing, for each name in the pairing of a reading."""
    swapped = min(read[0]) > min(read[1])
    names: dict[str, tuple[int, str]] = {"Q": (-1 if swapped else 1, "Q")}
    for pair, mark, other in zip(read, ("", "'"), ("'", ""), strict=True):
        target = other if swapped else mark
        sign = 1 if pair[0] < pair[1] else -1
        names |= {"s" + mark: (sign, "s" + target), "K" + mark: (sign, "K" + target)}
        names["t" + mark] = (1, "t" + target)
    flip = -1 if exchanged else 1
    for k in range(2):
        target = str(1 - k if exchanged else k)
        names |= {f"e{k}": (1, "e" + target), f"c{k}": (flip, "c" + target)}
    return names | {"z": (flip, "z"), "e0 x e1": (1, "e0 x e1")}
