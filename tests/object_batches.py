"""Batches of reconstructed events in view `mass`, with a density that tests know."""

import math

import torch
from torch import Tensor

from hepdensity.models.layout import Layout
from hepdensity.studies.darkmachines.layouts import layout_of

LOG_THRESHOLD = math.log(20)


def random_batch(n: int, objects: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Events with independent objects in random order, and their log-density.

    Numbers of objects and types are equally probable; MET is log-normal; pT falls exponentially in
    log pT above 20 GeV; eta and the log-mass of jets are Gaussian; azimuths are uniform.

    Args:
        n: number of events.
        objects: largest number of objects.
        seed: seed.
    """
    numbers, layout = torch.Generator().manual_seed(seed), layout_of("mass", objects)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=numbers, dtype=torch.float64)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=numbers, dtype=torch.float64)

    count = torch.randint(1, objects + 1, (n, 1), generator=numbers)
    types = torch.randint(0, 7, (n, objects), generator=numbers).double()
    present, jets = torch.arange(objects) < count, types < 2
    log_pt = LOG_THRESHOLD + 1e-3 - uniform(n, objects).log() / 2
    t, s, m = normal(n, objects), normal(n, objects), normal(n, 1)
    values = {
        "log_pt": log_pt,
        "log_mass": torch.where(jets, 2 + 0.3 * s, math.nan),
        "eta": t,
        "phi": math.pi * (2 * uniform(n, objects) - 1),
        "type": types,
    }
    batch = torch.full((n, layout.features), math.nan, dtype=torch.float64)
    batch[:, layout.index("log_met")] = 4.5 + 0.5 * m[:, 0]
    batch[:, layout.index("met_phi")] = math.pi * (2 * uniform(n) - 1)
    for name, given in values.items():
        columns = [layout.index(name, place) for place in range(objects)]
        batch[:, columns] = given.masked_fill(~present, math.nan)
    return batch, known_log_density(batch, layout)


def known_log_density(batch: Tensor, layout: Layout) -> Tensor:
    """Log-density of events of `random_batch` [nats], shape (n,)."""

    def column(name: str) -> Tensor:
        return batch[:, [layout.index(name, place) for place in range(layout.particles)]]

    def gaussian(t: Tensor, std: float = 1.0) -> Tensor:
        return -0.5 * t.square() - 0.5 * math.log(2 * math.pi) - math.log(std)

    excess = column("log_pt") - LOG_THRESHOLD - 1e-3
    each = math.log(2) - 2 * excess + gaussian(column("eta")) - math.log(2 * math.pi) - math.log(7)
    mass = gaussian((column("log_mass") - 2) / 0.3, 0.3)
    each = each + mass.nan_to_num(nan=0.0)
    each = each.nan_to_num(nan=0.0)
    met = gaussian((batch[:, layout.index("log_met")] - 4.5) / 0.5, 0.5)
    return met - math.log(2 * math.pi) - math.log(layout.particles) + each.sum(dim=1)
