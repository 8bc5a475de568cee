"""Factors of a model: each has its own optimiser, learning rate and best weights."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from hepdensity.models.base import Trainable
from hepdensity.training.optimisers import MovingAverage, make_optimiser, make_schedule
from hepdensity.training.settings import TrainingSettings


class Factor:
    """A factor of a model, with its optimiser, its schedule and the weights of its best validation.

    Attributes:
        best_loss: lowest validation loss so far [nats].
        best_step: step of that validation.
        best: tensors at that validation, by their names in the model.
    """

    def __init__(
        self,
        model: Trainable,
        parameters: list[nn.Parameter],
        names: list[str],
        settings: TrainingSettings,
    ) -> None:
        """Start from the current weights of the model.

        Args:
            model: the whole model.
            parameters: parameters of the factor.
            names: names of the factor's parameters and buffers in the state of the model.
            settings: settings of the training.
        """
        self._model, self._names, self._parameters = model, names, parameters
        self._optimiser = make_optimiser(parameters, settings)
        self._schedule = make_schedule(self._optimiser, settings)
        self._clip_norm = settings.clip_norm
        decay = settings.ema_decay
        self.average = None if decay is None else MovingAverage(parameters, decay)
        self.best_loss, self.best_step = math.inf, 0
        self.best = self._weights()

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return self._schedule.rate

    def zero_grad(self) -> None:
        """Reset the gradients."""
        self._optimiser.zero_grad(set_to_none=True)

    def step(self, number: int) -> None:
        """Update the weights with the gradients.

        Args:
            number: number of this step, counted from 1.
        """
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        self._optimiser.step()
        self._schedule.stepped(number)
        if self.average is not None:
            self.average.update(number)

    def validated(self, loss: float, step: int) -> None:
        """Update the schedule, and store the current weights if they are the best so far.

        Args:
            loss: validation loss [nats].
            step: number of steps taken.
        """
        self._schedule.validated(loss)
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.best = loss, step, self._weights()

    def _weights(self) -> dict[str, Tensor]:
        state = self._model.state_dict()
        return {name: state[name].detach().clone() for name in self._names}

    def tensors(self) -> dict[str, Tensor]:
        """Moments of the optimiser and moving averages, for a checkpoint."""
        moments = {
            f"moments.{i}.{name}": value
            for i, values in self._optimiser.state_dict()["state"].items()
            for name, value in values.items()
        }
        averages = [] if self.average is None else self.average.values
        return moments | {f"average.{i}": value for i, value in enumerate(averages)}

    def state(self) -> dict[str, Any]:
        """Numbers for a checkpoint."""
        numbers = {"best_loss": self.best_loss, "best_step": self.best_step}
        return {**numbers, "schedule": self._schedule.state()}

    def restore(
        self, state: dict[str, Any], tensors: dict[str, Tensor], best: dict[str, Tensor]
    ) -> None:
        """Restore the results of ``state`` and ``tensors``, and the best weights."""
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            kind, index, *name = key.split(".", 2)
            if kind == "moments":
                moments.setdefault(int(index), {})[name[0]] = value
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": moments})
        self._schedule.restore(state["schedule"])
        if self.average is not None:
            count = len(self.average.values)
            self.average.restore([tensors[f"average.{i}"] for i in range(count)])
        self.best_loss, self.best_step = state["best_loss"], state["best_step"]
        self.best = {name: best[name].to(self.best[name].device) for name in self._names}


@contextmanager
def averaged(factors: Sequence[Factor]) -> Iterator[None]:
    """Use the moving averages as weights of the model inside the block, if there are any."""
    averages = [factor.average for factor in factors if factor.average is not None]
    for average in averages:
        average.swap()
    try:
        yield
    finally:
        for average in averages:
            average.swap()


def factors_of(model: Trainable, settings: TrainingSettings) -> list[Factor]:
    """Factors of a model; buffers that belong to none, such as counts, go with the first.

    Raises:
        ValueError: if two factors share a parameter, or a parameter belongs to none.
    """
    groups = model.factors()
    owned = [[p for module in group for p in module.parameters()] for group in groups]
    counted = [id(p) for parameters in owned for p in parameters]
    if sorted(counted) != sorted(id(p) for p in model.parameters()):
        raise ValueError("each parameter must belong to exactly one of the model's factors")
    prefixes = [
        tuple(f"{name}." if name else "" for name, m in model.named_modules() if m in group)
        for group in groups
    ]
    names: list[list[str]] = [[] for _ in groups]
    for key in model.state_dict():
        found = (i for i, prefix in enumerate(prefixes) if key.startswith(prefix))
        names[next(found, 0)].append(key)
    return [Factor(model, *parts, settings) for parts in zip(owned, names, strict=True)]
