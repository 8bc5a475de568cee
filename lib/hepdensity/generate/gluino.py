"""Unweighted events gg -> 2 and 4 gluinos with helicities and colour orders."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hepdensity.generate.proposal import Proposal, fit_proposal
from hepdensity.generate.unweighting import Tally, accept, stated_maximum
from hepdensity.physics import phase_space
from hepdensity.physics.events import PROCESSES, Events
from hepdensity.physics.gluino import (
    CHUNK,
    Normalisation,
    colour_orders,
    colour_summed,
    colour_weights,
    flat_weights,
    helicity_configurations,
    positive_amplitudes,
)

logger = logging.getLogger(__name__)

PILOT_POINTS = 5_000
"""Points used to fit the proposal and set the maximum; the same for all chunks of a seed."""

SCAN_POINTS = 50_000
"""Points used to set the cap of the proposal."""

LARGEST_LOSS = 1e-3
"""Fraction of the cross-section above the stated maximum that triggers a warning."""

BLOCK = {"cpu": 8192, "cuda": 524_288}
"""Phase-space points per block."""


@dataclass(frozen=True)
class GeneratedEvents:
    """Unweighted events, with statistics of the generation.

    Attributes:
        events: The events, with helicities, colour order, alpha_s and cross-section.
        maximum: Stated maximum of the exact weight relative to that of the proposal.
        points: Number of phase-space points.
        proposal_efficiency: Fraction of the points that the proposal accepted.
        efficiency: Fraction of the accepted points that the exact matrix element also accepted.
        overweight_fraction: Fraction of the events whose relative weight exceeds the maximum.
        lost_fraction: Fraction of the cross-section above the maximum; the events lack it.
        cpu_seconds: CPU time of this process, including the pilot points.
    """

    events: Events
    maximum: float
    points: int
    proposal_efficiency: float
    efficiency: float
    overweight_fraction: float
    lost_fraction: float
    cpu_seconds: float

    def summary(self) -> dict[str, Any]:
        """Numbers for a JSON file."""
        return {
            "process": self.events.process,
            "events": len(self.events),
            "sqrt_s": self.events.sqrt_s,
            "mass": self.events.mass,
            "cross_section": self.events.cross_section,
            "cross_section_error": self.events.cross_section_error,
            "maximum": self.maximum,
            "points": self.points,
            "proposal_efficiency": self.proposal_efficiency,
            "efficiency": self.efficiency,
            "overweight_fraction": self.overweight_fraction,
            "lost_fraction": self.lost_fraction,
            "cpu_seconds": self.cpu_seconds,
        }


@dataclass(frozen=True)
class Setup:
    """What all chunks of a set of events share.

    Attributes:
        n_out: Number of gluinos.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        proposal: Approximate weights.
        maximum: Stated maximum of the exact weight relative to the approximate one.
    """

    n_out: int
    sqrt_s: float
    mass: float
    proposal: Proposal
    maximum: float


@dataclass(frozen=True)
class _Batch:
    """Accepted events: momenta (n, n_out, 4), helicity index (n,), colour index (n,)."""

    momenta: Tensor
    helicity_index: Tensor
    colour_index: Tensor


def generate_unweighted(
    n_events: int,
    n_out: int,
    sqrt_s: float,
    mass: float,
    alpha_s: float,
    seed: int,
    chunk: int = 0,
    device: torch.device | str = "cpu",
    advance: Callable[[int], object] | None = None,
) -> GeneratedEvents:
    """Generate unweighted events from flat phase space.

    Points are accepted in proportion to the helicity-summed |M|^2, in two stages (see `proposal`).
    Then a helicity configuration h is drawn in proportion to |M_h|^2, and a colour order c in
    proportion to |A_c,h|^2. The coupling is fixed. The same arguments give the same events on the
    same machine. Different chunks are independent.

    Args:
        n_events: Number of unweighted events.
        n_out: Number of gluinos, 2 or 4.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        alpha_s: Strong coupling.
        seed: Seed of the events.
        chunk: Number of this part of the events.
        device: Where to compute.
        advance: Called with the number of new events after every block.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_arguments(n_events, n_out, alpha_s, chunk)
    start = time.process_time()
    setup = prepare(n_out, sqrt_s, mass, seed, device)
    generator = _generator(device, seed, n_out, chunk)
    first, second = Tally(setup.proposal.cap), Tally(setup.maximum)
    batches: list[_Batch] = []
    while second.accepted < n_events:
        before = second.accepted
        batches.append(_generate_block(setup, first, second, generator))
        if advance is not None:
            advance(min(second.accepted, n_events) - before)
    if second.lost_fraction > LARGEST_LOSS:
        logger.warning(
            "%.2g of the cross-section lies above the stated maximum and is missing from the "
            "events: at sqrt(s) = %g GeV a mass of %g GeV is too small for this generator",
            second.lost_fraction,
            sqrt_s,
            mass,
        )
    return GeneratedEvents(
        events=_to_events(batches, n_events, setup, alpha_s, _cross_section(first, second)),
        maximum=second.maximum,
        points=first.tried,
        proposal_efficiency=first.efficiency,
        efficiency=second.efficiency,
        overweight_fraction=second.overweight_fraction,
        lost_fraction=second.lost_fraction,
        cpu_seconds=time.process_time() - start,
    )


