"""Labels as continuous latent columns: dequantisation and argmax (Verheyen 2022, section 3.5).

arXiv:2205.01697. Their likelihood is a bound, which importance weighting tightens (Burda et al.
2016, arXiv:1509.00519).
"""

import math
from collections.abc import Sequence
from itertools import pairwise, permutations

import torch
from torch import Generator, Tensor

from hepdensity.models.flows.flow import Flow, seeded, spline_layers
from hepdensity.models.flows.labelled import LabelledModel
from hepdensity.models.layers.argmax import BinaryArgmax, bits
from hepdensity.models.layers.dequantisation import Dequantisation
from hepdensity.models.layers.labels import (
    category,
    category_counts,
    label_codes,
    relabel,
    split_category,
    unpack,
    with_codes,
)
from hepdensity.models.layers.noise import FlowNoise, Noise, UniformNoise
from hepdensity.models.layers.permutation import SortSurjection

_OTHER_ORDER_EVERY = 4
_AUXILIARY = {"layers": 3, "bins": 8, "residual_blocks": 2, "units_per_dim": 2, "embedding": 10}


class DiscreteFlow(LabelledModel):
    """A flow on angles and dequantised labels."""

    def __init__(
        self, flow: Flow, surjection: Dequantisation | BinaryArgmax, gluinos: int, permutation: str
    ) -> None:
        """Put the parts together.

        Args:
            flow: flow on the cube of angles and latent columns of the labels.
            surjection: of helicity and colour code (dequantisation) or of their combination
                (argmax).
            gluinos: number of gluinos.
            permutation: "none", "stochastic" or "sort".
        """
        super().__init__(gluinos, permutation)
        self.flow, self.surjection = flow, surjection
        self.combined = isinstance(surjection, BinaryArgmax)

    @property
    def bound(self) -> bool:
        """True: noise is integrated over by one draw."""
        return True

    @property
    def exact(self) -> bool:
        """False: the integral over the noise is estimated."""
        return False

    def log_prob_ordered(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Bound of the log-density [nats] behind the permutation with one draw of the noise."""
        angles, _, _ = unpack(batch)
        codes = category(batch)[:, None] if self.combined else label_codes(batch)
        columns = torch.cat([angles, codes.to(angles)], dim=1)
        z, contribution = self.surjection.inverse(columns, None, generator)
        return self.flow.log_prob_ordered(z) + contribution

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Importance-weighted bound of the log-density [nats], shape ``(n,)``.

        Raises:
            ValueError: without a number of draws.
        """
        if draws is None:
            raise ValueError(
                "this model has no exact log-density: give the number of importance draws"
            )
        return self.log_prob_curve(batch, [draws], generator)[0]

    @torch.no_grad()
    def log_prob_curve(
        self, batch: Tensor, draws: Sequence[int], generator: Generator | None = None
    ) -> Tensor:
        """Importance-weighted bounds with nested draws [nats], shape ``(len(draws), n)``.

        A draw is one of the noise and of the ordering. Each bound is log of an unbiased estimate of
        the density of ``sample`` (of a part of it for sort with K < 4), and rises with K on
        average. For argmax it is the density of ``attempt``: it is not renormalised for invalid
        draws, which ``sample`` repeats. ``stochastic`` draws all orderings alike. With ``sort``
        nearly all density is at the sorted one, so it gets three draws out of four, and every
        fourth is shared by the other orderings.

        Args:
            batch: events, shape ``(n, 4 g + 3)``.
            draws: numbers of draws K, rising.
            generator: source of random numbers.

        Raises:
            ValueError: if the numbers do not rise from 1 or more.
        """
        if not draws or draws[0] < 1 or any(a >= b for a, b in pairwise(draws)):
            raise ValueError(f"numbers of importance draws must rise from 1 or more: {list(draws)}")
        self.check(batch)
        mean = _SortedMean(self.gluinos) if self._sorts else _Mean()
        curve = []
        for k in range(1, draws[-1] + 1):
            ordered, _ = self.arrange(batch, generator)
            if isinstance(mean, _SortedMean) and k % _OTHER_ORDER_EVERY == 0:
                ordered = _not_sorted(ordered, self.gluinos, generator)
                mean.add_other(self.log_prob_ordered(ordered, generator))
            else:
                mean.add(self.log_prob_ordered(ordered, generator))
            if k in draws:
                curve.append(mean.log_value())
        return torch.stack(curve)

    @property
    def _sorts(self) -> bool:
        return isinstance(self.permutation, SortSurjection) and self.gluinos > 1

    @torch.no_grad()
    def sample_ordered(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` times; events with a valid code, shape ``(m, 4 g + 3)``."""
        columns, _ = self.surjection(self.flow.sample(n, generator))
        angles, codes = columns[:, : 2 * self.gluinos], columns[:, 2 * self.gluinos :].long()
        if self.combined:
            valid = codes[:, 0] < math.prod(category_counts(self.gluinos))
            angles, codes = angles[valid], split_category(codes[valid, 0], self.gluinos)
        return with_codes(angles, codes)


class _Mean:
    """Logarithm of a running mean of values that are given by their logarithms."""

    def __init__(self) -> None:
        self._count, self._log_sum = 0, torch.tensor(-torch.inf)

    def add(self, log_value: Tensor) -> None:
        self._count += 1
        self._log_sum = torch.logaddexp(self._log_sum.to(log_value), log_value)

    def log_value(self) -> Tensor:
        return self._log_sum - math.log(max(1, self._count))


class _SortedMean(_Mean):
    """Mean over all orderings, from draws of the sorted one and of the others."""

    def __init__(self, gluinos: int) -> None:
        super().__init__()
        self._other, self._orders = _Mean(), math.factorial(gluinos)

    def add_other(self, log_value: Tensor) -> None:
        self._other.add(log_value)

    def log_value(self) -> Tensor:
        main = super().log_value()
        other = self._other.log_value().to(main) + math.log(self._orders - 1)
        return torch.logaddexp(main, other) - math.log(self._orders)


def _not_sorted(batch: Tensor, gluinos: int, generator: Generator | None) -> Tensor:
    """Sorted events in an ordering drawn from all but the sorted one."""
    orders = torch.tensor(list(permutations(range(gluinos)))[1:], device=batch.device)
    chosen = torch.randint(len(orders), (len(batch),), generator=generator, device=batch.device)
    return relabel(batch, orders[chosen])


def dequantisation_flow(
    *,
    noise: str,
    permutation: str,
    seed: int,
    gluinos: int = 4,
    auxiliary: dict[str, int] | None = None,
    **flow: int,
) -> DiscreteFlow:
    """Build the model with dequantised helicity and colour codes.

    Args:
        noise: "uniform" or "flow".
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        gluinos: number of gluinos.
        auxiliary: settings of the noise flow, see ``FlowNoise``; None for those of the paper's
            code.
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the main flow.

    Raises:
        ValueError: for an unknown noise or treatment.
    """
    counts = category_counts(gluinos)
    source = _noise(noise, len(counts), math.prod(counts), seed, auxiliary)
    surjection = Dequantisation(counts, source)
    return _discrete_flow(surjection, permutation, seed, gluinos, flow)


def argmax_flow(
    *,
    noise: str,
    permutation: str,
    seed: int,
    gluinos: int = 4,
    auxiliary: dict[str, int] | None = None,
    **flow: int,
) -> DiscreteFlow:
    """Build the model with the argmax surjection on the bits of the combined code.

    Args:
        noise: "uniform" or "flow".
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        gluinos: number of gluinos.
        auxiliary: settings of the noise flow, see ``FlowNoise``; None for those of the paper's
            code.
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the main flow.

    Raises:
        ValueError: for an unknown noise or treatment.
    """
    categories = math.prod(category_counts(gluinos))
    source = _noise(noise, 2 * bits(categories), categories, seed, auxiliary)
    surjection = BinaryArgmax(categories, source)
    return _discrete_flow(surjection, permutation, seed, gluinos, flow)


def _noise(
    name: str, dimensions: int, categories: int, seed: int, auxiliary: dict[str, int] | None
) -> Noise:
    if name == "uniform":
        return UniformNoise(dimensions)
    if name != "flow":
        raise ValueError(f"unknown noise '{name}': choose from ['flow', 'uniform']")
    settings = {**_AUXILIARY, **(auxiliary or {})}
    with seeded(seed):
        generator = torch.Generator().manual_seed(seed)
        return FlowNoise(dimensions, categories, generator=generator, **settings)


def _discrete_flow(
    surjection: Dequantisation | BinaryArgmax,
    permutation: str,
    seed: int,
    gluinos: int,
    settings: dict[str, int],
) -> DiscreteFlow:
    features = 2 * gluinos + surjection.extra
    layers = spline_layers(features, seed, **settings)
    return DiscreteFlow(Flow(layers, features, gluinos, None), surjection, gluinos, permutation)
