"""Anomaly scores of jets (Mikuni and Nachman 2024, arXiv:2306.03933)."""

from __future__ import annotations

import numpy as np


def anomaly_score(log_p_jet: np.ndarray, log_p_particles: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Eq. 7: -log p(jet) - log p(particles | jet) / N, high = anomalous, shape (n,).

    It depends on the measure in which the densities are told
    (see `hepdensity.studies.jets.coordinates`).

    Args:
        log_p_jet: Log-densities of the jet part [nats], shape (n,).
        log_p_particles: Log-densities of the particle part [nats], shape (n,).
        n: Numbers of particles, at least 1, shape (n,).

    Raises:
        ValueError: If shapes differ, or a jet has no particles.

    Example:
        >>> anomaly_score(np.array([-1.0]), np.array([6.0]), np.array([3])).tolist()
        [-1.0]
    """
    shapes = {np.shape(values) for values in (log_p_jet, log_p_particles, n)}
    if len(shapes) > 1:
        raise ValueError(f"log-densities and numbers have different shapes: {sorted(shapes)}")
    numbers = np.asarray(n)
    if (numbers < 1).any():
        raise ValueError(f"jet {int(np.argmax(numbers < 1)) + 1} has no particles; leave it out")
    score: np.ndarray = -np.asarray(log_p_jet) - np.asarray(log_p_particles) / numbers
    return score


def negative_log_likelihood(log_p_jet: np.ndarray, log_p_particles: np.ndarray) -> np.ndarray:
    """-log p of jet and particles together [nats], without the division by N, shape (n,)."""
    value: np.ndarray = -np.asarray(log_p_jet) - np.asarray(log_p_particles)
    return value
