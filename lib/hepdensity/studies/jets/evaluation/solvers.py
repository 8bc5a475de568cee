"""Rows of `jets_solvers.csv`: what each solver and divergence costs, and how far off it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

from hepdensity.models.diffusion.density import SetDensity
from hepdensity.models.diffusion.likelihood import Integration, log_parts
from hepdensity.studies.jets.evaluation.accuracy import rms

FINEST = 96
"""Steps of the solve that others are compared with."""

_PARTICLES = "particles"


@dataclass(frozen=True)
class Choice:
    """A solver and a divergence.

    Attributes:
        how: The choice.
        jets: Number of jets that it is tried on.
    """

    how: Integration
    jets: int


def choices(hollow: bool, settings: Mapping[str, Any]) -> Iterator[Choice]:
    """Solvers and divergences to compare.

    Args:
        hollow: Whether the network is block-hollow.
        settings: `jets`, and `exact_jets` for the exact divergence, which is slow.
    """
    cheap = "hollow" if hollow else "exact"
    jets = settings["jets"] if hollow else settings["exact_jets"]
    for steps in (8, 16, 32):
        yield Choice(Integration("multistep", cheap, steps), jets)
    yield Choice(Integration("adaptive", cheap), jets)
    for probes in (1, 4):
        yield Choice(Integration("multistep", "hutchinson", 16, probes=probes), settings["jets"])
    if hollow:
        yield Choice(Integration("multistep", "exact", 16), settings["exact_jets"])


def solver_rows(
    model: SetDensity, name: str, jets: Tensor, settings: Mapping[str, Any], generator: Generator
) -> list[dict[str, Any]]:
    """Compare solvers and divergences on the particle part of a model.

    `rms` and `mean` are those of log p(particles) minus that of an exact divergence on 96 steps
    [nats per jet], `rms_score` the same divided by the number of constituents, as in eq. 7.

    Args:
        model: Trained density.
        name: Its name.
        jets: Jets, shape (n, d).
        settings: `jets` and `exact_jets`.
        generator: Source of probes.
    """
    hollow = model.integration.divergence == "hollow"
    rows = []
    reference: dict[int, Tensor] = {}
    for choice in choices(hollow, settings):
        some = jets[: choice.jets]
        size = len(some)
        if size not in reference:
            finest = Integration("multistep", "hollow" if hollow else "exact", FINEST)
            reference[size] = _particles(model, some, finest, generator)
        start = time.perf_counter()
        found = _particles(model, some, choice.how, generator)
        elapsed = time.perf_counter() - start
        shift = found - reference[size]
        number = model.ode_factors(some)[1][_PARTICLES].points.counts.double()
        kept = shift.isfinite()
        rows.append(
            {
                **{"model": name, "solver": choice.how.solver, "divergence": choice.how.divergence},
                "steps": choice.how.steps if choice.how.solver == "multistep" else None,
                "probes": choice.how.probes if choice.how.divergence == "hutchinson" else None,
                **{"jets": size, "ms_per_jet": 1e3 * elapsed / size},
                "mean": float(shift[kept].mean()),
                "rms": rms(shift[kept]),
                "rms_score": rms((shift / number)[kept]),
                "not_converged": int((~kept).sum()),
            }
        )
    return rows


def _particles(model: SetDensity, jets: Tensor, how: Integration, generator: Generator) -> Tensor:
    return log_parts(model, jets, how, generator)[_PARTICLES]
