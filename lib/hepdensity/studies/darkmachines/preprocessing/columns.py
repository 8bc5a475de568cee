"""Columns that models take, from reconstructed events."""

from __future__ import annotations

import numpy as np

from hepdensity.physics.objects import JETS, ObjectEvents

MASS_FLOOR = 1.0
"""Added in quadrature to the mass of jets [GeV], so that a jet of one tower has a logarithm."""

BEHIND = 127
"""Key that sorts absent objects behind all others."""


def columns_of(events: ObjectEvents, view: str, n_max: int) -> np.ndarray:
    """Columns of a layout of `hepdensity.studies.darkmachines.layouts`, float64, shape (n, d).

    Args:
        events: Reconstructed events with at least one object each.
        view: "file" for the first `n_max` objects in file order, any other one for those of
            largest pT.
        n_max: Largest number of objects.

    Raises:
        ValueError: If an event has no object or no missing transverse momentum.
    """
    if not events.present[:, 0].all():
        raise ValueError("an event has no object; add a cut on the number of objects")
    if not (events.met > 0).all():
        raise ValueError("an event has no missing transverse momentum; add a cut on met")
    order = np.arange(events.type.shape[1])[None]
    if view == "file":
        order = np.argsort(np.where(events.present, events.order, BEHIND), axis=1, kind="stable")
    order = np.broadcast_to(order, events.type.shape)[:, :n_max]

    def taken(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, order, axis=1).astype(np.float64)

    kind, pt, eta = taken(events.type), taken(events.pt), taken(events.eta)
    energy = taken(events.energy)
    absent = kind == 0
    head = np.stack([np.log(events.met), events.met_phi], axis=1)
    objects = [np.log(pt), eta, taken(events.phi)]
    if view == "momentum":
        head, objects[2] = head[:, :1], recoil_azimuth(objects[2], events.met_phi)
    elif view == "mass":
        objects.insert(1, _log_mass(kind, pt, eta, energy))
    else:
        objects.insert(1, np.log(energy))
    continuous = np.stack(objects, axis=2)
    continuous[absent] = np.nan
    types = np.where(absent, np.nan, kind - 1)
    return np.concatenate([head, continuous.reshape(len(events), -1), types], axis=1)


def recoil_azimuth(phi: np.ndarray, met_phi: np.ndarray) -> np.ndarray:
    """Azimuths relative to the direction opposite to MET, in [-pi, pi) [rad].

    Few objects are along MET, so few are where the azimuth jumps.

    Args:
        phi: Azimuths of objects [rad], shape (n, N).
        met_phi: Azimuth of MET [rad], shape (n,).
    """
    difference: np.ndarray = phi - met_phi[:, None]
    return np.mod(difference, 2 * np.pi) - np.pi


def _log_mass(kind: np.ndarray, pt: np.ndarray, eta: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Logarithm of the mass of jets [log GeV]; NaN for other objects, which have none."""
    squared = np.maximum(energy**2 - (pt * np.cosh(eta)) ** 2, 0) + MASS_FLOOR**2
    result: np.ndarray = np.where(np.isin(kind, JETS), 0.5 * np.log(squared), np.nan)
    return result


def summary_arrays(events: ObjectEvents) -> dict[str, np.ndarray]:
    """What tables and references need of each event, float64 unless said otherwise.

    Args:
        events: Reconstructed events.

    Returns:
        `met`, `ht` and `meff` [GeV], where `meff` is MET plus the pT of all objects; `objects`,
        int8, the number of objects; `event_id`, int64.
    """
    total = np.where(events.present, events.pt, 0.0).sum(axis=1, dtype=np.float64)
    return {
        "met": events.met,
        "ht": events.ht,
        "meff": events.met + total,
        "objects": events.present.sum(axis=1).astype(np.int8),
        "event_id": events.event_id,
    }
