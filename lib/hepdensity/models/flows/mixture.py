"""Category probabilities and a flow of continuous columns given the category: p(y) p(x | y).

See Verheyen 2022 (arXiv:2205.01697), section 3.5.3.
"""

import logging
import math
from collections.abc import Sequence
from itertools import permutations

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.flows.category_table import DenseTable
from hepdensity.models.flows.core import Flow, seeded
from hepdensity.models.flows.discrete import categorical_coding
from hepdensity.models.flows.places import main_flow
from hepdensity.models.flows.seen_table import SeenTable
from hepdensity.models.flows.treated import MOST_EXACT, TreatedModel
from hepdensity.models.layers.coding import LARGEST_TABLE, Coding
from hepdensity.models.layers.permutation import StochasticPermutation
from hepdensity.models.layout import Layout

_LOGGER = logging.getLogger(__name__)
OBJECTIVES = ("balanced", "likelihood")


class MixtureFlow(TreatedModel):
    """Category probabilities, and a flow of the continuous columns conditioned on the category.

    p(y) comes from the training events in the order that the flow sees, smoothed so that no
    category has probability zero. For few categories (``DenseTable``), it depends on the
    permutation treatment. ``stochastic`` counts all orders of the particles and smooths towards
    equal probabilities. ``sort`` counts sorted events and smooths towards the result for all
    orders, so it is p(y | sorted), and sampled categories have the symmetrised training
    frequencies. ``none`` counts the events as they are. For many categories or absent particles,
    see ``SeenTable``; the context of a category is then a sum over its codes.
    """

    coding: Coding

    def __init__(
        self,
        layout: Layout,
        permutation: str,
        flow: Flow,
        places: Sequence[int | None],
        embedding: nn.Embedding,
        table: DenseTable | SeenTable,
        objective: str,
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events.
            permutation: "none", "stochastic" or "sort".
            flow: flow on the cube of continuous columns; its layers take a context.
            places: particle of each coordinate of the flow, or None.
            embedding: contexts of the rows of the table.
            table: probabilities of the categories.
            objective: "likelihood", or "balanced" for equal weights of the conditional densities of
                all categories.

        Raises:
            ValueError: for an unknown objective or treatment.
        """
        super().__init__(layout, permutation, flow, places)
        if objective not in OBJECTIVES:
            raise ValueError(f"unknown objective '{objective}'; choose from {list(OBJECTIVES)}")
        self.contexts, self.table, self.balanced = embedding, table, objective == "balanced"

    def prepare(self, training: Tensor) -> None:
        """Count the categories of the training events to obtain p(y).

        Raises:
            ValueError: if the model cannot take such events.
        """
        super().prepare(training)
        stochastic = isinstance(self.permutation, StochasticPermutation)
        seen = training if stochastic else self.arrange(training, None)[0]
        if isinstance(self.table, SeenTable):
            self.table.count(self.coding.codes(seen), self.sets_of(seen))
            _LOGGER.info("the training events have %d configurations", len(self.table.keys))
            return
        particles = 0 if self.permutation is None else self.layout.particles
        orders = torch.tensor(list(permutations(range(particles))), device=training.device)
        images = (self.reorder(training, order.expand(len(training), -1)) for order in orders)
        self.table.count(
            map(self.coding.codes, images),
            0 if self.permutation is None else len(orders),
            None if stochastic else self.coding.codes(seen),
        )
        unseen, categories = int(self.table.unseen.sum()), self.table.rows
        _LOGGER.info("%d of %d categories have no training events", unseen, categories)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood, or its balanced variant (eq. 16) [nats].

        In the balanced variant, the weight of an event is 1 / (number of categories * p(y)), where
        y is the category after the permutation. Its mean under p(y) is one. The term log p(y) is
        constant and omitted.
        """
        if not self.balanced:
            return super().loss(batch, generator)
        batch, contribution = self.enter(batch, generator)
        codes, chosen = self.coding.codes(batch), self.sets_of(batch)
        log_p = self.table.log_prob(codes, chosen)
        if chosen is not None:
            log_p = log_p + self.log_probabilities[chosen]
        weight = self.table.log_weight(codes, log_p).exp().to(batch)
        return -(weight * (self._log_given(batch, codes) + contribution)).mean()

    def log_conditional(
        self, batch: Tensor, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Log-density [nats] of ordered events given their presence set, shape ``(n,)``."""
        codes = self.coding.codes(batch)
        return self._log_given(batch, codes) + self.table.log_prob(codes, chosen).to(batch)

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] with one draw of the permutation, shape ``(n,)``.

        It is finite even for categories never seen in training; their number is logged.
        """
        self.check(batch)
        arranged, contribution = self.enter(batch, generator)
        codes = self.coding.codes(arranged)
        count = int(self.table.is_unseen(codes, self.sets_of(arranged)).sum())
        if count:
            _LOGGER.info(
                "%d of %d events have a category never seen in training", count, len(batch)
            )
        return self.log_prob_arranged(arranged, contribution, generator)

    def _log_given(self, batch: Tensor, codes: Tensor) -> Tensor:
        """Log p(x | y), shape ``(n,)``."""
        continuous = batch[:, : self.layout.continuous]
        return self.flow.log_prob(continuous, self._category_context(codes))

    def _category_context(self, codes: Tensor) -> Tensor:
        context: Tensor = self.contexts(self.table.index(codes)).sum(dim=1)
        return context

    @torch.no_grad()
    def sample_ordered(
        self, n: int, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Draw ``n`` ordered events, shape ``(n, d)``."""
        codes = self.table.draw(n, chosen, generator)
        continuous = self.draw_flow(n, chosen, self._category_context(codes), generator)
        return self.coding.events(continuous, codes)


def mixture_flow(
    *,
    layout: Layout,
    permutation: str,
    objective: str,
    seed: int,
    embedding: int = 64,
    base: str = "uniform",
    **flow: int,
) -> MixtureFlow:
    """Build the mixture model.

    Args:
        layout: columns of the events.
        permutation: "none", "stochastic" or "sort".
        objective: "likelihood" or "balanced".
        seed: seed of the weights and of the fixed permutations.
        embedding: width of the context of a category.
        base: "uniform" or "gaussian".
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown objective, treatment or base, a layout without categorical
            columns, or too many categories to number.
    """
    coding = categorical_coding(layout)
    few = math.prod(coding.counts) <= LARGEST_TABLE and layout.particles <= MOST_EXACT
    table: DenseTable | SeenTable
    if few and not layout.sets:
        table = DenseTable(coding.counts)
    else:
        table = SeenTable(coding, symmetric=permutation == "stochastic")
    core, places = main_flow(layout, (), seed, embedding, flow, base)
    with seeded(seed):
        contexts = nn.Embedding(table.rows, embedding)
    return MixtureFlow(layout, permutation, core, places, contexts, table, objective)
