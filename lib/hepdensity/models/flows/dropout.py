"""One flow for events with several numbers of particles (Verheyen 2022, section 3.4).

See arXiv:2205.01697.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.flows.core import Flow
from hepdensity.models.flows.flow import SplineFlow, refuse_categorical
from hepdensity.models.flows.places import main_flow, set_embedding
from hepdensity.models.layers.dropout import preference_vector
from hepdensity.models.layout import Layout

OBJECTIVES = ("balanced", "likelihood")


class DropoutFlow(SplineFlow):
    """A flow after a dropout surjection, conditioned on the presence set."""

    weights: Tensor

    def __init__(
        self,
        layout: Layout,
        permutation: str,
        flow: Flow,
        places: Sequence[int | None],
        embedding: nn.Embedding | None,
        objective: str | Sequence[float],
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events.
            permutation: "none", "stochastic" or "sort".
            flow: flow on the cube; its layers take a context and may drop coordinates.
            places: particle of each coordinate of the flow, or None.
            embedding: context of each presence set.
            objective: "likelihood" (eq. 15), "balanced" (equal weights) or the weight of each set.

        Raises:
            ValueError: for an unknown objective or treatment, or invalid weights.
        """
        super().__init__(layout, permutation, flow, places, embedding)
        sets = len(layout.sets)
        self._by_probability = objective == "likelihood"
        if isinstance(objective, str):
            if objective not in OBJECTIVES:
                raise ValueError(f"unknown objective '{objective}'; choose from {list(OBJECTIVES)}")
            objective = [1 / sets] * sets
        self.register_buffer("weights", preference_vector(objective, sets))
        given = [chosen.probability for chosen in layout.sets]
        known = [p for p in given if p is not None]
        if self._by_probability and known:
            self.weights.copy_(preference_vector(known, sets))

    def prepare(self, training: Tensor) -> None:
        """Count as for every treatment; "likelihood" uses the counted probabilities as weights."""
        super().prepare(training)
        if self._by_probability and self.dropout is not None and self.dropout.counted:
            self.weights.copy_(self.log_probabilities.exp())

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Weighted sum over the presence sets of the mean of -log p(x | set) (eq. 16) [nats].

        A set without events in the batch adds zero.
        """
        batch, contribution = self.enter(batch, generator)
        chosen = self.sets_of(batch)
        assert chosen is not None
        log_prob = self.log_conditional(batch, chosen, generator) + contribution
        members = nn.functional.one_hot(chosen, len(self.weights)).to(batch)
        # This is not a product, because zero times an infinite log-density is not zero.
        terms = torch.where(members > 0, log_prob[:, None], torch.zeros_like(members)).sum(dim=0)
        means = terms / members.sum(dim=0).clamp(min=1)
        return -(self.weights.to(batch) * means).sum()


def dropout_flow(
    *,
    layout: Layout,
    permutation: str,
    objective: str | Sequence[float],
    seed: int,
    embedding: int = 2,
    base: str = "uniform",
    **flow: int,
) -> DropoutFlow:
    """Build the flow for events in which particles may be absent.

    Args:
        layout: columns of the events, all continuous, with presence sets.
        permutation: "none", "stochastic" or "sort".
        objective: "likelihood", "balanced" or the weight of each presence set.
        seed: seed of the weights and of the fixed permutations.
        embedding: width of the context of a presence set.
        base: "uniform" or "gaussian".
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown treatment, objective or base, invalid weights, categorical
            columns, or a layout without presence sets.
    """
    refuse_categorical(layout)
    if not layout.sets:
        raise ValueError(
            "kind 'dropout' needs a layout with presence sets; choose kind 'flow' if all particles"
            " are always present"
        )
    core, places = main_flow(layout, (), seed, embedding, flow, base)
    table = set_embedding(layout, embedding, seed)
    return DropoutFlow(layout, permutation, core, places, table, objective)
