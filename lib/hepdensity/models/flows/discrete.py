"""Categories as continuous latent columns: dequantisation and argmax (Verheyen 2022, section 3.5).

See arXiv:2205.01697. The likelihood is a bound, which importance weighting can tighten (Burda et
al. 2016, arXiv:1509.00519).
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.flows.core import Flow, seeded
from hepdensity.models.flows.places import main_flow, set_embedding
from hepdensity.models.flows.treated import TreatedModel
from hepdensity.models.layers.argmax import BinaryArgmax, bits
from hepdensity.models.layers.coding import Coding
from hepdensity.models.layers.dequantisation import Dequantisation
from hepdensity.models.layers.noise import FlowNoise, Noise, UniformNoise
from hepdensity.models.layers.standardisation import BOX
from hepdensity.models.layout import Layout

_AUXILIARY = {"layers": 3, "bins": 8, "residual_blocks": 2, "units_per_dim": 2, "embedding": 10}


class DiscreteFlow(TreatedModel):
    """A flow on the continuous columns and on latent columns of the codes."""

    coding: Coding
    noisy = True

    def __init__(
        self,
        layout: Layout,
        permutation: str,
        flow: Flow,
        places: Sequence[int | None],
        embedding: nn.Embedding | None,
        surjection: Dequantisation | BinaryArgmax,
    ) -> None:
        """Combine the parts.

        Args:
            layout: columns of the events.
            permutation: "none", "stochastic" or "sort".
            flow: flow on the cube of continuous and latent columns.
            places: particle of each coordinate of the flow, or None.
            embedding: context of each presence set.
            surjection: surjection for the codes (dequantisation) or for their groups (argmax).
        """
        super().__init__(layout, permutation, flow, places, embedding)
        self.surjection = surjection
        self.combined = isinstance(surjection, BinaryArgmax)

    def log_conditional(
        self, batch: Tensor, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Bound on the log-density of ordered events with one draw of noise [nats], ``(n,)``."""
        codes = self.coding.codes(batch)
        if self.combined:
            codes = self.coding.grouped(codes)
        columns = codes.to(batch)
        if chosen is not None:
            columns = columns.masked_fill(codes < 0, torch.nan)
        columns = torch.cat([batch[:, : self.layout.continuous], columns], dim=1)
        z, contribution = self.surjection.inverse(columns, None, generator)
        return self.flow.log_prob(z, self.context(chosen)) + contribution

    def sample_ordered(
        self, n: int, chosen: Tensor | None, generator: Generator | None = None
    ) -> Tensor:
        """Draw ``n`` times and keep ordered events with valid codes, shape ``(m, d)``."""
        z = self.draw_flow(n, chosen, self.context(chosen), generator)
        columns, _ = self.surjection(z)
        first = self.layout.continuous
        continuous, codes = columns[:, :first], columns[:, first:].nan_to_num(nan=-1.0).long()
        if self.combined:
            valid = (codes < codes.new_tensor(self.coding.groups)).all(dim=1)
            continuous, codes = continuous[valid], self.coding.ungrouped(codes[valid])
        return self.coding.events(continuous, codes)


def dequantisation_flow(
    *,
    layout: Layout,
    noise: str,
    permutation: str,
    seed: int,
    auxiliary: dict[str, int] | None = None,
    embedding: int = 64,
    base: str = "uniform",
    **flow: int,
) -> DiscreteFlow:
    """Build the model with dequantised codes.

    Args:
        layout: columns of the events.
        noise: "uniform" or "flow".
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        auxiliary: settings of the noise flow, as for ``FlowNoise``; None for those of the paper's
            code.
        embedding: width of the context of a presence set, if the layout has sets.
        base: "uniform" or "gaussian".
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the main flow.

    Raises:
        ValueError: for an unknown noise, treatment or base, or a layout without categorical
            columns.
    """
    coding = categorical_coding(layout)
    source = _noise(noise, len(coding.counts), coding, seed, auxiliary)
    # With a Gaussian base, a value is as wide as a standard deviation.
    spread = 1 / (2 * BOX) if base == "gaussian" else None
    may_drop = bool(layout.sets)
    surjection = Dequantisation(coding.counts, source, coding.together, may_drop, spread)
    return _discrete_flow(
        layout, surjection, coding.places, permutation, seed, embedding, flow, base
    )


def argmax_flow(
    *,
    layout: Layout,
    noise: str,
    permutation: str,
    seed: int,
    auxiliary: dict[str, int] | None = None,
    embedding: int = 64,
    base: str = "uniform",
    **flow: int,
) -> DiscreteFlow:
    """Build the model with the argmax surjection on the bits of the codes.

    Codes that do not belong to one particle are numbered together; any other code has its own bits.

    Args:
        layout: columns of the events.
        noise: "uniform" or "flow".
        permutation: "none", "stochastic" or "sort".
        seed: seed of the weights and of the fixed permutations.
        auxiliary: settings of the noise flow, as for ``FlowNoise``; None for those of the paper's
            code.
        embedding: width of the context of a presence set, if the layout has sets.
        base: "uniform" or "gaussian".
        flow: ``layers``, ``bins``, ``residual_blocks`` and ``units_per_dim`` of the main flow.

    Raises:
        ValueError: for an unknown noise, treatment or base, or a layout without categorical
            columns.
    """
    coding = categorical_coding(layout)
    pairs = list(zip(coding.groups, coding.group_places, strict=True))
    places = [place for count, place in pairs for _ in range(2 * bits(count))]
    source = _noise(noise, len(places), coding, seed, auxiliary)
    surjection = BinaryArgmax(coding.groups, source, bool(layout.sets))
    return _discrete_flow(layout, surjection, places, permutation, seed, embedding, flow, base)


def categorical_coding(layout: Layout) -> Coding:
    """The codes of a layout.

    Raises:
        ValueError: if it has no categorical columns.
    """
    if not layout.categorical:
        raise ValueError(
            "this kind of model needs a layout with categorical columns; choose 'flow' or 'dropout'"
        )
    return Coding(layout)


def _noise(
    name: str, dimensions: int, coding: Coding, seed: int, auxiliary: dict[str, int] | None
) -> Noise:
    if name == "uniform":
        return UniformNoise(dimensions)
    if name != "flow":
        raise ValueError(f"unknown noise '{name}'; choose from ['flow', 'uniform']")
    settings = {**_AUXILIARY, **(auxiliary or {})}
    may_drop = bool(coding.layout.sets)
    pairs = zip(coding.groups, coding.group_places, strict=True)
    # One additional number means that the particle is absent.
    counts = [count + (may_drop and place is not None) for count, place in pairs]
    with seeded(seed):
        generator = torch.Generator().manual_seed(seed)
        return FlowNoise(dimensions, counts, generator=generator, may_drop=may_drop, **settings)


def _discrete_flow(
    layout: Layout,
    surjection: Dequantisation | BinaryArgmax,
    extra: Sequence[int | None],
    permutation: str,
    seed: int,
    embedding: int,
    settings: dict[str, int],
    base: str,
) -> DiscreteFlow:
    core, places = main_flow(layout, extra, seed, embedding if layout.sets else 0, settings, base)
    table = set_embedding(layout, embedding, seed)
    return DiscreteFlow(layout, permutation, core, places, table, surjection)
