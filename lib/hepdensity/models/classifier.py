"""A flow of continuous columns and categories given them, p(x) p(y | x) (Verheyen 2022, 3.5.3)."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.flows.core import Flow, seeded
from hepdensity.models.flows.discrete import categorical_coding
from hepdensity.models.flows.places import main_flow, set_embedding
from hepdensity.models.flows.treated import TreatedModel
from hepdensity.models.layers.coding import LARGEST_TABLE, Coding, combined, split
from hepdensity.models.layout import Layout
from hepdensity.models.networks.categorical import Categorical, FactorisedCategorical


class ClassifiedFlow(TreatedModel):
    """A flow of the continuous columns and a network for log p(y | x), trained together.

    The two share no weights, so each is trained and selected separately. Both see the same order of
    particles, and the categories in this order.

    If all codes together have few categories, the network gives the probability of each category.
    Otherwise, or if particles may be absent, it gives the probabilities of the values of each code,
    which are independent given x; codes of absent particles do not count.
    """

    coding: Coding

    def __init__(
        self,
        layout: Layout,
        permutation: str,
        flow: Flow,
        places: Sequence[int | None],
        embedding: nn.Embedding | None,
        network: nn.Module,
        head: Categorical | FactorisedCategorical,
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events.
            permutation: "none", "stochastic" or "sort".
            flow: flow on the cube of continuous columns.
            places: particle of each coordinate of the flow, or None.
            embedding: context of each presence set.
            network: hidden layers of the classifier; inputs are the continuous columns and the
                presence set, one-hot encoded.
            head: last layer of the classifier, which gives the categories.
        """
        super().__init__(layout, permutation, flow, places, embedding)
        self.network, self.head = network, head

    def factors(self) -> list[list[nn.Module]]:
        """The flow, and the classifier."""
        flow: list[nn.Module] = [self.flow]
        return [
            flow if self.embedding is None else [*flow, self.embedding],
            [self.network, self.head],
        ]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihoods of x and of y given x [nats], shape ``(2,)``."""
        batch, contribution = self.enter(batch, generator)
        chosen = self.sets_of(batch)
        log_x, log_y = self._log_probs(batch, chosen)
        log_x = log_x + contribution
        if chosen is not None:
            log_x = log_x + self.log_probabilities.to(log_x)[chosen]
        return -torch.stack([log_x.mean(), log_y.mean()])

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] with one draw of the permutation."""
        return self.factor_losses(batch, generator).sum()

    def log_conditional(
        self, batch: Tensor, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Log-density [nats] of ordered events given their presence set, shape ``(n,)``."""
        log_x, log_y = self._log_probs(batch, chosen)
        return log_x + log_y

    def _log_probs(self, batch: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        continuous = batch[:, : self.layout.continuous]
        hidden, codes = self._hidden(continuous, chosen), self.coding.codes(batch)
        if isinstance(self.head, Categorical):
            log_y = self.head.log_prob(hidden, combined(codes, self.coding.counts))
        else:
            log_y = self.head.log_prob(hidden, codes)
        return self.flow.log_prob(continuous, self.context(chosen)), log_y

    def _hidden(self, continuous: Tensor, chosen: Tensor | None) -> Tensor:
        """Inputs of the head."""
        if chosen is not None:
            which = nn.functional.one_hot(chosen, len(self.layout.sets))
            continuous = torch.cat([continuous.nan_to_num(nan=0.0), which.to(continuous)], dim=1)
        hidden: Tensor = self.network(continuous)
        return hidden

    @torch.no_grad()
    def sample_ordered(
        self, n: int, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Draw ``n`` ordered events, shape ``(n, d)``."""
        continuous = self.draw_flow(n, chosen, self.context(chosen), generator)
        hidden = self._hidden(continuous, chosen)
        if isinstance(self.head, Categorical):
            probabilities = self.head(hidden).softmax(dim=1)
            y = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
            codes = split(y, self.coding.counts)
        else:
            codes = self.head.draw(hidden, generator)
        if chosen is not None:
            places = torch.tensor([-1 if p is None else p for p in self.coding.places])
            codes = codes.masked_fill(places.to(codes) >= self.present[chosen][:, None], -1)
        return self.coding.events(continuous, codes)


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers, each followed by a ReLU."""
    layers: list[nn.Module] = []
    for before, behind in pairwise(widths):
        layers += [nn.Linear(before, behind), nn.ReLU()]
    return nn.Sequential(*layers)


def classified_flow(
    *,
    layout: Layout,
    permutation: str,
    seed: int,
    hidden: Sequence[int] = (256, 256, 256),
    embedding: int = 64,
    base: str = "uniform",
    **flow: int,
) -> ClassifiedFlow:
    """Build the classifier model.

    Args:
        layout: columns of the events.
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        hidden: widths of the classifier's hidden layers.
        embedding: width of the context of a presence set, if the layout has sets.
        base: "uniform" or "gaussian".
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown treatment or base, or a layout without categorical columns.
    """
    coding = categorical_coding(layout)
    core, places = main_flow(layout, (), seed, embedding if layout.sets else 0, flow, base)
    table = set_embedding(layout, embedding, seed)
    categories = math.prod(coding.counts)
    with seeded(seed):
        network = perceptron([layout.continuous + len(layout.sets), *hidden])
        head: Categorical | FactorisedCategorical
        if layout.sets or categories > LARGEST_TABLE:
            head = FactorisedCategorical(hidden[-1], coding.counts)
        else:
            head = Categorical(hidden[-1], categories)
    return ClassifiedFlow(layout, permutation, core, places, table, network, head)