def prepare(
    n_out: int, sqrt_s: float, mass: float, seed: int, device: torch.device | str = "cpu"
) -> Setup:
    """Fit the proposal and set the maximum, with random numbers that no chunk uses.

    Args:
        n_out: Number of gluinos.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        seed: Seed of the events.
        device: Where to compute.
    """
    generator = _generator(device, seed, n_out)
    momenta, flat = phase_space.rambo(PILOT_POINTS, n_out, sqrt_s, mass, generator)
    exact = flat_weights(momenta, flat, mass)
    scan = phase_space.rambo(SCAN_POINTS, n_out, sqrt_s, mass, generator)
    proposal = fit_proposal(momenta, flat, exact, scan)
    maximum = stated_maximum(exact / proposal.weights(momenta, flat))
    return Setup(n_out, sqrt_s, mass, proposal, maximum)


def _check_arguments(n_events: int, n_out: int, alpha_s: float, chunk: int) -> None:
    if n_events < 1:
        raise ValueError(f"the number of events must be at least one, not {n_events}")
    if n_out not in PROCESSES.values():
        raise ValueError(f"n_out must be one of {sorted(PROCESSES.values())}, not {n_out}")
    if not 0 < alpha_s < math.inf:
        raise ValueError(f"alpha_s must be positive, not {alpha_s}")
    if chunk < 0:
        raise ValueError(f"the chunk number must not be negative, but it is {chunk}")


def _generator(device: torch.device | str, seed: int, *stream: int) -> torch.Generator:
    """Generator of an independent stream of random numbers for this seed."""
    state = np.random.SeedSequence(seed, spawn_key=stream).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state) >> 1)


def _generate_block(
    setup: Setup, first: Tally, second: Tally, generator: torch.Generator
) -> _Batch:
    kind = generator.device.type
    momenta, flat = phase_space.rambo(BLOCK[kind], setup.n_out, setup.sqrt_s, setup.mass, generator)
    approximate = setup.proposal.weights(momenta, flat)
    kept = accept(approximate, first.maximum, generator)
    first.add(approximate, kept)
    pieces = ((momenta[kept]).split(CHUNK[kind]), (flat / approximate)[kept].split(CHUNK[kind]))
    parts = [
        _unweight(part, scale, setup.mass, second, generator)
        for part, scale in zip(*pieces, strict=True)
    ]
    accepted, helicity_index, amplitudes = zip(*parts, strict=True)
    colour_index = _draw(colour_weights(torch.cat(amplitudes, dim=1)), generator)
    return _Batch(torch.cat(accepted), torch.cat(helicity_index), colour_index)


def _unweight(
    momenta: Tensor, scale: Tensor, mass: float, tally: Tally, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Accept phase-space points with |M|^2 * scale and draw their helicities.

    Returns:
        Momenta (m, n_out, 4), helicity index (m,) and half-ladder amplitudes (n_out!, m) of the
        accepted points.
    """
    amplitudes = positive_amplitudes(momenta, mass)
    squares = colour_summed(amplitudes, alpha_s=1.0)
    relative = 2 * squares.sum(0) * scale
    accepted = accept(relative, tally.maximum, generator)
    tally.add(relative, accepted)
    index = accepted.nonzero()[:, 0]
    positive = _draw(squares[:, index].T, generator)
    # The parity partner has all helicities flipped and the same |A|.
    flip = torch.rand(index.shape, device=index.device, generator=generator) < 0.5
    count = len(squares)
    helicity_index = torch.where(flip, count - 1 - positive, count + positive)
    return momenta[index], helicity_index, amplitudes[:, positive, index]


def _draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draw an index (n,) with probabilities (n, k) that need not be normalised."""
    cumulative = probabilities.cumsum(1)
    uniform = torch.rand(
        (len(cumulative), 1), dtype=cumulative.dtype, device=cumulative.device, generator=generator
    )
    index = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
    return index[:, 0].clamp_max(probabilities.shape[1] - 1)


def _cross_section(first: Tally, second: Tally) -> tuple[float, float]:
    """Mean of |M|^2 times the RAMBO weight at alpha_s = 1, and its relative error."""
    error = math.hypot(first.error / first.mean, second.error / second.mean)
    return first.mean * second.mean, error


def _to_events(
    batches: list[_Batch],
    n_events: int,
    setup: Setup,
    alpha_s: float,
    mean: tuple[float, float],
) -> Events:
    def join(pieces: list[Tensor]) -> Tensor:
        return torch.cat(pieces)[:n_events].cpu()

    helicity_index = join([batch.helicity_index for batch in batches])
    colour_index = join([batch.colour_index for batch in batches])
    normalisation = Normalisation(*mean, 0, setup.n_out, setup.sqrt_s, setup.mass)
    cross_section, error = normalisation.cross_section(alpha_s)
    return Events(
        momenta=join([batch.momenta for batch in batches]).numpy(),
        sqrt_s=setup.sqrt_s,
        mass=setup.mass,
        source="embedded",
        helicities=helicity_configurations(setup.n_out)[helicity_index].numpy(),
        colour_order=colour_orders(setup.n_out)[colour_index].numpy(),
        alpha_s=np.full(n_events, alpha_s),
        cross_section=cross_section,
        cross_section_error=error,
    )
