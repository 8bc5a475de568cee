"""Particle gun: ranges, masses and reproducibility."""

import numpy as np

from hepdensity.generate.gun import particle_gun


def test_particles_of_the_gun() -> None:
    particles = particle_gun(13, 0.10566, (15.0, 1000.0), 2.5, 4000, seed=1)
    assert len(particles) == 4000
    assert set(particles.pdg_id) == {13}
    assert particles.final.all()
    pt = np.hypot(particles.px, particles.py)
    assert 15.0 < pt.min() < 15.1
    assert 990.0 < pt.max() < 1000.0
    eta = np.arcsinh(particles.pz / pt)
    for values, low, high in ((np.log(pt), np.log(15), np.log(1000)), (eta, -2.5, 2.5)):
        counts = np.histogram(values, 10, (low, high))[0]
        assert ((counts - 400) ** 2 / 400).sum() < 30
    momentum = np.hypot(pt, particles.pz)
    np.testing.assert_allclose(particles.energy**2 - momentum**2, 0.10566**2, atol=1e-6)
    phi = np.arctan2(particles.py, particles.px)
    assert abs(np.exp(1j * phi).mean()) < 4 / np.sqrt(4000)


def test_same_seed_same_particles() -> None:
    first, same, other = (
        particle_gun(11, 0.0, (15.0, 99.0), 2.0, 5, seed=seed).px for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.isclose(first, other).any()
