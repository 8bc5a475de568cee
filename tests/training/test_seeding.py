"""Random streams."""

import torch

from hepdensity.training.seeding import stream


def test_streams_depend_on_seed_and_name() -> None:
    draws = {
        (seed, name): torch.rand(1, generator=stream(seed, name)).item()
        for seed in (1, 2)
        for name in ("batches", "noise")
    }
    assert len(set(draws.values())) == 4
    assert torch.rand(1, generator=stream(1, "noise")).item() == draws[1, "noise"]
