"""The baseline flow of continuous columns (Verheyen 2022, arXiv:2205.01697, section 3.2)."""

from torch import Generator, Tensor

from hepdensity.models.flows.places import main_flow
from hepdensity.models.flows.treated import TreatedModel
from hepdensity.models.layout import Layout


class SplineFlow(TreatedModel):
    """A flow of events that have only continuous columns."""

    def log_conditional(
        self, batch: Tensor, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Log-density [nats] of ordered events given their presence set, shape ``(n,)``."""
        return self.flow.log_prob(batch, self.context(chosen))

    def sample_ordered(
        self, n: int, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Draw ``n`` ordered events, shape ``(n, d)``."""
        return self.draw_flow(n, chosen, self.context(chosen), generator)


def spline_flow(
    *, layout: Layout, permutation: str, seed: int, base: str = "uniform", **flow: int
) -> SplineFlow:
    """Build the baseline flow of Verheyen 2022, section 3.2 (table 1: 8, 32, 2, 10).

    Args:
        layout: columns of the events, all continuous, with all particles present.
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        base: "uniform" or "gaussian".
        flow: ``layers`` (autoregressive layers, each with a fixed random permutation of
            coordinates), ``bins`` (of each spline), ``residual_blocks`` and ``units_per_dim``
            (residual blocks and hidden units per coordinate of each MADE).

    Raises:
        ValueError: for an unknown treatment or base, categorical columns or presence sets.
    """
    refuse_categorical(layout)
    if layout.sets:
        raise ValueError(
            "a plain flow needs events in which all particles are present; choose kind 'dropout'"
        )
    core, places = main_flow(layout, (), seed, 0, flow, base)
    return SplineFlow(layout, permutation, core, places)


def refuse_categorical(layout: Layout) -> None:
    """Check that there are no categorical columns.

    Raises:
        ValueError: if there are any; names the first one.
    """
    for column in (*layout.event_categorical, *layout.particle_categorical):
        raise ValueError(
            f"this kind of model takes continuous columns, but '{column.name}' is categorical;"
            " choose 'dequantisation', 'argmax', 'mixture' or 'classifier'"
        )
