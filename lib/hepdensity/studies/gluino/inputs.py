"""Inputs files of the gluino study: arrays that its rules read in addition to the events.

If alpha_s is known, groups also contain `alpha_s`. Groups of the dataset `angles` also contain
`helicities` and `colour_order`, if known, for the true density of labelled events.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hepdensity.models.inputs import read_array, read_attributes

GROUPS = ("test", "validation", "train")


@dataclass(frozen=True)
class Header:
    """What all events of an inputs file share.

    Attributes:
        sqrt_s: Centre-of-mass energy [GeV].
        mass: Gluino mass [GeV].
        source: Where the events come from (see `hepdensity.physics.events.SOURCES`).
    """

    sqrt_s: float
    mass: float
    source: str


def read_header(path: str | Path) -> Header:
    """Read what all events of an inputs file share."""
    attributes = read_attributes(path)
    return Header(float(attributes["sqrt_s"]), float(attributes["mass"]), str(attributes["source"]))


def read_labels(path: str | Path, group: str) -> tuple[np.ndarray, np.ndarray]:
    """Read helicities and colour orders.

    Args:
        path: Inputs file of the dataset `angles`.
        group: One of `GROUPS`.

    Returns:
        Helicities and sequences of legs in the colour trace, int8, shape (n, 6) each.

    Raises:
        ValueError: If the events have no labels.
    """
    return read_array(path, group, "helicities"), read_array(path, group, "colour_order")


def read_couplings(path: str | Path, group: str | None = None) -> np.ndarray:
    """Read alpha_s of each event.

    Args:
        path: Inputs file.
        group: One of `GROUPS`, or None to join all of them in this order.

    Returns:
        Couplings, shape (n,).

    Raises:
        ValueError: If the events have no alpha_s, so that their true density is unknown.
    """
    groups = GROUPS if group is None else (group,)
    return np.concatenate([read_array(path, name, "alpha_s") for name in groups])
