"""The interface of densities that tell the log-density of each of their factors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from torch import Generator, Tensor

from hepdensity.models.base import MultiplicityModel


class FactorisedDensity(MultiplicityModel):
    """A density whose logarithm is a sum over named factors, e.g. of the event and its particles.

    Evaluation asks for the factors only once, because each may be the solution of an ODE.
    """

    @abstractmethod
    def log_parts(self, batch: Tensor, generator: Generator | None = None) -> Mapping[str, Tensor]:
        """Log-density of each factor [nats], shape ``(n,)`` each; their sum is ``log_prob``.

        Args:
            batch: events, shape ``(n, d)``.
            generator: source of random numbers, for estimates.
        """
