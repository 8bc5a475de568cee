"""Angles first, category given the angles: p(x) p(y | x) (Verheyen 2022, section 3.5.3)."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.flows.flow import Flow, seeded, spline_layers
from hepdensity.models.flows.labelled import LabelledModel
from hepdensity.models.layers.labels import (
    category,
    category_counts,
    split_category,
    unpack,
    with_codes,
)
from hepdensity.models.networks.categorical import Categorical


class ClassifiedFlow(LabelledModel):
    """A flow of the angles and a network for log p(category | angles), trained together.

    They share no weights: each is trained, and its best weights are chosen, as if it were alone.
    Both see the same order of gluinos, and the labels of that order.
    """

    def __init__(
        self, flow: Flow, network: nn.Module, head: Categorical, gluinos: int, permutation: str
    ) -> None:
        """Put the parts together.

        Args:
            flow: flow on the cube of angles.
            network: hidden layers of the classifier, from the angles.
            head: its last layer, which gives the categories.
            gluinos: number of gluinos.
            permutation: "none", "stochastic" or "sort".
        """
        super().__init__(gluinos, permutation)
        self.flow, self.network, self.head = flow, network, head

    def factors(self) -> list[list[nn.Module]]:
        """The flow, and the classifier."""
        return [[self.flow], [self.network, self.head]]

    def factor_losses(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihoods of angles and of categories [nats], shape ``(2,)``."""
        batch, contribution = self.arrange(batch, generator)
        log_angles, log_labels = self._log_probs(batch)
        return -torch.stack([(log_angles + contribution).mean(), log_labels.mean()])

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] with one draw of the permutation."""
        return self.factor_losses(batch, generator).sum()

    def log_prob_ordered(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] behind the permutation, shape ``(n,)``."""
        log_angles, log_labels = self._log_probs(batch)
        return log_angles + log_labels

    def _log_probs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        angles, _, _ = unpack(batch)
        log_labels = self.head.log_prob(self.network(angles), category(batch))
        return self.flow.log_prob_ordered(angles), log_labels

    @torch.no_grad()
    def sample_ordered(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events before the permutation, shape ``(n, 4 g + 3)``."""
        angles = self.flow.sample(n, generator)
        probabilities = self.head(self.network(angles)).softmax(dim=1)
        y = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
        return with_codes(angles, split_category(y, self.gluinos))


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers, each with a ReLU behind it."""
    layers: list[nn.Module] = []
    for before, behind in pairwise(widths):
        layers += [nn.Linear(before, behind), nn.ReLU()]
    return nn.Sequential(*layers)


def classified_flow(
    *,
    permutation: str,
    seed: int,
    hidden: Sequence[int] = (256, 256, 256),
    gluinos: int = 4,
    **flow: int,
) -> ClassifiedFlow:
    """Build the classifier model.

    Args:
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        hidden: widths of the classifier's hidden layers.
        gluinos: number of gluinos.
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown treatment.
    """
    features = 2 * gluinos
    core = Flow(spline_layers(features, seed, **flow), features, gluinos, None)
    with seeded(seed):
        network = perceptron([features, *hidden])
        head = Categorical(hidden[-1], math.prod(category_counts(gluinos)))
    return ClassifiedFlow(core, network, head, gluinos, permutation)
