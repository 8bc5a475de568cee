"""Channels: which events a search looks at, as cuts on MET, HT and numbers of objects.

The four channels are those of the Dark Machines challenge (Aarrestad et al. 2021, arXiv:2105.14027,
section 2.3). Where its documents disagree on MET in channel 3, >= is taken. Limits on MET, HT and
MET / HT are inclusive (>=), limits on the pT of objects are exclusive (>).

The pT of objects is stored in single precision, so HT is known to a relative 2^-24 only. An event
within this distance of a limit passes, or events exactly on a limit would be lost by rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from hepdensity.physics.objects import LABELS, ObjectEvents

_ROUNDING = 2.0**-24


@dataclass(frozen=True)
class Objects:
    """A smallest number of objects.

    Attributes:
        types: Labels of the types that count (see `hepdensity.physics.objects.LABELS`).
        pt: Transverse momentum above which they count [GeV].
        count: Smallest number of them.
    """

    types: tuple[str, ...]
    pt: float = 0.0
    count: int = 1

    def __post_init__(self) -> None:
        """Reject labels that do not exist."""
        if unknown := [label for label in self.types if label not in LABELS]:
            raise ValueError(f"{unknown[0]!r} is not a type of object; use {', '.join(LABELS)}")

    def passes(self, chunk: ObjectEvents) -> np.ndarray:
        """Whether events have enough such objects, bool, shape (n,).

        Args:
            chunk: The events.
        """
        counted = chunk.is_of([1 + LABELS.index(label) for label in self.types])
        enough: np.ndarray = (counted & (chunk.pt > self.pt)).sum(axis=1) >= self.count
        return enough


@dataclass(frozen=True)
class Channel:
    """Cuts of a channel.

    Attributes:
        met: Smallest missing transverse momentum [GeV].
        ht: Smallest HT, the scalar sum of the pT of all jets [GeV].
        met_over_ht: Smallest ratio of the two.
        objects: Numbers of objects that are all required.
    """

    met: float = 0.0
    ht: float = 0.0
    met_over_ht: float = 0.0
    objects: tuple[Objects, ...] = ()

    @classmethod
    def parse(cls, cuts: Mapping[str, Any]) -> Channel:
        """Make a channel from settings.

        Args:
            cuts: Values of the attributes; `objects` is a list of mappings with the attributes of
                `Objects`.

        Raises:
            ValueError: For a key or label that does not exist.

        Example:
            >>> cuts = {"met": 50, "objects": [{"types": ["e-", "e+"], "pt": 15, "count": 2}]}
            >>> Channel.parse(cuts).objects
            (Objects(types=('e-', 'e+'), pt=15, count=2),)
        """
        _check_keys(cuts, cls)
        objects = cuts.get("objects", ())
        for entry in objects:
            _check_keys(entry, Objects)
        counts = tuple(Objects(**{**entry, "types": tuple(entry["types"])}) for entry in objects)
        return cls(**{**cuts, "objects": counts})

    def passes(self, chunk: ObjectEvents) -> np.ndarray:
        """Whether events pass all cuts, bool, shape (n,).

        Args:
            chunk: The events.
        """
        ht = chunk.ht * (1 + _ROUNDING)
        # Not a division, because HT may be 0.
        ratio = chunk.met * (1 + _ROUNDING) >= self.met_over_ht * chunk.ht
        passed: np.ndarray = (chunk.met >= self.met) & (ht >= self.ht) & ratio
        for objects in self.objects:
            passed &= objects.passes(chunk)
        return passed


_JETS = ("j", "b")
_LEPTONS = ("e-", "e+", "m-", "m+")

CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        "1": Channel(200, 600, 0.2, (Objects(_JETS, 50, 4), Objects(_JETS, 200, 1))),
        "2a": Channel(met=50, objects=(Objects(_LEPTONS, 15, 3),)),
        "2b": Channel(met=50, ht=50, objects=(Objects(_LEPTONS, 15, 2),)),
        "3": Channel(met=100, ht=600),
    }
)
"""The channels of the challenge."""


def channels_of(settings: Mapping[Any, Mapping[str, Any]]) -> dict[str, Channel]:
    """The channels of the challenge and those of the user, who may replace some of the former.

    Args:
        settings: Cuts by name of the channel, as `Channel.parse` takes them.

    Raises:
        ValueError: For a key or label that does not exist; names the channel.
    """
    channels = dict(CHANNELS)
    for name, cuts in settings.items():
        try:
            channels[str(name)] = Channel.parse(cuts)
        except ValueError as error:
            raise ValueError(f"channel {name}: {error}") from error
    return channels


def select(
    chunk: ObjectEvents,
    channel: str,
    channels: Mapping[str, Channel | Mapping[str, Any]] = CHANNELS,
) -> np.ndarray:
    """Whether events are in a channel.

    Args:
        chunk: The events.
        channel: Name of the channel.
        channels: Channels by name, or their cuts as `Channel.parse` takes them.

    Returns:
        True for events in the channel, bool, shape (n,).

    Raises:
        ValueError: If there is no such channel or its cuts are not valid.
    """
    if channel not in channels:
        raise ValueError(f"there is no channel {channel!r}; use {', '.join(map(str, channels))}")
    cuts = channels[channel]
    return (cuts if isinstance(cuts, Channel) else Channel.parse(cuts)).passes(chunk)


def _check_keys(given: Mapping[str, Any], kind: type[Channel] | type[Objects]) -> None:
    known = [field.name for field in fields(kind)]
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ValueError(f"the cut {unknown[0]!r} does not exist; use {', '.join(known)}")
    if kind is Objects and "types" not in given:
        raise ValueError("a number of objects needs `types`")
