"""Categories first, angles given the category: p(y) p(x | y) (Verheyen 2022, section 3.5.3)."""

import logging
import math
from itertools import permutations

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.flows.flow import Flow, seeded, spline_layers
from hepdensity.models.flows.labelled import LabelledModel
from hepdensity.models.layers.labels import (
    category,
    category_counts,
    relabel,
    split_category,
    unpack,
    with_codes,
)
from hepdensity.models.layers.permutation import StochasticPermutation

_LOGGER = logging.getLogger(__name__)


class MixtureFlow(LabelledModel):
    """A table of category probabilities and a flow of the angles conditioned on the category.

    p(y) comes from the training events as the flow sees them, smoothed so that no category has
    probability zero (``smoothed_frequencies``): counts over all relabellings for ``stochastic``,
    smoothed towards equal probabilities; counts of the sorted events for ``sort``, smoothed towards
    those of all relabellings (so it is p(y | sorted), and sampled labels have the symmetrised
    training frequencies); plain counts for ``none``.
    """

    log_categories: Tensor
    unseen: Tensor

    def __init__(
        self, flow: Flow, embedding: nn.Embedding, gluinos: int, permutation: str, objective: str
    ) -> None:
        """Put the parts together.

        Args:
            flow: flow on the cube of angles whose layers take a context.
            embedding: context of each category.
            gluinos: number of gluinos.
            permutation: "none", "stochastic" or "sort".
            objective: "likelihood", or "balanced": the conditional density of every category counts
                alike.

        Raises:
            ValueError: for an unknown objective or treatment.
        """
        super().__init__(gluinos, permutation)
        if objective not in ("likelihood", "balanced"):
            raise ValueError(
                f"unknown objective '{objective}': choose from ['balanced', 'likelihood']"
            )
        self.flow, self.embedding, self.balanced = flow, embedding, objective == "balanced"
        count = math.prod(category_counts(gluinos))
        self.register_buffer("log_categories", torch.full((count,), torch.nan, dtype=torch.float64))
        self.register_buffer("unseen", torch.zeros(count, dtype=torch.bool))

    def prepare(self, training: Tensor) -> None:
        """Count the categories of the training events, which p(y) is made of.

        Raises:
            ValueError: if these are not labelled events of this model's number of gluinos.
        """
        super().prepare(training)
        count = len(self.log_categories)
        table = torch.full((count,), 1 / count, dtype=torch.float64, device=training.device)
        counts = torch.zeros_like(table)
        if self.permutation is not None:
            orders = torch.tensor(list(permutations(range(self.gluinos))), device=training.device)
            for order in orders:
                events = relabel(training, order.expand(len(training), -1))
                counts += torch.bincount(category(events), minlength=count) / len(orders)
            table = smoothed_frequencies(counts, 1 / len(orders), table)
        if not isinstance(self.permutation, StochasticPermutation):
            events, _ = self.arrange(training, None)
            counts = torch.bincount(category(events), minlength=count).double()
            table = smoothed_frequencies(counts, 1, table)
        self.unseen.copy_(counts == 0)
        self.log_categories.copy_(table.log())
        _LOGGER.info("%d of %d categories have no training event", int(self.unseen.sum()), count)

    def log_prob_ordered(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] behind the permutation, shape ``(n,)``."""
        y, conditional = self._conditional(batch)
        return conditional + self._log_table()[y].to(batch)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood, or its balanced variant (eq. 16) [nats].

        Balanced, an event weighs 1 / (number of categories * p(y)) with the category behind the
        permutation, of which the mean under p(y) is one; the constant log p(y) is left out.
        """
        if not self.balanced:
            return super().loss(batch, generator)
        batch, contribution = self.arrange(batch, generator)
        y, conditional = self._conditional(batch)
        log_weight = -self._log_table()[y] - math.log(len(self.log_categories))
        return -(log_weight.exp().to(batch) * (conditional + contribution)).mean()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] with one draw of the permutation, shape ``(n,)``.

        Finite for labels that were never seen in training; their number is logged.
        """
        value = super().log_prob(batch, generator)
        arranged, _ = self.arrange(batch, generator)
        count = int(self.unseen[category(arranged)].sum())
        if count:
            _LOGGER.info(
                "%d of %d events have a category never seen in training", count, len(batch)
            )
        return value

    def _conditional(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Categories and log p(x | y)."""
        angles, _, _ = unpack(batch)
        y = category(batch)
        return y, self.flow.log_prob_ordered(angles, self.embedding(y))

    def _log_table(self) -> Tensor:
        if self.log_categories[0].isnan():
            raise ValueError("category probabilities are missing: call prepare(training) first")
        return self.log_categories

    @torch.no_grad()
    def sample_ordered(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events before the permutation, shape ``(n, 4 g + 3)``."""
        weights = self._log_table().exp()
        y = torch.multinomial(weights, n, replacement=True, generator=generator)
        z = self.flow.base_points(n, generator)
        angles = self.flow.push(z, self.embedding(y))
        return with_codes(angles, split_category(y, self.gluinos))


def smoothed_frequencies(counts: Tensor, unit: float, prior: Tensor) -> Tensor:
    """Category probabilities with additive smoothing, (n_y + s q_y) / (N + s): none is zero.

    The pseudo-events s are as many as predict each training event best from the others
    (leave-one-out likelihood, on a grid of 10^-2 ... 10^5): few where nearly every category has
    been seen often.

    Args:
        counts: events of each category, float64, shape ``(K,)``, with sum N > 0.
        unit: what one event adds to a category: 1, or 1 / D! if it is counted in D! categories.
        prior: probabilities q to smooth towards, none of them zero, shape ``(K,)``.
    """
    strengths = torch.logspace(-2, 5, 71, dtype=torch.float64, device=counts.device)
    total, seen = counts.sum(), counts > 0
    others = counts[seen] - unit + strengths[:, None] * prior[seen]
    score = others.log() @ counts[seen] - total * (total - 1 + strengths).log()
    best = strengths[score.argmax()]
    return (counts + best * prior) / (total + best)


def mixture_flow(
    *,
    permutation: str,
    objective: str,
    seed: int,
    embedding: int = 64,
    gluinos: int = 4,
    **flow: int,
) -> MixtureFlow:
    """Build the mixture model.

    Args:
        permutation: "none", "stochastic" or "sort".
        objective: "likelihood" or "balanced".
        seed: seed of the weights and of the fixed permutations.
        embedding: width of the context of a category.
        gluinos: number of gluinos.
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown objective or treatment.
    """
    features = 2 * gluinos
    layers = spline_layers(features, seed, embedding, **flow)
    with seeded(seed):
        table = nn.Embedding(math.prod(category_counts(gluinos)), embedding)
    core = Flow(layers, features, gluinos, None)
    return MixtureFlow(core, table, gluinos, permutation, objective)
