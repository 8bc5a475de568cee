"""The walltime of a job: when it must save what it has, and ask to be submitted again.

A scheduler kills a job at the end of its walltime. A job that stops a little earlier saves its
unfinished work outside its outputs, which Snakemake deletes, and exits with the status `AGAIN`. The
`retries` of a cluster profile then submit it again, and it continues where it stopped.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NoReturn

AGAIN = 75
"""Exit status of a job that is to be submitted again (EX_TEMPFAIL of sysexits.h)."""

MARGIN = 180.0
"""Time before the end of the walltime at which a job stops, if its profile sets none [s].

It covers the start of Python and Snakemake in the job, work between two checks, and saving.
"""

logger = logging.getLogger(__name__)


class Walltime:
    """Tells a job when it must stop: near the end of its walltime, or after a SIGTERM."""

    def __init__(self, seconds: float | None = None) -> None:
        """Begin to count.

        Args:
            seconds: time from now after which the job must stop [s]; None for no limit.
        """
        self._end = None if seconds is None else time.monotonic() + seconds
        self._terminated = False

    @property
    def over(self) -> bool:
        """Whether the job must stop now."""
        return self._terminated or (self._end is not None and time.monotonic() >= self._end)

    def end_job(self, message: str) -> NoReturn:
        """End the job with the status `AGAIN`.

        Args:
            message: what was saved, or what can be done about it.
        """
        reason = "it was told to end" if self._terminated else "its walltime is nearly over"
        logger.warning("the job ends, because %s: %s", reason, message)
        raise SystemExit(AGAIN)

    def checked(self, advance: Callable[..., None], message: str) -> Callable[..., None]:
        """A function that reports progress and ends the job if it must stop.

        Args:
            advance: reports progress (see `hepdensity.logs.progress`).
            message: see `end_job`.
        """

        def checking(*steps: Any, **info: Any) -> None:
            advance(*steps, **info)
            if self.over:
                self.end_job(message)

        return checking

    def heed_sigterm(self) -> None:
        """Stop as soon as possible, but not at once, after a SIGTERM."""
        signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._terminated = True


def walltime_of(resources: Mapping[str, Any]) -> Walltime:
    """Walltime of the job that calls this, which from now on heeds SIGTERM.

    Args:
        resources: resources of the job: `runtime` [min] and `margin` [s], both optional. Without
            `runtime` there is no limit.

    Raises:
        ValueError: if the margin leaves no time.
    """
    runtime, margin = resources.get("runtime"), float(resources.get("margin", MARGIN))
    seconds = None if runtime is None else 60 * float(runtime) - margin
    if seconds is not None and seconds <= 0:
        raise ValueError(
            f"a runtime of {runtime} min leaves no time before the margin of {margin:g} s; raise"
            " runtime, or lower the resource margin in the profile"
        )
    walltime = Walltime(seconds)
    walltime.heed_sigterm()
    return walltime
