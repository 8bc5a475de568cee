"""One flow for two- and four-gluino events (Verheyen 2022, arXiv:2205.01697, section 3.4)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import MultiplicityModel, symmetrised
from hepdensity.models.flows.flow import Flow, seeded, spline_layers
from hepdensity.models.layers.dropout import DropoutSurjection, dropped_set, preference_vector
from hepdensity.models.layers.permutation import particle_layer

P_FOUR = 4.0069e-5
"""Share of four-gluino events by cross-section, from the paper."""


class DropoutFlow(MultiplicityModel):
    """A flow behind a dropout surjection, conditioned on the set of coordinates that is dropped.

    Dropped coordinates of an event are NaN. Set 0 drops nothing: only its events are permuted.
    """

    weights: Tensor
    dropped: Tensor

    def __init__(
        self,
        flow: Flow,
        embedding: nn.Embedding,
        dropped: Tensor,
        probabilities: Sequence[float],
        weights: Sequence[float],
        permutation: str,
    ) -> None:
        """Put the parts together.

        Args:
            flow: flow on the cube whose layers take a context and may drop coordinates.
            embedding: context of each set.
            dropped: for each set the coordinates of the data that it drops, bool ``(sets, d)``.
            probabilities: of each set.
            weights: preference vector of the objective.
            permutation: "none", "stochastic" or "sort".

        Raises:
            ValueError: for probabilities or weights that are none.
        """
        super().__init__()
        self.flow, self.embedding = flow, embedding
        self.surjection = DropoutSurjection(flow.to_base(dropped), probabilities)
        self.register_buffer("dropped", dropped)
        self.permutation = particle_layer(permutation, flow.particles)
        self.register_buffer("weights", preference_vector(weights, len(dropped)))

    @property
    def bound(self) -> bool:
        """True if the permutation makes the one-draw log-density a lower bound."""
        return self.permutation is not None and self.permutation.kind.bound

    @property
    def log_probabilities(self) -> Tensor:
        """Log-probability of each set, shape ``(sets,)``."""
        return self.surjection.log_probabilities

    def prepare(self, training: Tensor) -> None:
        """Refuse events that this model is not for.

        Raises:
            ValueError: for a wrong number of columns or an unknown set of dropped dimensions.
        """
        if training.shape[1] != self.flow.features:
            raise ValueError(
                f"this model is for events of {self.flow.features} columns, not {training.shape[1]}"
            )
        dropped_set(training, self.dropped)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Weighted sum over sets of the mean of -log p(x | set) in the batch [nats] (eq. 16).

        With the sets' probabilities as weights it is eq. 15 up to a constant. The term of a set
        without an event in the batch is zero.
        """
        log_prob, chosen = self._conditional(batch, generator)
        members = nn.functional.one_hot(chosen, len(self.weights)).to(batch)
        # Not a product: zero times an infinite log-density would not be zero.
        terms = torch.where(members > 0, log_prob[:, None], torch.zeros_like(members)).sum(dim=0)
        means = terms / members.sum(dim=0).clamp(min=1)
        return -(self.weights.to(batch) * means).sum()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats], log p(set) included, with one draw of the permutation."""
        log_prob, chosen = self._conditional(batch, generator)
        return log_prob + self.log_probabilities.to(batch)[chosen]

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Exact log-density of ``sample`` [nats], shape ``(n,)``."""
        value = self.log_prob_ordered(batch)
        complete = ~batch.isnan().any(dim=1)
        if self.permutation is not None and complete.any():
            particles = self.flow.particles
            value[complete] = symmetrised(self.log_prob_ordered, batch[complete], particles)
        return value

    def log_prob_ordered(self, x: Tensor) -> Tensor:
        """Log-density [nats] behind the permutation layer, shape ``(n,)``."""
        chosen = dropped_set(x, self.dropped)
        value = self.flow.log_prob_ordered(x, self.embedding(chosen))
        return value + self.log_probabilities.to(x)[chosen]

    def _conditional(self, batch: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
        """Log p(x | set) and the sets."""
        chosen = dropped_set(batch, self.dropped)
        contribution = batch.new_zeros(len(batch))
        if self.permutation is not None:
            batch, contribution = self.permutation.inverse(batch, None, generator)
        return self.flow.log_prob_ordered(batch, self.embedding(chosen)) + contribution, chosen

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events, shape ``(n, d)``, of all sets as their probabilities are."""
        return self._sample(self.surjection.draw(n, generator), generator)

    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` events of one set (0: nothing dropped), shape ``(n, d)``."""
        device = self.weights.device
        return self._sample(torch.full((n,), chosen, device=device), generator)

    @torch.no_grad()
    def _sample(self, chosen: Tensor, generator: Generator | None) -> Tensor:
        z = self.flow.base_points(len(chosen), generator)
        z, _ = self.surjection(z, chosen)
        x = self.flow.push(z, self.embedding(chosen))
        if self.permutation is not None:
            x, _ = self.permutation(x, None, generator)
        return x


def objective_weights(
    objective: str | Sequence[float], probabilities: Sequence[float]
) -> Sequence[float]:
    """Preference vector of an objective.

    Args:
        objective: "likelihood" (eq. 15), "balanced" (all alike) or the vector itself.
        probabilities: of each set.

    Raises:
        ValueError: for an unknown name.
    """
    if not isinstance(objective, str):
        return objective
    count = len(probabilities)
    choices = {"likelihood": list(probabilities), "balanced": [1 / count] * count}
    if objective not in choices:
        raise ValueError(f"unknown objective '{objective}': choose from {sorted(choices)}")
    return choices[objective]


def dropout_flow(
    *,
    permutation: str,
    objective: str | Sequence[float],
    seed: int,
    p_four: float = P_FOUR,
    embedding: int = 2,
    gluinos: int = 4,
    **flow: int,
) -> DropoutFlow:
    """Build the model of two- and four-gluino events.

    Events have the angles of all gluinos; in two-gluino events all but those of the first are NaN.

    Args:
        permutation: "none", "stochastic" or "sort".
        objective: "likelihood", "balanced" or the weights (four-gluino, two-gluino).
        seed: seed of the weights and of the fixed permutations.
        p_four: probability of a four-gluino event.
        embedding: width of the context.
        gluinos: gluinos of the complete events; other than 4 in tests.
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the flow.

    Raises:
        ValueError: for an unknown treatment or objective, or weights that are none.
    """
    features, probabilities = 2 * gluinos, (p_four, 1 - p_four)
    layers = spline_layers(features, seed, embedding, True, **flow)
    with seeded(seed):
        table = nn.Embedding(len(probabilities), embedding)
    dropped = torch.arange(features) >= torch.tensor([features, 2])[:, None]
    weights = objective_weights(objective, probabilities)
    core = Flow(layers, features, gluinos, None)
    return DropoutFlow(core, table, dropped, probabilities, weights, permutation)
