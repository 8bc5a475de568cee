"""The event container rejects inconsistent values."""

from typing import Any

import numpy as np
import pytest

from hepdensity.physics.events import PROCESSES, Events, invariant_mass, pair_masses


def fields(n: int = 3, n_out: int = 4, **changes: Any) -> dict[str, Any]:
    legs = 2 + n_out
    good: dict[str, Any] = {
        "momenta": np.ones((n, n_out, 4)),
        "sqrt_s": 3000.0,
        "mass": 600.0,
        "source": "lhe",
        "helicities": np.ones((n, legs), dtype=int),
        "colour_order": np.tile(np.arange(legs), (n, 1)),
        "weights": np.ones(n),
        "alpha_s": np.full(n, 0.1),
    }
    return good | changes


@pytest.mark.parametrize(("process", "n_out"), PROCESSES.items(), ids=list(PROCESSES))
def test_container_knows_its_process(process: str, n_out: int) -> None:
    events = Events(**fields(5, n_out))
    assert (len(events), events.n_out, events.n_legs) == (5, n_out, 2 + n_out)
    assert events.process == process


def test_arrays_get_their_types() -> None:
    events = Events(**fields(momenta=np.ones((3, 4, 4), dtype=np.float32)))
    assert events.momenta.dtype == np.float64
    assert events.helicities is not None and events.helicities.dtype == np.int8
    assert events.colour_order is not None and events.colour_order.dtype == np.int8


def test_labels_are_optional() -> None:
    names = ("helicities", "colour_order", "weights", "alpha_s")
    events = Events(**{**fields(), **dict.fromkeys(names)})
    assert all(getattr(events, name) is None for name in names)


def with_entry(values: np.ndarray, index: tuple[int, ...], entry: float) -> np.ndarray:
    changed = np.array(values)
    changed[index] = entry
    return changed


ORDER = np.tile(np.arange(6), (3, 1))
BAD = {
    "three gluinos": ({"momenta": np.ones((3, 3, 4))}, "3 gluinos"),
    "three components": ({"momenta": np.ones((3, 4, 3))}, r"shape \(n, n_out, 4\)"),
    "weights of other length": ({"weights": np.ones(2)}, "weights must have shape"),
    "helicities of other length": ({"helicities": np.ones((3, 5))}, "helicities must have shape"),
    "unknown source": ({"source": "dream"}, "source must be one of"),
    "below threshold": ({"sqrt_s": 2400.0}, "is not enough"),
    "no mass": ({"mass": 0.0}, "is not enough"),
    "momentum is nan": (
        {"momenta": with_entry(np.ones((3, 4, 4)), (1, 2, 3), np.nan)},
        "momenta of event 2 is not finite",
    ),
    "alpha_s is zero": ({"alpha_s": np.array([0.1, 0.1, 0.0])}, "alpha_s of event 3"),
    "helicity 9": ({"helicities": with_entry(np.ones((3, 6)), (1, 0), 9)}, "helicity of event 2"),
    "leg twice": ({"colour_order": with_entry(ORDER, (2, 1), 2)}, "colour order of event 3"),
    "leg 0 not first": ({"colour_order": ORDER[:, ::-1]}, "colour order of event 1"),
    "fewer drawn than kept": ({"drawn": 2}, "drawn = 2"),
    "fewer drawn than invalid": ({"drawn": 4, "invalid": 2}, "drawn = 4 is less than 3 events"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=list(BAD))
def test_misfits_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Events(**fields(**changes))


def test_invariant_mass() -> None:
    momenta = np.array([[[5.0, 0.0, 0.0, 3.0], [13.0, 3.0, 4.0, 0.0]], [[1.0, 2.0, 0.0, 0.0]] * 2])
    np.testing.assert_allclose(invariant_mass(momenta), [[4.0, 12.0], [0.0, 0.0]])


def test_pair_masses() -> None:
    # The mass of particles at rest is their energy.
    energies = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 10.0]])
    momenta = energies[..., None] * [1.0, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(pair_masses(momenta), [[3.0, 5.0, 6.0], [8.0, 13.0, 15.0]])


def test_unphysical_fraction() -> None:
    assert Events(**fields(), drawn=12).unphysical_fraction == 0.75
    assert Events(**fields(), drawn=3).unphysical_fraction == 0
    mixed = Events(**fields(), drawn=12, invalid=3)
    assert (mixed.unphysical_fraction, mixed.invalid_fraction) == (0.5, 0.25)
    with pytest.raises(ValueError, match="known only for samples of a model"):
        _ = Events(**fields()).unphysical_fraction
