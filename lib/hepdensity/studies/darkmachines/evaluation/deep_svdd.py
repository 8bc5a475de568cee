"""Deep SVDD: a network that maps background close to a point; the distance is the score.

Ruff et al. 2018 (ICML, PMLR 80:4393). Layers have no bias terms and activations are unbounded;
otherwise the network could map every event onto the centre of the hypersphere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

_SLOPE = 0.1
_LEAST_CENTRE = 0.1


@dataclass(frozen=True)
class SvddSettings:
    """How to train.

    Attributes:
        widths: Widths of the layers; the last one is the number of outputs.
        epochs: Number of passes over the training events.
        batch: Events per step.
        learning_rate: Of Adam.
        weight_decay: Penalty on the squares of the weights.
    """

    widths: Sequence[int] = (64, 32, 16)
    epochs: int = 30
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-6


class DeepSvdd:
    """Squared distance from the centre of a hypersphere that contains the background."""

    def __init__(
        self, background: np.ndarray, seed: int, settings: SvddSettings | None = None
    ) -> None:
        """Train on background.

        Args:
            background: Standardised features without NaN, shape (n, F).
            seed: Seed of the initial weights and the order of events.
            settings: How to train.
        """
        settings = settings or SvddSettings()
        generator = torch.Generator().manual_seed(seed)
        self._network = _network(background.shape[1], settings.widths, generator)
        events = torch.from_numpy(np.ascontiguousarray(background, dtype=np.float32))
        with torch.no_grad():
            centre = self._network(events).mean(dim=0)
        # Outputs of which the centre is 0 could be reached with weights of 0.
        sign = torch.where(centre < 0, -1.0, 1.0)
        self._centre = torch.where(centre.abs() < _LEAST_CENTRE, sign * _LEAST_CENTRE, centre)
        self._train(events, generator, settings)

    def _train(self, events: Tensor, generator: torch.Generator, settings: SvddSettings) -> None:
        optimiser = torch.optim.Adam(
            self._network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        for _ in range(settings.epochs):
            order = torch.randperm(len(events), generator=generator)
            for chosen in order.split(settings.batch):
                optimiser.zero_grad()
                self._distance(events[chosen]).mean().backward()
                optimiser.step()

    def _distance(self, events: Tensor) -> Tensor:
        offset: Tensor = self._network(events) - self._centre
        return (offset**2).sum(dim=1)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Scores, high = anomalous, float64, shape (n,).

        Args:
            features: Standardised features without NaN, shape (n, F).
        """
        events = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
        with torch.no_grad():
            distance = self._distance(events)
        return np.asarray(distance.double().numpy())


def _network(inputs: int, widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, width in enumerate(widths):
        layer = nn.utils.skip_init(nn.Linear, inputs, width, bias=False)
        nn.init.kaiming_uniform_(layer.weight, a=_SLOPE, generator=generator)
        layers += [layer] if i == len(widths) - 1 else [layer, nn.LeakyReLU(_SLOPE)]
        inputs = width
    return nn.Sequential(*layers)
