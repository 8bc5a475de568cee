"""Layouts of gluino events.

Helicities are categories: -1 is category 0 and +1 is category 1. Positions are those of the public
CSV (see `hepdensity.physics.colour_order`): the place of a leg in the colour trace after leg 0,
counted from 0. The legs are two gluons and the gluinos; leg 0 has no position.
"""

from collections.abc import Mapping

from hepdensity.models.layout import Code, Column, Layout, PresenceSet

Constants = Mapping[str, float]

GLUINOS = 4
"""Number of gluinos in a complete event."""
INCOMING = 2
"""Number of incoming gluons."""

ANGLE_COLUMNS = (Column("x_theta"), Column("x_phi"))


def angles(constants: Constants | None = None, gluinos: int = GLUINOS) -> Layout:
    """Angles of the gluinos.

    Args:
        constants: constants of all events (see `Layout`).
        gluinos: number of gluinos.
    """
    return Layout(
        event=(), particle=ANGLE_COLUMNS, particles=gluinos, constants=dict(constants or {})
    )


def multiplicity(
    p_four: float, gluinos: int = GLUINOS, constants: Constants | None = None
) -> Layout:
    """Angles of four-gluino events, and of the first gluino of two-gluino events.

    Args:
        p_four: probability of a four-gluino event.
        gluinos: number of gluinos in a complete event; only tests use other values than 4.
        constants: constants of all events (see `Layout`).
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
        constants: constants of all events; some models need `mass`, the gluino mass / sqrt(s).
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
