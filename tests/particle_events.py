"""Generated particles for tests: written out by hand, drawn from a gun, or cut into chunks."""

from collections.abc import Sequence

import numpy as np

from hepdensity.physics.particles import Particles

Row = tuple[int, float, float, float]
MASSES = {11: 0.000511, 13: 0.10566, 211: 0.13957, 2212: 0.93827, 130: 0.49761, 310: 0.49761}


def particles_of(
    events: Sequence[Sequence[Row]], partons: Sequence[Sequence[Row]] | None = None
) -> Particles:
    """Events from rows (code, pT [GeV], eta, phi), and partons in the same form."""
    both = [
        [(*row, True) for row in stable] + [(*row, False) for row in unstable]
        for stable, unstable in zip(events, partons or [[]] * len(events), strict=True)
    ]
    rows = np.array([row for event in both for row in event], dtype=float).reshape(-1, 5)
    code, pt, eta, phi, final = rows.T
    mass = np.array([MASSES.get(abs(int(one)), 0.0) for one in code])
    return Particles(
        offsets=np.cumsum([0, *map(len, both)]),
        pdg_id=code.astype(np.int32),
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=np.hypot(pt * np.cosh(eta), mass),
        final=final.astype(bool),
        weight=np.ones(len(both)),
        event_id=np.arange(len(both)),
    )


def gun(code: int, pt: float, eta: float, n: int) -> Particles:
    """Events of one particle each, at azimuths spread around the beam."""
    return particles_of([[(code, pt, eta, phi)] for phi in np.linspace(-3.1, 3.1, n)])


def part_of(particles: Particles, start: int, stop: int) -> Particles:
    """Some of the events."""
    first, last = particles.offsets[start], particles.offsets[stop]
    flat = ("pdg_id", "px", "py", "pz", "energy", "final")
    return Particles(
        offsets=particles.offsets[start : stop + 1] - first,
        **{name: getattr(particles, name)[first:last] for name in flat},
        weight=particles.weight[start:stop],
        event_id=particles.event_id[start:stop],
    )


def spray(n: int, seed: int, per_event: int = 60) -> Particles:
    """Events of random hadrons and partons in a few directions, and a lepton or photon in any."""
    rng = np.random.default_rng(seed)
    codes = np.array([211, -211, 22, 22, 130, 2212, 310, 11, -11, 13, -13, 12])
    shares = np.array([0.25, 0.25, 0.15, 0.15, 0.05, 0.05, 0.03, 0.02, 0.01, 0.02, 0.01, 0.01])
    events, partons = [], []
    for _ in range(n):
        axes = rng.uniform([-2.5, -np.pi], [2.5, np.pi], (4, 2))
        axis = axes[rng.integers(0, 4, per_event)] + rng.normal(0, 0.15, (per_event, 2))
        code = rng.choice(codes, per_event, p=shares)
        pt = rng.exponential(12.0, per_event) + 0.2
        lepton = (int(rng.choice([11, -11, 13, -13, 22])), 40.0, *rng.uniform(-2.4, 2.4, 2))
        events.append([lepton, *(tuple(row) for row in np.column_stack([code, pt, axis]))])
        partons.append([(int(rng.choice([1, 4, 5, 21])), 50.0, *place) for place in axes])
    return particles_of(events, partons)
