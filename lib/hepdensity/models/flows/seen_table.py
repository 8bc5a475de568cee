"""Probabilities of categories if there are too many for a dense table."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from hepdensity.models.flows.category_table import STRENGTHS, Table
from hepdensity.models.layers.coding import Coding
from hepdensity.numbering import digits, number

_LARGEST_KEY = 2**62
_PSEUDO_EVENTS = 0.5
_SEEN = ("keys", "numbers", "key_sets")


class SeenTable(Table):
    """A table of the configurations of codes seen in training, and a smoothed rest.

    Given the presence set,

        p(y) = (n_y + s q_y) / (N + s),

    where n_y of the N training events of the set have configuration y. q is the product over the
    codes of the smoothed frequencies of their values, so no configuration has probability zero. The
    number s of pseudo-events maximises the leave-one-out likelihood, as in
    ``smoothed_frequencies``.

    If ``symmetric``, all orders of the particles have the same probability: particles are sorted by
    their codes before events are counted, n_y is shared by the different orders, and q uses the
    same frequencies for all particles.
    """

    keys: Tensor
    numbers: Tensor
    key_sets: Tensor
    totals: Tensor
    log_values: Tensor
    strength: Tensor
    present: Tensor
    first_rows: Tensor

    def __init__(self, coding: Coding, symmetric: bool) -> None:
        """Create an empty table.

        Args:
            coding: codes of the events.
            symmetric: whether all orders of the particles have the same probability.

        Raises:
            ValueError: if the configurations cannot be numbered or particles cannot be exchanged.
        """
        super().__init__()
        self.coding, self.symmetric = coding, symmetric
        self._radices = [count + 1 for count in coding.counts]
        if math.prod(self._radices) > _LARGEST_KEY:
            raise ValueError(
                "these events have more than 2^62 configurations of categories; choose kind"
                " 'dequantisation' or 'argmax'"
            )
        if symmetric and coding.joins_particles:
            raise ValueError(
                "a mixture of this many categories cannot exchange particles whose categories are"
                " numbered together; choose kind 'dequantisation' or 'argmax', or permutation"
                " 'sort'"
            )
        layout = coding.layout
        sets = [chosen.particles for chosen in layout.sets] or [layout.particles]
        self.register_buffer("present", torch.tensor(sets), persistent=False)
        offsets = torch.tensor([0, *self._radices]).cumsum(0)[:-1]
        self.register_buffer("first_rows", offsets, persistent=False)
        self._places = [-1 if place is None else place for place in coding.places]
        self._shared = self._places.count(-1)
        for name, dtype in zip(_SEEN, (torch.long, torch.float64, torch.long), strict=True):
            self.register_buffer(name, torch.zeros(0, dtype=dtype))
        self.register_buffer("totals", torch.zeros(len(sets), dtype=torch.float64))
        unknown = torch.full((sum(coding.counts),), torch.nan, dtype=torch.float64)
        self.register_buffer("log_values", unknown)
        self.register_buffer("strength", torch.tensor(torch.nan, dtype=torch.float64))

    @property
    def rows(self) -> int:
        """Number of values of all codes, with one additional value per code for "absent"."""
        return sum(self._radices)

    def index(self, codes: Tensor) -> Tensor:
        """A row for each code, int64, shape ``(n, codes)``."""
        return self._with_absent(codes) + self.first_rows

    def count(self, codes: Tensor, chosen: Tensor | None) -> None:
        """Fill the table.

        Args:
            codes: codes of the training events, int64, -1 if absent, shape ``(n, codes)``.
            chosen: presence set of each event, int64, shape ``(n,)``; None without sets.
        """
        self.log_values.copy_(self._value_frequencies(codes).log())
        ordered = self._canonical(codes)
        sets = torch.zeros_like(codes[:, 0]) if chosen is None else chosen
        keys, first, numbers = _unique(self._key(ordered))
        self.keys, self.numbers, self.key_sets = keys, numbers.double(), sets[first]
        self.totals.copy_(torch.bincount(sets, minlength=len(self.totals)))
        prior = (self._log_rest(ordered[first]) + self._log_orders(ordered[first])).exp()
        scores = [self._left_out(strength, prior) for strength in STRENGTHS.tolist()]
        self.strength.fill_(STRENGTHS[int(torch.stack(scores).argmax())])

    def _left_out(self, strength: float, prior: Tensor) -> Tensor:
        """Log-likelihood of each training event predicted from the others."""
        each = (self.numbers - 1 + strength * prior).log() @ self.numbers
        totals = self.totals[self.totals > 0]
        return each - (totals - 1 + strength).log() @ totals

    def _value_frequencies(self, codes: Tensor) -> Tensor:
        """Smoothed frequency of each value of each code, code by code."""
        found = []
        for i, count in enumerate(self.coding.counts):
            alike = self._alike(i) if self.symmetric else [i]
            values = codes[:, alike].flatten()
            seen = torch.bincount(values[values >= 0], minlength=count)
            numbers = seen.to(self.log_values) + _PSEUDO_EVENTS
            found.append(numbers / numbers.sum())
        return torch.cat(found)

    def _alike(self, code: int) -> list[int]:
        """Codes of the same column for all particles."""
        if code < self._shared:
            return [code]
        width = len(self.coding.layout.particle_categorical)
        first = self._shared + (code - self._shared) % width
        return list(range(first, len(self._places), width))

    def _with_absent(self, codes: Tensor) -> Tensor:
        """Codes in which the number of values, instead of -1, means absent."""
        return torch.where(codes < 0, codes.new_tensor(self.coding.counts), codes)

    def _key(self, codes: Tensor) -> Tensor:
        return number(self._with_absent(codes), self._radices)

    def _canonical(self, codes: Tensor) -> Tensor:
        """Codes with sorted particles, if all orders have the same probability."""
        if not self.symmetric or self._shared == len(self._places):
            return codes
        particles, radices = self._particle_numbers(codes)
        parts = digits(particles.sort(dim=1).values.flatten(), radices).view(len(codes), -1)
        parts = torch.where(
            parts == codes.new_tensor(self.coding.counts[self._shared :]), -1, parts
        )
        return torch.cat([codes[:, : self._shared], parts], dim=1)

    def _particle_numbers(self, codes: Tensor) -> tuple[Tensor, list[int]]:
        """Codes of each particle as one number, largest if absent, ``(n, particles)``."""
        width = len(self.coding.layout.particle_categorical)
        blocks = self._with_absent(codes)[:, self._shared :].unflatten(1, (-1, width))
        radices = self._radices[self._shared : self._shared + width]
        return number(blocks.flatten(0, 1), radices).view(len(codes), -1), radices

    def _log_orders(self, codes: Tensor) -> Tensor:
        """Log of the number of different orders of the particles' codes, shape ``(n,)``."""
        if not self.symmetric or self._shared == len(self._places):
            return self.strength.new_zeros(len(codes))
        present = (codes[:, self._shared :] >= 0).view(len(codes), self._particles, -1)[:, :, 0]
        particles = self._particle_numbers(codes)[0].sort(dim=1).values
        alike = particles[:, :, None] == particles[:, None]
        position = alike.tril().sum(dim=2).to(self.strength)
        repeated = position.log().masked_fill(~present.sort(dim=1, descending=True).values, 0)
        return torch.lgamma(present.sum(dim=1).to(self.strength) + 1) - repeated.sum(dim=1)

    @property
    def _particles(self) -> int:
        return self.coding.layout.particles

    def _log_rest(self, codes: Tensor) -> Tensor:
        """Log q of configurations, shape ``(n,)``."""
        starts = torch.tensor([0, *self.coding.counts], device=codes.device).cumsum(0)[:-1]
        each = self.log_values[codes.clamp(min=0) + starts]
        return each.masked_fill(codes < 0, 0).sum(dim=1)

    def _seen(self, codes: Tensor) -> Tensor:
        """Number of training events with the configuration in any order, float64, ``(n,)``."""
        keys = self._key(self._canonical(codes))
        found = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
        return torch.where(self.keys[found] == keys, self.numbers[found], 0)

    def log_prob(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Log-probability of codes given the presence set [nats], float64, shape ``(n,)``."""
        self._check()
        seen = self._seen(codes) / self._log_orders(codes).exp()
        total = self.totals[0] if chosen is None else self.totals[chosen]
        rest = self._log_rest(codes) + self.strength.log()
        return torch.logaddexp(seen.log(), rest) - (total + self.strength).log()

    def log_weight(self, codes: Tensor, log_p: Tensor) -> Tensor:
        """Log of 1 / (number of configurations seen * p(y)), float64, shape ``(n,)``.

        A configuration that was never seen has the weight of one that was seen once.
        """
        self._check()
        once = -self.totals.sum().log() - self._log_orders(codes)
        return -torch.maximum(log_p, once) - self._log_size()

    def _log_size(self) -> Tensor:
        """Log of the number of configurations seen, counting their different orders."""
        orders = self._log_orders(self._codes(self.keys))
        return orders.logsumexp(dim=0)

    def is_unseen(self, codes: Tensor, chosen: Tensor | None) -> Tensor:
        """Whether codes occurred in no training event, bool, shape ``(n,)``."""
        return self._seen(codes) == 0

    def draw(self, n: int, chosen: Tensor | None, generator: Generator | None = None) -> Tensor:
        """Draw codes, int64, -1 if the particle is absent, shape ``(n, codes)``."""
        self._check()
        device = self.keys.device
        sets = torch.zeros(n, dtype=torch.long, device=device) if chosen is None else chosen
        codes = self._draw_rest(sets, generator)
        totals = self.totals[sets]
        u = torch.rand(n, generator=generator, dtype=torch.float64, device=device)
        u = u * (totals + self.strength)
        for chosen_set in sets.unique().tolist():
            rows = ((sets == chosen_set) & (u < totals)).nonzero()[:, 0]
            members = (self.key_sets == chosen_set).nonzero()[:, 0]
            if len(rows):
                edges = self.numbers[members].cumsum(0)
                found = torch.searchsorted(edges, u[rows], right=True)
                seen = self._codes(self.keys[members[found.clamp(max=len(members) - 1)]])
                codes[rows] = self._shuffled(seen, generator)
        return codes

    def _draw_rest(self, sets: Tensor, generator: Generator | None) -> Tensor:
        """Draw codes from q."""
        drawn = [
            torch.multinomial(values.exp(), len(sets), replacement=True, generator=generator)
            for values in self.log_values.split(self.coding.counts)
        ]
        places = sets.new_tensor(self._places)
        absent = places >= self.present[sets][:, None]
        return torch.stack(drawn, dim=1).masked_fill(absent, -1)

    def _shuffled(self, codes: Tensor, generator: Generator | None) -> Tensor:
        """Put particles in random order, if all orders have the same probability."""
        if not self.symmetric or self._shared == len(self._places):
            return codes
        blocks = codes[:, self._shared :].unflatten(1, (self._particles, -1))
        keys = torch.rand(len(codes), self._particles, generator=generator, device=codes.device)
        order = keys.masked_fill(blocks[:, :, 0] < 0, 2.0).argsort(dim=1)
        moved = blocks.gather(1, order[:, :, None].expand_as(blocks)).flatten(1)
        return torch.cat([codes[:, : self._shared], moved], dim=1)

    def _codes(self, keys: Tensor) -> Tensor:
        codes = digits(keys, self._radices)
        return torch.where(codes == codes.new_tensor(self.coding.counts), -1, codes)

    def _check(self) -> None:
        if not len(self.keys):
            raise ValueError("the category probabilities are missing; call prepare(training) first")

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Resize the buffers to the saved number of configurations before loading."""
        for name in _SEEN:
            saved = state_dict.get(prefix + name)
            if saved is not None:
                setattr(self, name, getattr(self, name).new_zeros(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _unique(keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distinct keys in increasing order, the first index of each, and how often it occurs."""
    ordered, order = keys.sort(stable=True)
    unique, numbers = torch.unique_consecutive(ordered, return_counts=True)
    starts = numbers.cumsum(0) - numbers
    return unique, order[starts], numbers
