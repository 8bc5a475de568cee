"""Values of many events, chunk by chunk, which an interrupted job continues."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Generator, Tensor

from hepdensity import checkpoint
from hepdensity.walltime import Walltime

SIZE = {"cpu": 1_000, "cuda": 20_000}
"""Events per chunk; a model with thousands of categories keeps an array over all of them."""

Arrays = Mapping[str, Tensor]


@dataclass
class Unfinished:
    """A file with the chunks that are done, beside the outputs of a job.

    Attributes:
        path: the file.
        identity: identifies the work; chunks of other work are not used.
        walltime: when the job must stop.
        seconds: time between two saves [s].
    """

    path: Path
    identity: str
    walltime: Walltime
    seconds: float = 300.0
    _last: float = field(default_factory=time.monotonic)

    def load(self) -> checkpoint.Checkpoint | None:
        """What was saved of this work, or None."""
        return checkpoint.load(self.path, self.identity)

    def offer(self, save: Callable[[], None]) -> None:
        """Save if it is time to, and end the job if it must stop.

        Args:
            save: writes the file.
        """
        over = self.walltime.over
        if over or time.monotonic() - self._last >= self.seconds:
            save()
            self._last = time.monotonic()
        if over:
            self.walltime.end_job(f"what is done is in {self.path}")


class Chunks:
    """Computes named sets of arrays in chunks of events, each with random numbers in sequence.

    If the job is interrupted, the next one begins at the first chunk that is missing, with the
    random numbers that follow the chunks before, so that the values are the same.
    """

    def __init__(self, generator: Generator, unfinished: Unfinished | None = None) -> None:
        """Read what is done.

        Args:
            generator: source of the random numbers that the values need.
            unfinished: file for the chunks that are done; None to keep them in memory only.
        """
        self._generator, self._unfinished = generator, unfinished
        self._parts: dict[str, dict[str, list[Tensor]]] = {}
        self._events: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        saved = None if unfinished is None else unfinished.load()
        if saved is not None:
            self._events, self.seconds = saved.state["events"], saved.state["seconds"]
            for name in self._events:
                arrays = saved.group(f"done.{name}")
                self._parts[name] = {key: [value] for key, value in arrays.items()}
            generator.set_state(saved.tensors["generator.state"].cpu())

    def values(
        self,
        name: str,
        events: Tensor,
        compute: Callable[[Tensor], Arrays],
        advance: Callable[[int], object],
    ) -> dict[str, Tensor]:
        """Arrays of all events, float64 on the CPU; their last axis runs over events.

        Args:
            name: name of this set of arrays.
            events: shape ``(n, d)``.
            compute: arrays of a chunk of events by name.
            advance: called with the number of events after each chunk, also with those that were
                done before.
        """
        parts = self._parts.setdefault(name, {})
        before = self._events.setdefault(name, 0)
        self.seconds.setdefault(name, 0.0)
        if before:
            advance(before)
        for chunk in events[before:].split(SIZE[events.device.type]):
            self._compute(name, chunk, compute)
            advance(len(chunk))
            if self._unfinished is not None:
                self._unfinished.offer(self.save)
        return {key: torch.cat(values, dim=-1) for key, values in parts.items()}

    def _compute(self, name: str, chunk: Tensor, compute: Callable[[Tensor], Arrays]) -> None:
        if not len(chunk) and self._parts[name]:
            return  # All events were done before.
        start = time.perf_counter()
        with torch.no_grad():
            found = compute(chunk)
        for key, value in found.items():
            self._parts[name].setdefault(key, []).append(value.double().cpu())
        self.seconds[name] += time.perf_counter() - start
        self._events[name] += len(chunk)

    def save(self) -> None:
        """Write what is done, if there is a file for it."""
        if self._unfinished is None:
            return
        groups = {
            f"done.{name}": {key: torch.cat(values, dim=-1) for key, values in parts.items()}
            for name, parts in self._parts.items()
        }
        groups["generator"] = {"state": self._generator.get_state()}
        state = {
            **{"fingerprint": self._unfinished.identity},
            **{"events": self._events, "seconds": self.seconds},
        }
        checkpoint.save(self._unfinished.path, groups, state)
