"""Read inputs files (``hepdensity.studies.gluino.preprocessing.angles`` writes them)."""

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
        source: where the events come from, see ``hepdensity.physics.events.SOURCES``.
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
        return _read(file, path, part, "angles", count)


def read_labels(
    path: str | Path, part: str, count: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read helicities and colour orders.

    Args:
        path: inputs file.
        part: one of ``PARTS``.
        count: number of events wanted, the first ones; all if None.

    Returns:
        Helicities and sequences of legs in the colour trace, int8, shape ``(count, 6)`` each.

    Raises:
        ValueError: if there are fewer events, or they have no labels.
    """
    with h5py.File(path, "r") as file:
        missing = [name for name in ("helicities", "colour_order") if name not in file[part]]
        if missing:
            raise ValueError(
                f"{path}: {part} events without {' and '.join(missing)}; leave models of labels out"
                " (grid.labels.models: []) or provide events with these labels"
            )
        helicities = _read(file, path, part, "helicities", count)
        return helicities, _read(file, path, part, "colour_order", count)


def read_four_per_two(path: str | Path) -> int:
    """Number of four-gluino events for each of two gluinos in a mixed inputs file.

    Raises:
        ValueError: if it is none.
    """
    with h5py.File(path, "r") as file:
        if "four_per_two" not in file.attrs:
            raise ValueError(f"{path}: not mixed events; prepare_multiplicity writes such a file")
        return int(file.attrs["four_per_two"])


def _read(file: h5py.File, path: str | Path, part: str, name: str, count: int | None) -> np.ndarray:
    values: np.ndarray = file[part][name][:count]
    if count is not None and len(values) < count:
        raise ValueError(
            f"{path}: {len(values)} {part} events, but {count} are asked for;"
            " lower grid.*.n_train or provide more events"
        )
    return values


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
