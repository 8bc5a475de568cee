"""Trainings with their scores and summaries, as tables show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepdensity.evaluation.scores import MS_PER_EVENT, Scores, read_scores
from hepdensity.files import read_json

TRAINING = ("steps", "ended_by", "train_seconds", "parameters")
"""Columns taken from the summary of a training."""


@dataclass(frozen=True)
class EvaluatedRun:
    """One training with its scores.

    Attributes:
        run: What the configuration says about it (see `hepdensity.study.Study.run`).
        scores: Log-densities of the test events.
        summary: What `train_model` wrote about the training.
        samples: What the study knows about its samples, one entry per file of samples.
    """

    run: Mapping[str, Any]
    scores: Scores
    summary: Mapping[str, Any]
    samples: tuple[Any, ...] = ()

    def named(self, *columns: str) -> dict[str, Any]:
        """Columns that identify the training."""
        return {column: self.run[column] for column in columns}

    def exactness(self) -> dict[str, Any]:
        """Whether tight values are exact; if not, the number of draws behind the bounds."""
        attributes = self.scores.attributes
        exact = bool(attributes["exact"])
        return {"exact": exact, "draws": None if exact else int(attributes["draws"][-1])}

    @property
    def ms_per_event(self) -> float:
        """Time of a tight value [ms]."""
        return float(self.scores.attributes[MS_PER_EVENT])

    def training(self) -> dict[str, Any]:
        """Columns about the training itself."""
        return {column: self.summary[column] for column in TRAINING}


def read_runs(
    runs: Sequence[Mapping[str, Any]],
    scores: Sequence[str | Path],
    summaries: Sequence[str | Path],
    *samples: Sequence[Any],
    group: str | None = None,
) -> list[EvaluatedRun]:
    """Read the scores and summaries of trainings.

    Args:
        runs: The trainings.
        scores: Score file of each.
        summaries: Summary of each.
        samples: For each file of samples of a training, what the study knows about it.
        group: Group of events to read, if score files hold several.
    """
    columns = zip(runs, scores, summaries, *samples, strict=True)
    return [
        EvaluatedRun(run, read_scores(score, group), read_json(summary), tuple(known))
        for run, score, summary, *known in columns
    ]


def read_truth(files: Mapping[str, Any]) -> Scores | None:
    """True log-densities among the inputs of a rule, or None if it has none.

    Args:
        files: Inputs of a rule by name.
    """
    return read_scores(files["truth"]) if "truth" in files else None


def objective_name(objective: str | Sequence[float] | None) -> str | None:
    """How tables write the objective of a model.

    Args:
        objective: Its name, the weights of its terms, or None for a model without one.
    """
    if objective is None or isinstance(objective, str):
        return objective
    return ", ".join(f"{weight:g}" for weight in objective)
