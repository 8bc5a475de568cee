"""Deep SVDD: events unlike the background are far from the centre."""

import numpy as np
import torch

from hepdensity.evaluation.anomaly import signal_improvement
from hepdensity.studies.darkmachines.evaluation.deep_svdd import DeepSvdd, SvddSettings

SETTINGS = SvddSettings(widths=(16, 8), epochs=8, batch=128)


def background(random: np.random.Generator, n: int) -> np.ndarray:
    """A line in five dimensions, and noise."""
    along = random.normal(size=(n, 1))
    return np.asarray(along * [1, 1, -1, 0.5, 0] + 0.1 * random.normal(size=(n, 5)))


def test_outliers_have_high_scores() -> None:
    random = np.random.default_rng(1)
    svdd = DeepSvdd(background(random, 4000), 1, SETTINGS)
    inside, outside = background(random, 2000), random.normal(size=(1000, 5))
    assert signal_improvement(svdd(inside), svdd(outside)).auc > 0.9


def test_it_does_not_collapse() -> None:
    """Not all events are mapped onto the centre."""
    random = np.random.default_rng(2)
    svdd = DeepSvdd(background(random, 2000), 1, SETTINGS)
    scores = svdd(background(random, 500))
    assert scores.std() > 1e-3 * scores.mean() > 0


def test_the_seed_decides_alone() -> None:
    events = background(np.random.default_rng(3), 500)
    first = DeepSvdd(events, 5, SETTINGS)(events)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert (DeepSvdd(events, 5, SETTINGS)(events) == first).all()
    assert (torch.get_rng_state() == state).all()
    assert (DeepSvdd(events, 6, SETTINGS)(events) != first).any()
