"""Trainings with all that is known of them, as tables show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepdensity.evaluation.scores import Scores, read_scores
from hepdensity.files import read_json
from hepdensity.physics.events import SampleYield
from hepdensity.studies.gluino.evaluation.samples import sample_yield

TRAINING = ("steps", "ended_by", "train_seconds", "parameters")
"""Columns from the summary of a training."""


@dataclass(frozen=True)
class EvaluatedRun:
    """One training with its scores and the yield of its samples.

    Attributes:
        run: what the configuration says: model, n_train, seed; and of models of labels or of
            several multiplicities treatment, permutation, family.
        scores: log-densities of the test events.
        summary: what ``train_model`` wrote about the training.
        samples: what became of the samples, one entry for each file of samples.
    """

    run: Mapping[str, Any]
    scores: Scores
    summary: Mapping[str, Any]
    samples: tuple[SampleYield, ...]

    def named(self, *columns: str) -> dict[str, Any]:
        """Columns that name the training."""
        return {column: self.run[column] for column in columns}

    def training(self) -> dict[str, Any]:
        """Columns about the training itself."""
        return {column: self.summary[column] for column in TRAINING}


def objective_name(objective: str | Sequence[float] | None) -> str | None:
    """How tables write the objective of a model of several multiplicities.

    Args:
        objective: its name, a preference vector, or None for a model without.
    """
    if objective is None or isinstance(objective, str):
        return objective
    return ", ".join(f"{weight:g}" for weight in objective)


def read_run(
    run: Mapping[str, Any], scores: str | Path, summary: str | Path, *samples: str | Path
) -> EvaluatedRun:
    """Read what is known of a training from its files."""
    yields = tuple(sample_yield(path) for path in samples)
    return EvaluatedRun(run, read_scores(scores), read_json(summary), yields)
