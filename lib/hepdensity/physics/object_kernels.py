"""Compiled placing of objects into the padded arrays of events."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from hepdensity.physics.objects import MOST_OBJECTS

Array = np.ndarray
_compile: Any = numba.njit(cache=True)


@_compile
def insert_objects(
    rows: Array,
    sizes: Array,
    counts: Array,
    kept: Array,
    numbers: tuple[Array, Array, Array, Array, Array],
    kinds: Array,
    order: Array,
    values: Array,
) -> None:
    """Insert the objects of one collection into events, so that the pT falls in each event.

    Objects of equal pT keep the order in which they come. Once an event has `MOST_OBJECTS`, further
    objects only count in `sizes`.

    Args:
        rows: Row of each event in the padded arrays, or -1 to leave it out, int64, shape (n,).
        sizes: Number of objects that each event has had so far; updated, int64, shape (n,).
        counts: Number of objects of each event in the collection, int64, shape (n,).
        kept: Whether to insert each object, bool, shape (N,).
        numbers: Type (int8), energy, pT, pseudorapidity and azimuth (float32), each of shape (N,).
        kinds: Types; updated, int8, shape (rows, MOST_OBJECTS).
        order: Place in the order of insertion; updated, int8, likewise.
        values: Energy, pT, pseudorapidity and azimuth; updated, float32, shape
            (4, rows, MOST_OBJECTS).
    """
    kind, energy, pt, eta, phi = numbers
    stop = 0
    for event in range(len(rows)):
        start = stop
        stop += counts[event]
        row = rows[event]
        for k in range(start, stop):
            if row < 0 or not kept[k]:
                continue
            place = sizes[event]
            sizes[event] += 1
            if place >= MOST_OBJECTS:
                continue
            number = place
            # The object moves past those of smaller pT; these move back by one place.
            while place > 0 and values[1, row, place - 1] < pt[k]:
                kinds[row, place] = kinds[row, place - 1]
                order[row, place] = order[row, place - 1]
                for m in range(4):
                    values[m, row, place] = values[m, row, place - 1]
                place -= 1
            kinds[row, place] = kind[k]
            order[row, place] = number
            values[0, row, place] = energy[k]
            values[1, row, place] = pt[k]
            values[2, row, place] = eta[k]
            values[3, row, place] = phi[k]
