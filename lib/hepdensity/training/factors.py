"""What of a model is trained and selected by itself: optimiser, learning rate and best weights."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from hepdensity.models.base import DensityModel
from hepdensity.training.settings import TrainingSettings


class Factor:
    """A factor of a model: Adam with plateau decay, and the weights of its best validation.

    Attributes:
        best_loss: lowest validation loss so far [nats].
        best_step: step of that validation.
        best: tensors of that validation by their names in the model.
    """

    def __init__(
        self,
        model: DensityModel,
        parameters: list[nn.Parameter],
        names: list[str],
        settings: TrainingSettings,
    ) -> None:
        """Begin with the weights that the model has.

        Args:
            model: the whole model.
            parameters: those of the factor.
            names: of the factor's parameters and buffers in the state of the model.
            settings: settings of the training.
        """
        self._model, self._names = model, names
        self._optimizer = torch.optim.Adam(parameters, lr=settings.learning_rate, fused=True)
        self._scheduler = ReduceLROnPlateau(
            self._optimizer,
            factor=settings.decay_factor,
            patience=settings.decay_patience,
            threshold=settings.decay_threshold,
            threshold_mode=settings.threshold_mode,
            eps=0,
        )
        self.best_loss, self.best_step = math.inf, 0
        self.best = self._weights()

    @property
    def rate(self) -> float:
        """Learning rate."""
        return float(self._optimizer.param_groups[0]["lr"])

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Change the weights by the gradients."""
        self._optimizer.step()

    def validated(self, loss: float, step: int) -> None:
        """Decay the learning rate on a plateau; keep the weights if they are the best so far."""
        self._scheduler.step(loss)
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.best = loss, step, self._weights()

    def _weights(self) -> dict[str, Tensor]:
        state = self._model.state_dict()
        return {name: state[name].detach().clone() for name in self._names}

    def moments(self) -> dict[str, Tensor]:
        """Moments of the optimiser, for a checkpoint."""
        return {
            f"{i}.{name}": value
            for i, values in self._optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }

    def state(self) -> dict[str, Any]:
        """Numbers for a checkpoint."""
        numbers = {"best_loss": self.best_loss, "best_step": self.best_step, "rate": self.rate}
        return {**numbers, "scheduler": self._scheduler.state_dict()}

    def restore(
        self, state: dict[str, Any], moments: dict[str, Tensor], best: dict[str, Tensor]
    ) -> None:
        """Take up what ``state``, ``moments`` and ``best`` gave."""
        values: dict[int, dict[str, Tensor]] = {}
        for key, value in moments.items():
            index, name = key.split(".", 1)
            values.setdefault(int(index), {})[name] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": values})
        self._optimizer.param_groups[0]["lr"] = state["rate"]
        self._scheduler.load_state_dict(state["scheduler"])
        self.best_loss, self.best_step = state["best_loss"], state["best_step"]
        self.best = {name: best[name].to(self.best[name].device) for name in self._names}


def factors_of(model: DensityModel, settings: TrainingSettings) -> list[Factor]:
    """Factors of a model; what belongs to none, such as counts, goes with the first.

    Raises:
        ValueError: if the factors share a parameter, or one belongs to none.
    """
    groups = model.factors()
    owned = [[p for module in group for p in module.parameters()] for group in groups]
    counted = [id(p) for parameters in owned for p in parameters]
    if sorted(counted) != sorted(id(p) for p in model.parameters()):
        raise ValueError("each parameter must belong to one of the model's factors")
    prefixes = [
        tuple(f"{name}." if name else "" for name, m in model.named_modules() if m in group)
        for group in groups
    ]
    names: list[list[str]] = [[] for _ in groups]
    for key in model.state_dict():
        found = (i for i, prefix in enumerate(prefixes) if key.startswith(prefix))
        names[next(found, 0)].append(key)
    return [Factor(model, *parts, settings) for parts in zip(owned, names, strict=True)]
