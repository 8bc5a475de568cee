"""Settings of a training, with the defaults of Verheyen 2022 (arXiv:2205.01697), table 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training; the schema of the configuration checks their ranges.

    Attributes:
        batch_size: events per step.
        learning_rate: initial learning rate, or the highest one with a warm-up.
        validation_interval: steps between two validations.
        decay_factor: factor that multiplies the learning rate at a plateau.
        decay_patience: validations without improvement before a decay.
        decay_threshold: smallest decrease of the loss that counts as improvement.
        threshold_mode: "abs" for a threshold in nats; "rel" (as in the paper's code) for one
            relative to the best loss, with which negative losses never count as a plateau.
        stop_factor: with the schedule "plateau", training ends below this fraction of the initial
            learning rate.
        max_validations: training ends after this many validations, or None.
        max_steps: training ends after this many steps, or None.
        max_seconds: training ends after this much time [s], or None.
        checkpoint_seconds: time between two checkpoints [s].
        device: "auto", "cpu" or "cuda".
        optimiser: "adam", "adamw" or "adamax".
        betas: decay per step of the optimiser's first moment and of its second (of the infinity
            norm for Adamax).
        weight_decay: at each step, "adamw" shrinks all parameters by this number times the learning
            rate; the others add this number times the parameters to the gradient.
        schedule: "plateau" decays the learning rate when the validation loss stops improving;
            "cosine" lowers it along half a cosine; "constant" keeps it constant.
        warmup_steps: steps over which the schedules "cosine" and "constant" raise the learning rate
            linearly.
        schedule_steps: steps until a cosine ends, including the warm-up; None for ``max_steps``.
            Afterwards, the learning rate is constant.
        final_factor: fraction of ``learning_rate`` at which a cosine ends.
        clip_norm: largest norm of the gradient of each factor of a model, or None for no limit.
        ema_decay: decay per step of a moving average of the weights, or None for no average. The
            average is validated, selected and kept instead of the weights.
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
    optimiser: Literal["adam", "adamw", "adamax"] = "adam"
    betas: Sequence[float] = (0.9, 0.999)
    weight_decay: float = 0.0
    schedule: Literal["plateau", "cosine", "constant"] = "plateau"
    warmup_steps: int = 0
    schedule_steps: int | None = None
    final_factor: float = 0.0
    clip_norm: float | None = None
    ema_decay: float | None = None

    def __post_init__(self) -> None:
        """Reject settings that contradict each other.

        Raises:
            ValueError: if two settings contradict each other; names the keys.
        """
        limits = (self.max_steps, self.max_validations, self.max_seconds)
        if self.schedule == "plateau":
            if self.warmup_steps:
                raise ValueError(
                    "training.warmup_steps needs training.schedule 'cosine' or 'constant', not"
                    " 'plateau'"
                )
        elif limits == (None, None, None):
            raise ValueError(
                f"training.schedule '{self.schedule}' never ends a training; set"
                " training.max_steps, training.max_validations or training.max_seconds"
            )
        if self.schedule == "cosine":
            if self.cosine_steps is None:
                raise ValueError(
                    "training.schedule 'cosine' needs a length; set training.schedule_steps or"
                    " training.max_steps"
                )
            if self.cosine_steps <= self.warmup_steps:
                raise ValueError(
                    f"training.warmup_steps ({self.warmup_steps}) must be less than the length of"
                    f" the cosine, training.schedule_steps or max_steps ({self.cosine_steps})"
                )

    @classmethod
    def from_config(cls, block: Mapping[str, Any]) -> Self:
        """Read the ``training`` block of the configuration.

        Raises:
            TypeError: for a missing or unknown key.
            ValueError: for keys that contradict each other.
        """
        return cls(**block)

    @property
    def cosine_steps(self) -> int | None:
        """Steps until a cosine ends, including the warm-up."""
        return self.max_steps if self.schedule_steps is None else self.schedule_steps

    def cosine_ended(self, steps: int) -> bool:
        """Whether the schedule is a cosine that has ended after this number of steps."""
        length = self.cosine_steps
        return self.schedule == "cosine" and length is not None and steps >= length

    @property
    def expected_steps(self) -> int | None:
        """Largest number of steps that the limits on steps and validations allow."""
        limits = [] if self.max_steps is None else [self.max_steps]
        if self.max_validations is not None:
            limits.append(self.max_validations * self.validation_interval)
        return min(limits, default=None)
