"""Made-up jets with constituents, for tests."""

from typing import Any

import numpy as np

from hepdensity.physics.constituents import NO_PART, ConstituentJets, JetForm, jet_arrays


def random_momenta(
    n: int, seed: int, most: int = 30, pt: float = 600.0
) -> tuple[np.ndarray, np.ndarray]:
    """Momenta (px, py, pz, E) [GeV] of the constituents of n jets, unsorted, and their offsets."""
    numbers = np.random.default_rng(seed)
    counts = numbers.integers(1, most + 1, n)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    of_jet = np.repeat(np.arange(n), counts)
    share = numbers.exponential(1.0, len(of_jet)) + 0.01
    share *= pt * numbers.uniform(0.93, 1.07, n)[of_jet] / np.bincount(of_jet, share)[of_jet]
    eta = numbers.uniform(-1.5, 1.5, n)[of_jet] + numbers.normal(0, 0.2, len(of_jet))
    phi = numbers.uniform(-np.pi, np.pi, n)[of_jet] + numbers.normal(0, 0.2, len(of_jet))
    mass = 0.14
    x, y, z = share * np.cos(phi), share * np.sin(phi), share * np.sinh(eta)
    energy = np.sqrt(x**2 + y**2 + z**2 + mass**2)
    return np.stack([x, y, z, energy], axis=1), offsets


def random_jets(n: int, seed: int, form: JetForm | None = None, **columns: Any) -> ConstituentJets:
    """Made-up jets; `columns` replace those of the heads, each a value or an array."""
    momenta, offsets = random_momenta(n, seed)
    heads: dict[str, Any] = {"label": "qcd", "weight": 1.0, "event_id": np.arange(n), "jet_id": 0}
    heads |= {"part": NO_PART, **columns}
    kinds = {"weight": np.float64, "event_id": np.int64, "jet_id": np.int64, "part": np.int8}
    full = {
        name: np.broadcast_to(np.asarray(value, dtype=kinds.get(name)), n)
        for name, value in heads.items()
    }
    return ConstituentJets(*jet_arrays(momenta, offsets, form or JetForm()), **full)


def assert_same_jets(one: ConstituentJets, other: ConstituentJets) -> None:
    """Equal in all that they hold, NaN equal to NaN."""
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(other, name), err_msg=name)
