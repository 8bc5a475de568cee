"""Unweighted events gg -> 2 and 4 gluinos with helicities and colour orders."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hepdensity.events import PROCESSES, Events
from hepdensity.generate.unweighting import Tally, accept, stated_maximum
from hepdensity.physics import phase_space
from hepdensity.physics.gluino import (
    CHUNK,
    Normalisation,
    colour_orders,
    colour_summed,
    colour_weights,
    helicity_configurations,
    positive_amplitudes,
    weights,
)

PILOT_POINTS = 20_000
"""Phase-space points that set the stated maximum, the same for all chunks of a seed."""

BLOCK = {"cpu": 8192, "cuda": 131_072}
"""Phase-space points drawn at once."""


@dataclass(frozen=True)
class GeneratedEvents:
    """Unweighted events and how they came about.

    Attributes:
        events: The events, with helicities, colour order, alpha_s and cross-section.
        maximum: Stated maximum of the weights, as a cross-section [pb].
        efficiency: Accepted share of the phase-space points.
        overweight_fraction: Share of the events whose weight exceeds the maximum.
        lost_fraction: Share of the cross-section above the maximum, which the events lack.
        cpu_seconds: CPU time of this process, the pilot sample included.
    """

    events: Events
    maximum: float
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
            "efficiency": self.efficiency,
            "overweight_fraction": self.overweight_fraction,
            "lost_fraction": self.lost_fraction,
            "cpu_seconds": self.cpu_seconds,
        }


@dataclass(frozen=True)
class _Process:
    n_out: int
    sqrt_s: float
    mass: float


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

    Events are accepted with the helicity-summed |M|^2; then a helicity is drawn with |M_h|^2 and a
    colour order with |A_c,h|^2 of that helicity. The coupling is fixed. The same arguments on the
    same machine give the same events; different chunks are independent.

    Args:
        n_events: Number of unweighted events.
        n_out: Number of gluinos, 2 or 4.
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        alpha_s: Strong coupling.
        seed: Seed of the sample.
        chunk: Number of this part of the sample.
        device: Where to compute.
        advance: Called with the number of new events after every block.

    Raises:
        ValueError: If an argument is out of range.
    """
    _check_arguments(n_events, n_out, alpha_s, chunk)
    start = time.process_time()
    process = _Process(n_out, sqrt_s, mass)
    maximum = pilot_maximum(process, seed, torch.device(device))
    generator = _generator(device, seed, n_out, chunk)
    tally = Tally(maximum)
    batches: list[_Batch] = []
    while tally.accepted < n_events:
        before = tally.accepted
        batches.append(_generate_block(process, tally, generator))
        if advance is not None:
            advance(min(tally.accepted, n_events) - before)
    picobarn = Normalisation(1.0, 0.0, 1, n_out, sqrt_s, mass).cross_section(alpha_s)[0]
    return GeneratedEvents(
        events=_to_events(batches, n_events, process, alpha_s, tally, picobarn),
        maximum=tally.maximum * picobarn,
        efficiency=tally.efficiency,
        overweight_fraction=tally.overweight_fraction,
        lost_fraction=tally.lost_fraction,
        cpu_seconds=time.process_time() - start,
    )


def _check_arguments(n_events: int, n_out: int, alpha_s: float, chunk: int) -> None:
    if n_events < 1:
        raise ValueError(f"the number of events must be at least one, not {n_events}")
    if n_out not in PROCESSES.values():
        raise ValueError(f"n_out must be one of {sorted(PROCESSES.values())}, not {n_out}")
    if not 0 < alpha_s < math.inf:
        raise ValueError(f"alpha_s must be positive, not {alpha_s}")
    if chunk < 0:
        raise ValueError(f"the chunk number must not be negative, but is {chunk}")


def _generator(device: torch.device | str, seed: int, *stream: int) -> torch.Generator:
    """Generator of an independent stream of this seed."""
    state = np.random.SeedSequence(seed, spawn_key=stream).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state) >> 1)


def pilot_maximum(process: _Process, seed: int, device: torch.device) -> float:
    """Stated maximum of the weights, with random numbers that do not depend on the chunk."""
    generator = _generator(device, seed, process.n_out)
    momenta, flat = phase_space.rambo(
        PILOT_POINTS, process.n_out, process.sqrt_s, process.mass, generator
    )
    return stated_maximum(weights(momenta, flat, process.mass))


def _generate_block(process: _Process, tally: Tally, generator: torch.Generator) -> _Batch:
    kind = generator.device.type
    momenta, flat = phase_space.rambo(
        BLOCK[kind], process.n_out, process.sqrt_s, process.mass, generator
    )
    size = CHUNK[kind]
    parts = [
        _unweight(part, part_flat, process.mass, tally, generator)
        for part, part_flat in zip(momenta.split(size), flat.split(size), strict=True)
    ]
    accepted_momenta, helicity_index, amplitudes = (
        torch.cat(pieces, dim=-1 if pieces[0].is_complex() else 0)
        for pieces in zip(*parts, strict=True)
    )
    colour_index = _draw(colour_weights(amplitudes), generator)
    return _Batch(accepted_momenta, helicity_index, colour_index)


def _unweight(
    momenta: Tensor, flat: Tensor, mass: float, tally: Tally, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Accept phase-space points and draw their helicities.

    Returns:
        Momenta (m, n_out, 4), helicity index (m,) and half-ladder amplitudes (n_out!, m) of the
        accepted points.
    """
    amplitudes = positive_amplitudes(momenta, mass)
    squares = colour_summed(amplitudes, alpha_s=1.0)
    point_weights = 2 * squares.sum(0) * flat
    accepted = accept(point_weights, tally.maximum, generator)
    tally.add(point_weights, accepted)
    index = accepted.nonzero()[:, 0]
    positive = _draw(squares[:, index].T, generator)
    selected = amplitudes[:, positive, index]
    # the parity partner has all helicities reversed and the same |A|
    flip = torch.rand(index.shape, device=index.device, generator=generator) < 0.5
    count = len(squares)
    helicity_index = torch.where(flip, count - 1 - positive, count + positive)
    return momenta[index], helicity_index, selected


def _draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draw an index (n,) with probabilities (n, k) that need not be normalised."""
    cumulative = probabilities.cumsum(1)
    uniform = torch.rand(
        (len(cumulative), 1), dtype=cumulative.dtype, device=cumulative.device, generator=generator
    )
    index = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
    return index[:, 0].clamp_max(probabilities.shape[1] - 1)


def _to_events(
    batches: list[_Batch],
    n_events: int,
    process: _Process,
    alpha_s: float,
    tally: Tally,
    picobarn: float,
) -> Events:
    def join(pieces: list[Tensor]) -> Tensor:
        return torch.cat(pieces)[:n_events].cpu()

    helicity_index = join([batch.helicity_index for batch in batches])
    colour_index = join([batch.colour_index for batch in batches])
    return Events(
        momenta=join([batch.momenta for batch in batches]).numpy(),
        sqrt_s=process.sqrt_s,
        mass=process.mass,
        source="embedded",
        helicities=helicity_configurations(process.n_out)[helicity_index].numpy(),
        colour_order=colour_orders(process.n_out)[colour_index].numpy(),
        alpha_s=np.full(n_events, alpha_s),
        cross_section=tally.mean * picobarn,
        cross_section_error=tally.error * picobarn,
    )
