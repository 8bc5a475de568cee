"""Events that a reader leaves out or shortens: counted, logged, and refused if they are many."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from hepdensity.ingest.validation import place_error

logger = logging.getLogger(__name__)

MOST_IRREGULAR = 0.05
"""Default for the largest fraction of irregular events in a file."""

NO_MET = "the missing transverse momentum is not positive"
WEIGHT = "the weight is not positive"


class IrregularEvents:
    """Counts irregular events of one file, or jets.

    Attributes:
        events: Number of events or jets seen.
        counts: Number of irregular ones by reason.
    """

    def __init__(self, path: str | Path, limit: float, what: str = "events") -> None:
        """Start without events.

        Args:
            path: The file.
            limit: Largest fraction of irregular events.
            what: What is counted, for messages.
        """
        self.events = 0
        self.counts: Counter[str] = Counter()
        self._path, self._limit, self._what = path, limit, what

    def conclude(self) -> None:
        """Log the counts, after the last event.

        Raises:
            ValueError: If the file has no events, or more irregular ones than allowed.
        """
        if self.events == 0:
            raise place_error(
                self._path, None, f"there are no {self._what}", f"give a file with {self._what}"
            )
        total = self.counts.total()
        if total == 0:
            return
        reasons = "; ".join(f"{reason}: {n}" for reason, n in sorted(self.counts.items()) if n)
        told = f"{total} of {self.events} {self._what} are left out or shortened ({reasons})"
        if total > self._limit * self.events:
            problem = f"{told}, more than the fraction {self._limit:g}"
            remedy = "check how the file was made, or allow a larger fraction (largest_skipped)"
            raise place_error(self._path, None, problem, remedy)
        logger.warning("%s: %s", self._path, told)
