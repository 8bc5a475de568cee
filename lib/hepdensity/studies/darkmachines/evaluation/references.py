"""Reference scores on the same events, which give the scale of figure 14.

- `met`, `ht`, `meff`: plain cuts. Meff is MET plus the pT of all objects.
- `deep-svdd` and `isolation-forest`: trained on background of the group `train`.
- `supervised`: for each signal, a classifier that knows it: the ceiling. Events of the signal and
  of the test background are divided into folds, and each is scored by the classifier that was not
  trained on its fold. Background for training comes from `train` and `validation` only.
- `other-signals`: for each signal, a classifier of background against all signals of other
  families.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hepdensity.evaluation.scores import read_scores

CUTS = ("met", "ht", "meff")
DEEP_SVDD, FOREST = "deep-svdd", "isolation-forest"
SUPERVISED, OTHER_SIGNALS = "supervised", "other-signals"

FIXED = (*CUTS, DEEP_SVDD, FOREST)
"""References whose score is the same for every signal."""

FOR_A_SIGNAL = (SUPERVISED, OTHER_SIGNALS)
"""References with a score for each signal."""

LEAST_SIGNAL = 1000
"""Number of signal events from which the supervised classifier counts as a ceiling."""

BACKGROUND, UNLABELLED = "test", "unlabelled"

SEPARATOR = "@"
"""What stands between the name of a reference and those of groups."""


@dataclass(frozen=True)
class References:
    """Reference scores of the events of a channel, high = anomalous.

    Attributes:
        scores: One array per reference and group, of shape (n,), named `<reference>@<group>`;
            test background scored for one signal is `<reference>@test@<signal>`.
        n_train: Reference -> number of background events that it was trained on, 0 for cuts.
        seed: Seed of all of them.
    """

    scores: Mapping[str, np.ndarray]
    n_train: Mapping[str, int]
    seed: int

    def of(self, reference: str, group: str) -> np.ndarray:
        """Scores of a signal, or of another group."""
        return self.scores[group_name(reference, group)]

    def background(self, reference: str, signal: str) -> np.ndarray:
        """Scores of the test background to compare with a signal."""
        if reference in FIXED:
            return self.of(reference, BACKGROUND)
        return self.scores[group_name(reference, BACKGROUND, signal)]

    def has(self, reference: str, group: str) -> bool:
        """Whether a group has scores."""
        return group_name(reference, group) in self.scores

    def names(self) -> list[str]:
        """References that have scores."""
        scored = {name.partition(SEPARATOR)[0] for name in self.scores}
        return [name for name in (*FIXED, *FOR_A_SIGNAL) if name in scored]


def read_references(path: str | Path) -> References:
    """Read what `reference_scores.reference_scores` returned and `write_scores` wrote."""
    scores = read_scores(path)
    prefix = f"n_train{SEPARATOR}"
    n_train = {
        name.removeprefix(prefix): int(value)
        for name, value in scores.attributes.items()
        if name.startswith(prefix)
    }
    return References(scores.arrays, n_train, int(scores.attributes["seed"]))


def group_name(*parts: str) -> str:
    """Name of an array of scores: a reference, and the groups that it belongs to."""
    return SEPARATOR.join(parts)
