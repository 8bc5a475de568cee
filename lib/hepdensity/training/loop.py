"""The training loop, the same for every ``Trainable``.

Training follows Verheyen 2022 (arXiv:2205.01697), section 3.2 and table 1, but counts steps instead
of epochs. The events are kept on the device, and batches are selected by index. Every validation
uses the same noise; otherwise, model selection would pick the luckiest of thousands of noisy
validations.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from hepdensity import checkpoint
from hepdensity.logs import Advance
from hepdensity.models.base import Trainable
from hepdensity.training.device import choose_device
from hepdensity.training.factors import averaged, factors_of
from hepdensity.training.seeding import stream
from hepdensity.training.settings import TrainingSettings
from hepdensity.walltime import Walltime

_VALIDATION_CHUNK = 10_000
_HISTORY = ("step", "learning_rate", "training_loss", "validation_loss", "seconds")

logger = logging.getLogger(__name__)

Report = Callable[[dict[str, float]], None]


@dataclass
class TrainingResult:
    """Result of a training; the best weights are in the model itself.

    Attributes:
        history: one row per validation: step, learning_rate, training_loss (mean since the previous
            validation) and validation_loss [nats], seconds.
        ended_by: "learning rate", "validations", "schedule" (the end of a cosine), "steps" or
            "seconds".
        steps: optimiser steps taken.
        seconds: training time, summed over all restarts [s].
        best_steps: step of the best validation of each factor of the model.
        best_loss: sum over the factors of the loss of the best validation [nats].
        device: device of the training.
    """

    history: list[dict[str, float]]
    ended_by: str
    steps: int
    seconds: float
    best_steps: list[int]
    best_loss: float
    device: str

    def summary(self) -> dict[str, Any]:
        """Everything except the history, for ``training.json``."""
        return {
            "ended_by": self.ended_by,
            "steps": self.steps,
            "train_seconds": self.seconds,
            "best_steps": self.best_steps,
            "best_validation_loss": self.best_loss,
            "device": self.device,
        }


def follow(advance: Advance) -> Report:
    """Report progress from rows of the history; this also works after a restart."""
    done = 0

    def report(row: dict[str, float]) -> None:
        nonlocal done
        advance(int(row["step"]) - done, **row)
        done = int(row["step"])

    return report


def train(
    model: Trainable,
    training: Tensor,
    validation: Tensor,
    settings: TrainingSettings,
    seed: int,
    checkpoint_path: Path,
    fingerprint: str,
    report: Report | None = None,
    walltime: Walltime | None = None,
) -> TrainingResult:
    """Train a model in place and leave the weights of the best validation in it.

    Args:
        model: model with its initial weights.
        training: training events, shape ``(n, d)``, in the precision used for training.
        validation: validation events, shape ``(m, d)``.
        settings: settings of the training.
        seed: seed of the batches and of the model's noise.
        checkpoint_path: file to which the training is saved, and from which it is resumed.
        fingerprint: identifies this training among checkpoints.
        report: called with each row of the history.
        walltime: when the job must stop; the training is then saved, and the next job resumes it.

    Raises:
        FloatingPointError: if the loss becomes infinite or NaN.
        SystemExit: if the job must stop, with a status that asks for another one.
    """
    walltime = walltime or Walltime()
    device = choose_device(settings.device)
    run = _Run(model.to(device), training.to(device), validation.to(device), settings, seed)
    saved = checkpoint.load(checkpoint_path, fingerprint)
    if saved is not None:
        run.restore(saved)
        logger.info("resuming at step %d", run.step)
    last_saved = time.monotonic()
    while run.ended_by is None:
        row = run.advance()
        if report is not None:
            report(row)
        over = walltime.over and run.ended_by is None
        if over or time.monotonic() - last_saved > settings.checkpoint_seconds:
            checkpoint.save(checkpoint_path, *run.snapshot(fingerprint))
            last_saved = time.monotonic()
        if over:
            walltime.end_job(f"the training is saved at step {run.step}")
    model.load_state_dict(run.best())
    assert run.ended_by is not None
    return TrainingResult(
        history=run.history,
        ended_by=run.ended_by,
        steps=run.step,
        seconds=run.seconds,
        best_steps=[factor.best_step for factor in run.factors],
        best_loss=sum(factor.best_loss for factor in run.factors),
        device=str(device),
    )


@dataclass
class _Run:
    """A training in progress; ``advance`` goes from one validation to the next."""

    model: Trainable
    training: Tensor
    validation: Tensor
    settings: TrainingSettings
    seed: int
    step: int = 0
    position: int = 0
    seconds: float = 0.0
    ended_by: str | None = None
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        device = self.training.device
        self.batches = stream(self.seed, "batches", device)
        self.noise = stream(self.seed, "noise", device)
        self.order = self._new_order()
        self.factors = factors_of(self.model, self.settings)

    def advance(self) -> dict[str, float]:
        """Train up to the next validation, validate, update the schedules, apply the stop rules."""
        start = time.perf_counter()
        self.model.train()
        losses = [self._train_step() for _ in range(self._steps_to_validation())]
        training_loss = torch.stack(losses).mean().item()
        with averaged(self.factors):
            validation_loss = self._validate_and_keep(training_loss)
        self.seconds += time.perf_counter() - start
        values = (self.step, self._rate(), training_loss, validation_loss, self.seconds)
        self.history.append(dict(zip(_HISTORY, values, strict=True)))
        self.ended_by = self._stop_rule()
        return self.history[-1]

    def _validate_and_keep(self, training_loss: float) -> float:
        """Validation loss of the current weights, which are stored if they are the best so far."""
        losses = self._validate()
        validation_loss = sum(losses)
        if not (math.isfinite(training_loss) and math.isfinite(validation_loss)):
            raise FloatingPointError(
                f"the training diverged before step {self.step}: training loss {training_loss}, "
                f"validation loss {validation_loss}; lower training.learning_rate"
            )
        for factor, loss in zip(self.factors, losses, strict=True):
            factor.validated(loss, self.step)
        return validation_loss

    def _rate(self) -> float:
        return max(factor.rate for factor in self.factors)

    def _steps_to_validation(self) -> int:
        left = math.inf if self.settings.max_steps is None else self.settings.max_steps - self.step
        return int(min(self.settings.validation_interval, left))

    def _new_order(self) -> Tensor:
        n, device = len(self.training), self.training.device
        return torch.randperm(n, generator=self.batches, device=device)

    def _next_batch(self) -> Tensor:
        if self.position >= len(self.order):
            self.order, self.position = self._new_order(), 0
        chosen = self.order[self.position : self.position + self.settings.batch_size]
        self.position += len(chosen)
        return self.training[chosen]

    def _train_step(self) -> Tensor:
        for factor in self.factors:
            factor.zero_grad()
        loss = self.model.factor_losses(self._next_batch(), self.noise).sum()
        loss.backward()
        self.step += 1
        for factor in self.factors:
            factor.step(self.step)
        return loss.detach()

    @torch.no_grad()
    def _validate(self) -> list[float]:
        """Validation loss of each factor."""
        self.model.eval()
        noise = stream(self.seed, "validation", self.validation.device)
        totals = [0.0] * len(self.factors)
        for chunk in self.validation.split(_VALIDATION_CHUNK):
            for i, loss in enumerate(self.model.factor_losses(chunk, noise).tolist()):
                totals[i] += loss * len(chunk)
        return [total / len(self.validation) for total in totals]

    def best(self) -> dict[str, Tensor]:
        """Weights of the best validation of each factor."""
        return {name: value for factor in self.factors for name, value in factor.best.items()}

    def _stop_rule(self) -> str | None:
        s = self.settings
        # Allow for rounding, because the rate is a product of decay factors.
        decayed = self._rate() < s.stop_factor * s.learning_rate * (1 + 1e-9)
        if s.schedule == "plateau" and decayed:
            return "learning rate"
        if s.max_validations is not None and len(self.history) >= s.max_validations:
            return "validations"
        if s.max_steps is not None and self.step >= s.max_steps:
            return "schedule" if s.cosine_ended(self.step) else "steps"
        if s.max_seconds is not None and self.seconds >= s.max_seconds:
            return "seconds"
        return None

    def snapshot(self, fingerprint: str) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """Tensors and state for a checkpoint."""
        streams = {"batches": self.batches.get_state(), "noise": self.noise.get_state()}
        rows = torch.tensor([list(row.values()) for row in self.history], dtype=torch.float64)
        groups = {
            "model": dict(self.model.state_dict()),
            "best": self.best(),
            "streams": streams,
            "data": {"order": self.order, "history": rows},
        }
        groups |= {f"factor{i}": factor.tensors() for i, factor in enumerate(self.factors)}
        state = {name: getattr(self, name) for name in _SCALARS}
        state |= {"fingerprint": fingerprint}
        state |= {"factors": [factor.state() for factor in self.factors]}
        return groups, state

    def restore(self, saved: checkpoint.Checkpoint) -> None:
        """Restore the state of a checkpoint."""
        self.model.load_state_dict(saved.group("model"))
        best = saved.group("best")
        for i, (factor, state) in enumerate(zip(self.factors, saved.state["factors"], strict=True)):
            factor.restore(state, saved.group(f"factor{i}"), best)
        _restore_stream(self.batches, saved.tensors["streams.batches"])
        _restore_stream(self.noise, saved.tensors["streams.noise"])
        self.order = saved.tensors["data.order"].to(self.training.device)
        rows = saved.tensors["data.history"].tolist()
        self.history = [dict(zip(_HISTORY, row, strict=True)) for row in rows]
        for name in _SCALARS:
            setattr(self, name, saved.state[name])


_SCALARS = ("step", "position", "seconds", "ended_by")


def _restore_stream(generator: Generator, state: Tensor) -> None:
    generator.set_state(state.cpu())
