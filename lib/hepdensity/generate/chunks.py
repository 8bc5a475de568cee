"""What the chunks of a simulated sample tell about the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def combined(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers of a sample from those of its chunks.

    The cross-section is that of all events that were tried, because chunks stop after a number of
    accepted ones.

    Args:
        summaries: What `simulate` returned, one or more.

    Returns:
        `cross_section` and `cross_section_error` [pb], and the sums of all counts.
    """
    counts = ("generated", "sum_weights", "vetoed", "failed", "events", "cpu_seconds")
    sums = {name: sum(summary[name] for summary in summaries) for name in counts}
    events = np.array([summary["generated"] for summary in summaries], dtype=np.float64)
    sections = np.array([summary["cross_section"] for summary in summaries])
    errors = np.array([summary["cross_section_error"] for summary in summaries])
    section = events.sum() / (events / sections).sum()
    error = section * np.sqrt(((events * errors / sections) ** 2).sum()) / events.sum()
    return {**sums, "cross_section": float(section), "cross_section_error": float(error)}
