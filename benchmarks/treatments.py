"""Training step of every treatment beside the plain flow, in one run, one thread, float32.

    python benchmarks/treatments.py

Each model has the sizes of table 1 of Verheyen 2022 (arXiv:2205.01697) or those of its block in
`config.yaml`, where it has its own. The plain flow is that of table 1, with 80 hidden units.
Classifiers are timed with hidden layers of 80 units too. Rounds go through all models one after the
other, so that all of them see the same machine; the median of each counts.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml
from torch import Tensor

from hepdensity.configuration import data_of
from hepdensity.models.base import DensityModel
from hepdensity.models.layers.labels import split_category, with_codes
from hepdensity.models.registry import build_model
from hepdensity.physics.phase_space import momenta_to_angles, rambo

TABLE_1 = {"layers": 8, "bins": 32, "residual_blocks": 2, "units_per_dim": 10}
HIDDEN = 80
BATCH = 2_500
PLAIN = "stochastic"
CATEGORIES = 7_680


def events(data: str) -> Tensor:
    """A batch: uniform in phase space, with labels or dropped dimensions if the data has them."""
    generator = torch.Generator().manual_seed(1)
    momenta, _ = rambo(BATCH, 4, 3000.0, 607.7137, generator)
    angles = momenta_to_angles(momenta).float()
    if data == "multiplicity":
        angles[::11, 2:] = torch.nan
    if data != "labels":
        return angles
    codes = torch.randint(CATEGORIES, (BATCH,), generator=generator)
    return with_codes(angles, split_category(codes))


class Contender:
    """A model in training."""

    def __init__(self, name: str, block: dict[str, Any]) -> None:
        """Build the model of a block of ``config.yaml``."""
        settings = {key: value for key, value in block.items() if key != "training"}
        self.name, self.batch = name, events(data_of(block))
        self.model: DensityModel = build_model({**TABLE_1, **settings}, 1)
        self.model.prepare(self.batch)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=True)
        self.noise = torch.Generator().manual_seed(1)
        self.seconds: list[float] = []

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""
        return sum(p.numel() for p in self.model.parameters())

    def step(self) -> None:
        """One training step, timed by the CPU's clock."""
        start = time.process_time()
        self.optimizer.zero_grad(set_to_none=True)
        self.model.loss(self.batch, self.noise).backward()
        self.optimizer.step()
        self.seconds.append(time.process_time() - start)


def contenders() -> list[Contender]:
    """The plain flow and the model of every block that is not a plain flow."""
    config = Path(__file__).resolve().parents[1] / "config.yaml"
    blocks = yaml.safe_load(config.read_text(encoding="utf-8"))["models"]
    plain = blocks.pop(PLAIN)
    named = {name: block for name, block in blocks.items() if block["kind"] != plain["kind"]}
    for name, block in list(named.items()):
        if block["kind"] == "classifier":
            named[f"{name}, {HIDDEN} hidden units"] = {**block, "hidden": [HIDDEN] * 3}
    return [Contender(name, block) for name, block in {PLAIN: plain, **named}.items()]


def main() -> None:
    """Time all models and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="timed steps of each model")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    models = contenders()
    for _ in range(rounds + 1):  # the first compiles and fills caches
        for model in models:
            model.step()
    times = {model.name: median(model.seconds[1:]) for model in models}
    print(f"Training step, batch {BATCH}, one thread, float32; medians of {rounds} rounds\n")
    print("| model | parameters | events / CPU s | time / plain flow |")
    print("|---|---|---|---|")
    for model in models:
        seconds = times[model.name]
        rate, ratio = BATCH / seconds, seconds / times[PLAIN]
        print(f"| {model.name} | {model.parameters:,} | {rate:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
