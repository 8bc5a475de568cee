"""Time of a training step for every treatment and the plain flow (one run, one thread, float32).

    python benchmarks/treatments.py

Each model of the gluino study has the sizes set in its block in `models.yaml`, or else those of
table 1 of Verheyen 2022 (arXiv:2205.01697). The plain flow is that of table 1, with 80 hidden
units. Classifiers are also timed with hidden layers of 80 units. Each round goes through all
models, so that all of them see the same machine; the result is the median over rounds.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import describe
from torch import Tensor

from hepdensity.configuration import effective_configuration, load_study
from hepdensity.models.build import build
from hepdensity.models.layers.coding import Coding
from hepdensity.models.layout import Layout
from hepdensity.physics.phase_space import momenta_to_angles, rambo
from hepdensity.studies.gluino import layouts

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
HIDDEN = 80
BATCH = 2_500
PLAIN = "stochastic"


def events(layout: Layout, sqrt_s: float, mass: float) -> Tensor:
    """A batch, uniform in phase space, with random labels or absent particles of the layout."""
    generator = torch.Generator().manual_seed(1)
    momenta, _ = rambo(BATCH, layout.particles, sqrt_s, mass, generator)
    angles = momenta_to_angles(momenta).float()
    if layout.sets:
        angles[::11, len(layout.particle) * layout.sets[1].particles :] = torch.nan
    if not layout.categorical:
        return angles
    coding = Coding(layout)
    drawn = [torch.randint(count, (BATCH,), generator=generator) for count in coding.counts]
    return coding.events(angles, torch.stack(drawn, dim=1))


class Contender:
    """A model in training."""

    def __init__(self, name: str, layout: Layout, batch: Tensor, given: Mapping[str, Any]) -> None:
        """Build the model from the result of `Study.model_params`."""
        self.name, self.batch = name, batch
        self.model = build(given["builder"], layout, 1, given["settings"])
        self.model.prepare(batch)
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
    """The plain flow and every other model of the study that is not a plain flow."""
    config = effective_configuration({"preset": "paper", "studies": ["gluino"]}, {}, WORKFLOW)
    study = load_study("gluino", config)
    sqrt_s, mass, p_four = (study.settings[key] for key in ("sqrt_s", "mass", "p_four"))
    constants = {"mass": mass / sqrt_s}
    known = {
        **{name: layout(constants) for name, layout in layouts.LAYOUTS.items()},
        "multiplicity": layouts.multiplicity(p_four, constants=constants),
    }
    found = []
    for dataset in study.datasets():
        layout = known[dataset]
        batch = events(layout, sqrt_s, mass)
        for name in study.models(dataset):
            kind, given = study.kind_of(name).name, study.model_params(name)
            if name == PLAIN or kind != study.kind_of(PLAIN).name:
                found.append(Contender(name, layout, batch, given))
            if kind == "classifier":
                small = {**given, "settings": {**given["settings"], "hidden": [HIDDEN] * 3}}
                found.append(Contender(f"{name}, {HIDDEN} hidden units", layout, batch, small))
    return found


def main() -> None:
    """Time all models and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="timed steps of each model")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(describe())
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
