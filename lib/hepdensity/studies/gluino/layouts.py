"""What the columns of gluino events are, for models.

Helicities are categories: -1 is 0 and +1 is 1. Positions are those of the public CSV, see
`hepdensity.physics.colour_order`: the place of a leg in the colour trace behind leg 0, counted
from 0. Legs are two gluons and the gluinos; leg 0 has no position.
"""

from collections.abc import Mapping

from hepdensity.models.layout import Code, Column, Layout, PresenceSet

Constants = Mapping[str, float]

GLUINOS = 4
"""Gluinos of a complete event."""
INCOMING = 2
"""Incoming gluons."""

ANGLE_COLUMNS = (Column("x_theta"), Column("x_phi"))


def angles(constants: Constants | None = None, gluinos: int = GLUINOS) -> Layout:
    """Angles of the gluinos.

    Args:
        constants: of all events, see `Layout`.
        gluinos: number of gluinos.
    """
    return Layout(
        event=(), particle=ANGLE_COLUMNS, particles=gluinos, constants=dict(constants or {})
    )


def multiplicity(
    p_four: float, gluinos: int = GLUINOS, constants: Constants | None = None
) -> Layout:
    """Angles of events of four and of two gluinos, of which the first one's are kept.

    Args:
        p_four: probability of a four-gluino event.
        gluinos: number of gluinos of a complete event; other than 4 in tests.
        constants: of all events, see `Layout`.
    """
    sets = (PresenceSet("four_gluino", gluinos, p_four), PresenceSet("two_gluino", 1, 1 - p_four))
    return Layout(
        event=(),
        particle=ANGLE_COLUMNS,
        particles=gluinos,
        sets=sets,
        constants=dict(constants or {}),
    )


def labels(constants: Constants | None = None, gluinos: int = GLUINOS) -> Layout:
    """Angles, helicities and colour positions.

    Args:
        constants: of all events; a model may need `mass`, that of the gluinos in units of sqrt(s).
        gluinos: number of gluinos.
    """
    legs = gluinos + INCOMING
    helicity, position = (f"helicity_{i + 1}" for i in range(INCOMING)), legs - 1
    event = (*(Column(name, categories=2) for name in helicity),)
    particle = (
        *ANGLE_COLUMNS,
        Column("helicity", categories=2),
        Column("position", categories=position),
    )
    codes = (
        Code("helicity", ("helicity_1", "helicity_2", "helicity"), "product"),
        Code("colour_order", ("position_1", "position"), "permutation"),
    )
    return Layout(
        event=(*event, Column("position_1", categories=position)),
        particle=particle,
        particles=gluinos,
        codes=codes,
        constants=dict(constants or {}),
    )


LAYOUTS = {"angles": angles, "labels": labels}
"""Dataset of four-gluino events -> its layout."""
