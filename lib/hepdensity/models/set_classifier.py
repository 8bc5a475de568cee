"""Classifier of events with a varying number of particles: a transformer that pools over them.

Absent particles are keys of no attention and in no mean, so neither their number nor the order of
the particles changes anything (Mikuni and Nachman 2024, arXiv:2306.03933, pass no mask to the
attention). There is no dropout, because a training must be resumed exactly and its random numbers
would not be those of the seed; the best validation loss ends overtraining.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from hepdensity.models.base import Trainable
from hepdensity.models.layers.standardisation import Standardisation
from hepdensity.models.layout import Layout
from hepdensity.models.networks.initial import seeded

_VALIDATED = 1000
"""Events of a pass without gradients, whose attention would else take gigabytes."""


class SetClassifier(Trainable):
    """The log-odds of the second category of a label; no density."""

    def __init__(self, layout: Layout, width: int, blocks: int, heads: int) -> None:
        """Create the network.

        Args:
            layout: columns of the events; the only categorical one is the label.
            width: width of the states.
            blocks: transformer blocks.
            heads: attention heads of each block.

        Raises:
            ValueError: if there is not exactly one label of two categories, no particle column, or
                the heads do not divide the width.
        """
        super().__init__()
        labels = layout.event_categorical
        if len(labels) != 1 or layout.particle_categorical or labels[0].categories != 2:
            raise ValueError(
                "a set-classifier needs one categorical event column of two categories, the label,"
                " and real particle columns; check the layout of the inputs"
            )
        if not layout.particle_continuous:
            raise ValueError("a set-classifier needs particles; check the layout of the inputs")
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} attention heads")
        self.layout = layout
        self.standardisation = Standardisation(layout, linear=True)
        self.enter = nn.Linear(len(layout.particle_continuous), width)
        block = nn.TransformerEncoderLayer(
            width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, blocks, enable_nested_tensor=False)
        self.leave = nn.Sequential(
            nn.Linear(width + len(layout.event_continuous) + 1, width),
            nn.GELU(),
            nn.Linear(width, 1),
        )

    def prepare(self, training: Tensor) -> None:
        """Compute means and standard deviations of the columns.

        Raises:
            ValueError: if a column is infinite or constant, or a label is missing in training.
        """
        self.standardisation.count(training)
        if len(self._labels(training).unique()) < 2:
            raise ValueError("the training events have one label only; provide events of both")

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        """Mean binary cross-entropy [nats]."""
        return nn.functional.binary_cross_entropy_with_logits(
            self.log_odds(batch), self._labels(batch)
        )

    def log_odds(self, batch: Tensor) -> Tensor:
        """Learned log p(second) / p(first) at equal prior probabilities, shape ``(n,)``.

        Args:
            batch: events, shape ``(n, d)``; their labels do not count.

        Raises:
            ValueError: if the events do not have the columns of the layout.
        """
        if batch.dim() != 2 or batch.shape[1] != self.layout.features:
            raise ValueError(
                f"this model takes events of {self.layout.features} columns, not of shape"
                f" {tuple(batch.shape)}; check the layout of the inputs"
            )
        if torch.is_grad_enabled():
            return self._log_odds(batch)
        return torch.cat([self._log_odds(part) for part in batch.split(_VALIDATED)])

    def _log_odds(self, batch: Tensor) -> Tensor:
        events, particles, _, _ = self.layout.slices
        mean, std = self.standardisation.mean, self.standardisation.std
        unit = ((batch[:, : len(mean)].double() - mean) / std).to(self.enter.weight)
        points = unit[:, particles].unflatten(1, (self.layout.particles, -1))
        absent = points[:, :, 0].isnan()
        states = self.enter(points.nan_to_num(nan=0.0))
        # A row of attention without keys would be NaN; events without particles attend to zeros.
        none = absent.all(dim=1, keepdim=True)
        states = self.blocks(states, src_key_padding_mask=absent & ~none)
        count = (~absent).sum(dim=1, keepdim=True).to(states)
        pooled = states.masked_fill(absent[:, :, None], 0).sum(dim=1) / count.clamp(min=1)
        share = count / self.layout.particles
        result: Tensor = self.leave(torch.cat([pooled, unit[:, events], share], dim=1))[:, 0]
        return result

    def _labels(self, batch: Tensor) -> Tensor:
        start = self.layout.slices[2].start
        return batch[:, start]


def set_classifier(
    *,
    layout: Layout,
    seed: int,
    width: int = 48,
    blocks: int = 2,
    attention_heads: int = 4,
) -> SetClassifier:
    """Build a classifier of events with particles.

    Args:
        layout: columns of the events.
        seed: seed of the initial weights.
        width: width of the states.
        blocks: transformer blocks.
        attention_heads: attention heads of each block; they divide the width.

    Raises:
        ValueError: for a layout without a label, or a width that the heads do not divide.
    """
    with seeded(seed):
        return SetClassifier(layout, width, blocks, attention_heads)
