"""Settings of a training, table 1 of Verheyen 2022 (arXiv:2205.01697)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; ranges are checked by the configuration's schema.

    Attributes:
        batch_size: events per step.
        learning_rate: initial learning rate of Adam.
        validation_interval: steps between two validations.
        decay_factor: factor on the learning rate at a plateau.
        decay_patience: validations without improvement before a decay.
        decay_threshold: smallest decrease of the loss that counts as improvement.
        threshold_mode: "abs" for a threshold in nats; "rel" (as in the paper's code) is relative
            to the best loss and never fires where losses are negative.
        stop_factor: training ends below this fraction of the initial learning rate.
        max_validations: training ends after this many validations, or None.
        max_steps: training ends after this many steps, or None.
        max_seconds: training ends after this much time [s], or None.
        checkpoint_seconds: time between two checkpoints [s].
        device: "auto", "cpu" or "cuda".
    """

    batch_size: int
    learning_rate: float
    validation_interval: int
    decay_factor: float
    decay_patience: int
    decay_threshold: float
    threshold_mode: Literal["abs", "rel"]
    stop_factor: float
    max_validations: int | None
    max_steps: int | None
    max_seconds: float | None
    checkpoint_seconds: float
    device: str

    @classmethod
    def from_config(cls, block: Mapping[str, Any]) -> Self:
        """Read the ``training`` block of the configuration.

        Raises:
            TypeError: for a missing or unknown key.
        """
        return cls(**block)

    @property
    def expected_steps(self) -> int | None:
        """Steps after which a rule on steps or validations ends training at the latest."""
        limits = [] if self.max_steps is None else [self.max_steps]
        if self.max_validations is not None:
            limits.append(self.max_validations * self.validation_interval)
        return min(limits, default=None)
