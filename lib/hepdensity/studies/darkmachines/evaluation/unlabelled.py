"""Anomaly scores of unlabelled events, such as the secret data of the challenge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hepdensity.evaluation.tail_scores import BackgroundTail
from hepdensity.models.inputs import read_array
from hepdensity.studies.darkmachines.evaluation.objects import read_optional
from hepdensity.studies.darkmachines.evaluation.references import UNLABELLED
from hepdensity.studies.darkmachines.evaluation.scored import VALIDATION, WEIGHT, anomaly_score


def unlabelled_scores(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of a table of the scores of one training: one per unlabelled event.

    `event_id` is the number of the event in its source, `anomaly_score` is -log p [nats], high =
    anomalous, and `background_tail` the fraction of background with at least this score, from
    validation events and exponential beyond the top 1 %.

    Args:
        files: `scores` of the training and `inputs`.
        settings: Not used.

    Raises:
        ValueError: If the inputs file has no unlabelled events, or a score is NaN.
    """
    numbers = read_array(files["inputs"], UNLABELLED, "event_id")
    scores, background = (
        anomaly_score(files["scores"], group) for group in (UNLABELLED, VALIDATION)
    )
    weights = read_optional(files["inputs"], VALIDATION, WEIGHT)
    tail = BackgroundTail.fit(background, None if weights is None else weights[: len(background)])
    probabilities = np.exp(-tail(scores))
    columns = (numbers.tolist(), scores.tolist(), probabilities.tolist())
    return [
        {"event_id": number, "anomaly_score": score, "background_tail": probability}
        for number, score, probability in zip(*columns, strict=True)
    ]
