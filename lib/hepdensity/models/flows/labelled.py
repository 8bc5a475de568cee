"""What the models of labelled events share: the treatment of the gluinos' permutation symmetry."""

from abc import abstractmethod

import torch
from torch import Generator, Tensor

from hepdensity.models.base import DensityModel, symmetrised
from hepdensity.models.flows.flow import refuse_dropped
from hepdensity.models.layers.labels import check_labels, gluinos_of, relabel
from hepdensity.models.layers.permutation import particle_layer

_LEAST_DRAWS = 100


class LabelledModel(DensityModel):
    """A density of labelled events (``layers.labels``) behind a permutation of their gluinos.

    Labels move with their gluinos. Subclasses give the density and samples of ordered events.
    """

    def __init__(self, gluinos: int, permutation: str) -> None:
        """Choose the treatment.

        Args:
            gluinos: number of gluinos.
            permutation: "none", "stochastic" or "sort".

        Raises:
            ValueError: for an unknown treatment.
        """
        super().__init__()
        self.gluinos = gluinos
        self.permutation = particle_layer(permutation, gluinos, labelled=True)

    @abstractmethod
    def log_prob_ordered(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] of events behind the permutation, shape ``(n,)``."""

    @abstractmethod
    def sample_ordered(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` times before the permutation; valid events only, shape ``(m, 4 g + 3)``."""

    @property
    def bound(self) -> bool:
        """True if a layer makes the one-draw log-density a lower bound."""
        return self.permutation is not None and self.permutation.kind.bound

    def prepare(self, training: Tensor) -> None:
        """Refuse events that this model is not for.

        Raises:
            ValueError: for unlabelled events, another number of gluinos, dropped dimensions or
                labels that are none.
        """
        self.check(training)

    def check(self, batch: Tensor) -> None:
        """Refuse events that this model is not for; ``ValueError`` as in ``prepare``."""
        if gluinos_of(batch) != self.gluinos:
            raise ValueError(
                f"this model is for {self.gluinos} gluinos, the events have {gluinos_of(batch)}"
            )
        refuse_dropped(batch)
        check_labels(batch)

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean negative log-likelihood [nats] with one draw of every stochastic layer."""
        batch, contribution = self.arrange(batch, generator)
        return -(self.log_prob_ordered(batch, generator) + contribution).mean()

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Log-density [nats] with one draw of every stochastic layer, shape ``(n,)``."""
        self.check(batch)
        batch, contribution = self.arrange(batch, generator)
        return self.log_prob_ordered(batch, generator) + contribution

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Exact log-density of ``sample`` [nats], the mean over all relabellings."""
        self.check(batch)
        if self.permutation is None:
            return self.log_prob_ordered(batch)
        return symmetrised(self.log_prob_ordered, batch, self.gluinos, relabel)

    def arrange(self, batch: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
        """Events as the permutation puts them, and its contribution."""
        if self.permutation is None:
            return batch, batch.new_zeros(len(batch))
        return self.permutation.inverse(batch, None, generator)

    @torch.no_grad()
    def attempt(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` times and keep what is valid, shape ``(m, 4 g + 3)`` with m <= n."""
        events = self.sample_ordered(n, generator)
        if self.permutation is not None:
            events, _ = self.permutation(events, None, generator)
        return events

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw ``n`` valid events, shape ``(n, 4 g + 3)``.

        Raises:
            RuntimeError: if no draw of a hundred is valid.
        """
        parts = [self.attempt(n, generator)]
        while (missing := n - sum(len(part) for part in parts)) > 0:
            parts.append(self.attempt(max(missing, _LEAST_DRAWS), generator))
            if not len(parts[-1]):
                raise RuntimeError("no sample of this model has a valid category: train it longer")
        return torch.cat(parts)[:n]
