"""Events that single precision moves outside phase space still get a score."""

import numpy as np
import torch

from hepdensity.evaluation.likelihood import Importance, log_likelihoods
from hepdensity.studies.gluino.layouts import angles
from hepdensity.studies.gluino.models.phase_space_flow import phase_space_flow

# Two of 2.65 million flat events, which rounding moves across the edge of phase space.
EDGE = [
    [
        *(0.2416366815019984, 0.05998459603026711, 0.7155852153188477, 0.5415423156058461),
        *(0.169790292413512, 0.347962928468331, 0.8241460625785851, 0.8532185159860725),
    ],
    [
        *(0.1896167362780547, 0.5567992509142516, 0.3604908916188051, 0.4265347299739528),
        *(0.8189549292409808, 0.07665216084008211, 0.7389102895706973, 0.9804169452401671),
    ],
]


def test_possible_events_are_not_impossible(generator: torch.Generator) -> None:
    model = phase_space_flow(
        layout=angles(), layers=1, bins=4, residual_blocks=0, units_per_dim=2, seed=1
    )
    events = torch.tensor(EDGE, dtype=torch.float64)
    with torch.no_grad():
        assert (model.log_prob(events.float()) == -torch.inf).all()
    scores = log_likelihoods(model, events, generator, Importance(1, 2), 4)
    for name, values in scores.arrays.items():
        np.testing.assert_allclose(values, [17.5343, 18.3623], atol=1e-3, err_msg=name)
        assert scores.attributes[f"not_finite_{name}"] == 0
