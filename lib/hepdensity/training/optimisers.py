"""Optimisers, schedules of the learning rate, and moving averages of weights.

Adam and Adamax: Kingma and Ba 2015 (arXiv:1412.6980); AdamW: Loshchilov and Hutter 2019
(arXiv:1711.05101); cosine: Loshchilov and Hutter 2017 (arXiv:1608.03983); linear warm-up: Goyal et
al. 2017 (arXiv:1706.02677); average of the weights: Polyak and Juditsky 1992
(doi:10.1137/0330046).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Adam, Adamax, AdamW, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from hepdensity.training.settings import TrainingSettings


def make_optimiser(parameters: Sequence[Parameter], settings: TrainingSettings) -> Optimizer:
    """The optimiser of the settings, in torch's fastest implementation."""
    shared: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": tuple(settings.betas),
        "weight_decay": settings.weight_decay,
    }
    if settings.optimiser == "adamax":
        return Adamax(parameters, foreach=True, **shared)
    return {"adam": Adam, "adamw": AdamW}[settings.optimiser](parameters, fused=True, **shared)


class Schedule(ABC):
    """Sets the learning rate of an optimiser."""

    def __init__(self, optimiser: Optimizer, settings: TrainingSettings) -> None:
        """Set the learning rate of the first step."""
        self._optimiser, self._settings = optimiser, settings

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    @rate.setter
    def rate(self, value: float) -> None:
        self._optimiser.param_groups[0]["lr"] = value

    @abstractmethod
    def stepped(self, steps: int) -> None:
        """Set the learning rate after this total number of steps."""

    @abstractmethod
    def validated(self, loss: float) -> None:
        """Set the learning rate after a validation with this loss [nats]."""

    def state(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {"rate": self.rate}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the result of ``state``."""
        self.rate = state["rate"]


class Plateau(Schedule):
    """Decay when the validation loss stops improving (Verheyen 2022, arXiv:2205.01697, table 1)."""

    def __init__(self, optimiser: Optimizer, settings: TrainingSettings) -> None:
        """Start at the initial learning rate."""
        super().__init__(optimiser, settings)
        self._rule = ReduceLROnPlateau(
            optimiser,
            factor=settings.decay_factor,
            patience=settings.decay_patience,
            threshold=settings.decay_threshold,
            threshold_mode=settings.threshold_mode,
            eps=0,
        )

    def stepped(self, steps: int) -> None:
        """Change nothing."""

    def validated(self, loss: float) -> None:
        """Decay the learning rate after too many validations without improvement."""
        self._rule.step(loss)

    def state(self) -> dict[str, Any]:
        """Learning rate, and the count of validations without improvement."""
        return {**super().state(), "rule": self._rule.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the result of ``state``."""
        super().restore(state)
        self._rule.load_state_dict(state["rule"])


class Planned(Schedule):
    """Learning rates that depend only on the number of steps (see ``planned_rate``)."""

    def __init__(self, optimiser: Optimizer, settings: TrainingSettings) -> None:
        """Set the learning rate of the first step."""
        super().__init__(optimiser, settings)
        self.stepped(0)

    def stepped(self, steps: int) -> None:
        """Set the learning rate of the next step."""
        self.rate = planned_rate(self._settings, steps)

    def validated(self, loss: float) -> None:
        """Change nothing."""


def make_schedule(optimiser: Optimizer, settings: TrainingSettings) -> Schedule:
    """The schedule of the settings."""
    kind = Plateau if settings.schedule == "plateau" else Planned
    return kind(optimiser, settings)


def planned_rate(settings: TrainingSettings, steps: int) -> float:
    """Learning rate of the schedules "cosine" and "constant".

    The rate rises linearly during the warm-up and reaches ``learning_rate`` in its last step. Then
    it is constant, or falls along half a cosine to ``final_factor`` times ``learning_rate``.

    Args:
        settings: settings of the training.
        steps: number of steps taken; the result is the rate of the next step.
    """
    highest, warmup = settings.learning_rate, settings.warmup_steps
    if steps < warmup:
        return highest * (steps + 1) / warmup
    length = settings.cosine_steps
    if settings.schedule == "constant" or length is None:
        return highest
    progress = min((steps - warmup) / (length - warmup), 1.0)
    falling = (1 + math.cos(math.pi * progress)) / 2
    return highest * (settings.final_factor + (1 - settings.final_factor) * falling)


class MovingAverage:
    """Exponential moving average of weights, which can be swapped with the weights.

    Attributes:
        values: the averages, or the weights while the two are swapped.
    """

    def __init__(self, parameters: Sequence[Parameter], decay: float) -> None:
        """Start from the weights.

        Args:
            parameters: the weights.
            decay: decay per step.
        """
        self._parameters, self._decay = parameters, decay
        self.values = [p.detach().clone() for p in parameters]

    @torch.no_grad()
    def update(self, steps: int) -> None:
        """Include the current weights in the average, after this total number of steps.

        The decay starts low, so that the first weights are soon forgotten, as with ``num_updates``
        in TensorFlow's ``ExponentialMovingAverage``.
        """
        decay = min(self._decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(self.values, list(self._parameters), 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Swap averages and weights; a second call undoes this exactly."""
        for parameter, value in zip(self._parameters, self.values, strict=True):
            kept = parameter.clone()
            parameter.copy_(value)
            value.copy_(kept)

    def restore(self, values: Sequence[Tensor]) -> None:
        """Restore the averages of a checkpoint."""
        for own, value in zip(self.values, values, strict=True):
            own.copy_(value)
