"""Read inputs files (``hepdensity.preprocessing.gluino`` writes them)."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

PARTS = ("test", "validation", "train")
PARTICLES = 4
"""Exchangeable gluinos of an event, each with two angle variables."""


@dataclass(frozen=True)
class Header:
    """What all events of an inputs file share.

    Attributes:
        sqrt_s: centre-of-mass energy [GeV].
        mass: gluino mass [GeV].
        source: where the events come from, see ``hepdensity.events.SOURCES``.
    """

    sqrt_s: float
    mass: float
    source: str


def read_header(path: str | Path) -> Header:
    """Read what all events of an inputs file share."""
    with h5py.File(path, "r") as file:
        attributes = file.attrs
        return Header(
            float(attributes["sqrt_s"]), float(attributes["mass"]), str(attributes["source"])
        )


def read_angles(path: str | Path, part: str, count: int | None = None) -> np.ndarray:
    """Read angle variables.

    Args:
        path: inputs file.
        part: one of ``PARTS``.
        count: number of events wanted, the first ones; all if None.

    Returns:
        Angles in [0, 1], float64, shape ``(count, 8)``.

    Raises:
        ValueError: if there are fewer events.
    """
    with h5py.File(path, "r") as file:
        angles: np.ndarray = file[part]["angles"][:count]
    if count is not None and len(angles) < count:
        raise ValueError(
            f"{path}: {len(angles)} {part} events, but {count} are asked for;"
            " lower grid.n_train or provide more events"
        )
    return angles


def read_couplings(path: str | Path, part: str | None = None) -> np.ndarray:
    """Read alpha_s of each event.

    Args:
        path: inputs file.
        part: one of ``PARTS``; all of them, one after the other, if None.

    Returns:
        Couplings, shape ``(n,)``.

    Raises:
        ValueError: if the events have no alpha_s.
    """
    with h5py.File(path, "r") as file:
        groups = [file[name] for name in (PARTS if part is None else (part,))]
        if any("alpha_s" not in group for group in groups):
            raise ValueError(f"{path}: events without alpha_s have no known true density")
        return np.concatenate([group["alpha_s"][:] for group in groups])
