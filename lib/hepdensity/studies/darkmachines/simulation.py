"""Simulation of the samples of this study, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.compilation import without_extensions
from hepdensity.generate.simulation import Chunk, simulate
from hepdensity.physics.detector.card import ATLAS
from hepdensity.physics.detector.objects import objects_of
from hepdensity.physics.detector.reconstruction import Reconstruction
from hepdensity.studies.darkmachines.channels import channels_of
from hepdensity.studies.darkmachines.processes import BACKGROUNDS, Background
from hepdensity.studies.darkmachines.signals import SIGNALS, Signal


def sample_of(name: str) -> Background | Signal:
    """A background or signal by name.

    Args:
        name: Name of a sample.

    Raises:
        ValueError: If there is no such sample.
    """
    samples: dict[str, Background | Signal] = {**BACKGROUNDS, **SIGNALS}
    if name not in samples:
        raise ValueError(f"there is no sample {name!r}; use {', '.join(samples)}")
    return samples[name]


class InChannels:
    """Chooses the events that are in any of some channels.

    Attributes:
        counts: Number of events so far in each channel.
    """

    def __init__(self, channels: Mapping[Any, Mapping[str, Any]]) -> None:
        """Set the channels.

        Args:
            channels: Cuts by name, besides the channels of the challenge.
        """
        self._channels = channels_of(channels)
        self.counts = dict.fromkeys(self._channels, 0)

    def __call__(self, found: Reconstruction) -> np.ndarray:
        """Which events are in a channel, bool, shape (n,).

        Args:
            found: The events.
        """
        events = objects_of(found, "")
        inside = np.zeros(len(events), dtype=bool)
        for name, channel in self._channels.items():
            passed = channel.passes(events)
            self.counts[name] += int(passed.sum())
            inside |= passed
        chosen: np.ndarray = np.isin(found.event_id, events.event_id[inside])
        return chosen


@without_extensions()
def simulate_sample(
    generation: Mapping[str, Any],
    path: str | Path,
    advance: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Simulate one chunk of a sample.

    Args:
        generation: `sample`, `chunk`, `events`, `seed`, `settings` (lines for Pythia that all
            samples share), `jet_radius`, `met_eta`, `everything` (whether to write events
            of no channel too), `eflow` (whether to write energy-flow candidates), and
            `channels` (cuts by name).
        path: ROOT file to write.
        advance: Called with the number of new events after every batch.

    Returns:
        Numbers for a JSON file (see `hepdensity.generate.simulation.simulate`), and the number of
        events in each channel.

    Raises:
        ValueError: If there is no such sample, or Pythia rejects the settings.
        DiskFull: If there is not enough space.
    """
    sample = sample_of(generation["sample"])
    shared: Sequence[str] = generation["settings"]
    chunk = Chunk(
        sample.name,
        [*sample.settings, *shared],
        generation["seed"],
        generation["chunk"],
        generation["events"],
        sample.slha if isinstance(sample, Signal) else None,
        sample.requirements,
        sample.activity if isinstance(sample, Background) else None,
    )
    chosen = InChannels(generation["channels"])

    def keep(found: Reconstruction) -> np.ndarray:
        inside = chosen(found)
        return np.ones_like(inside) if generation["everything"] else inside

    card = ATLAS.with_jet_radius(generation["jet_radius"]).with_met_eta(generation["met_eta"])
    summary = simulate(chunk, path, keep, card, generation["eflow"], advance=advance)
    return {**summary, "events_in": chosen.counts}
