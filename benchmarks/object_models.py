"""Training step of each model of reconstructed events beside the same model in nflows' layers.

    make benchmarks

One run, one thread, float32, N_max 8. Models have the sizes of the paper's code: 8 layers of 32-bin
splines within five standard deviations, residual MADEs of 4 units per dimension, and a context of
64 numbers for the presence set or the category (Verheyen 2022, arXiv:2205.01697, and its code). All
objects are present, because nflows' layers do not take absent values. Each round goes through all
models, so that all of them see the same machine; values are medians over rounds. Our own model has
no counterpart in nflows; its time is relative to the dequantisation.
"""

import argparse
import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from machine import describe
from torch import Tensor, nn

from hepdensity.models.base import Trainable
from hepdensity.models.build import build
from hepdensity.models.classifier import perceptron
from hepdensity.models.layout import Layout
from hepdensity.studies.darkmachines.layouts import layout_of

OBJECTS, TYPES, LAYERS, BINS, UNITS, CONTEXT = 8, 7, 8, 32, 4, 64
BATCH = 1_000
SIZES = {"layers": LAYERS, "bins": BINS, "residual_blocks": 2, "units_per_dim": UNITS}
FLOWS = "hepdensity.models.flows"
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "dequantisation": (f"{FLOWS}.discrete:dequantisation_flow", {"noise": "uniform"}),
    "mixture": (f"{FLOWS}.mixture:mixture_flow", {"objective": "likelihood"}),
    "classifier": ("hepdensity.models.classifier:classified_flow", {"hidden": (512, 512, 512)}),
    "dm-flow": (f"{FLOWS}.filled:filled_flow", {}),
}
OURS = {"width": 64, "blocks": 2, "attention_heads": 4, "hidden": 96, "bins": 16}


def events(layout: Layout) -> Tensor:
    """A batch in which all objects are present."""
    generator = torch.Generator().manual_seed(1)
    batch = torch.randn(BATCH, layout.features, generator=generator)
    first = layout.continuous
    batch[:, first:] = torch.randint(0, TYPES, batch[:, first:].shape, generator=generator).float()
    pt = [layout.index("log_pt", place) for place in range(OBJECTS)]
    batch[:, pt] = 3.1 + batch[:, pt].abs()
    return batch


def ours(name: str, layout: Layout, batch: Tensor) -> Trainable:
    """A model of this project."""
    builder, own = MODELS[name]
    base = {} if name == "dm-flow" else {"base": "gaussian"}
    model = build(builder, layout, 1, {"permutation": "none", **SIZES, **own, **base})
    model.prepare(batch)
    return model


class Peer(nn.Module):
    """The same model in nflows' layers."""

    def __init__(self, name: str, layout: Layout) -> None:
        """Build the flow, and the classifier if the model has one."""
        super().__init__()
        from nflows.transforms import CompositeTransform, RandomPermutation
        from nflows.transforms.autoregressive import (
            MaskedPiecewiseRationalQuadraticAutoregressiveTransform as Spline,
        )

        self.types = name in ("dequantisation", "dm-flow")
        self.first = layout.continuous
        features = layout.features if self.types else self.first
        context = None if name == "dm-flow" else CONTEXT
        tails = {"tails": "linear", "tail_bound": 5.0, "num_bins": BINS, "num_blocks": 2}
        layers: list[nn.Module] = []
        for _ in range(LAYERS):
            layers.append(RandomPermutation(features))
            layers.append(Spline(features, UNITS * features, context, **tails))
        self.flow = CompositeTransform(layers)
        self.contexts = None if context is None else nn.Embedding(1_000, CONTEXT)
        self.classifier = None
        if name == "classifier":
            last = nn.Linear(512, OBJECTS * TYPES)
            self.classifier = nn.Sequential(perceptron([self.first, 512, 512, 512]), last)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Mean negative log-likelihood."""
        types, x = batch[:, self.first :], batch[:, : self.first]
        if self.types:
            noise = torch.rand(types.shape, generator=generator)
            x = torch.cat([x, types + noise - TYPES / 2], dim=1)
        number = types.sum(dim=1).long()
        context = None if self.contexts is None else self.contexts(number)
        z, slope = self.flow(x, context)
        total = slope - (0.5 * z.square() + 0.5 * math.log(2 * math.pi)).sum(dim=1)
        if self.classifier is not None:
            logits = self.classifier(x).unflatten(1, (OBJECTS, TYPES)).log_softmax(dim=2)
            total = total + logits.gather(2, types.long()[:, :, None]).sum(dim=(1, 2))
        return -total.mean()


def step(model: Any, batch: Tensor) -> Callable[[], float]:
    """A training step that returns its CPU time [s]."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    noise = torch.Generator().manual_seed(1)

    def run() -> float:
        start = time.process_time()
        optimizer.zero_grad(set_to_none=True)
        model.loss(batch, noise).backward()
        optimizer.step()
        return time.process_time() - start

    return run


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(describe())
    layout = layout_of("max", OBJECTS)
    batch = events(layout)
    steps = {name: step(ours(name, layout, batch), batch) for name in MODELS}
    steps |= {f"{name} in nflows": step(Peer(name, layout), batch) for name in MODELS}
    masses = layout_of("mass", OBJECTS)
    own = build("hepdensity.studies.darkmachines.models.object_flow:object_flow", masses, 1, OURS)
    own.prepare(events(masses))
    steps["object-flow"] = step(own, events(masses))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, run in steps.items():
            times[name].append(run())
    seconds = {name: median(values[1:] or values) for name, values in times.items()}
    print(f"Training step, batch {BATCH}, N_max {OBJECTS}; ms of CPU time")
    print(f"{'model':16} {'hepdensity':>11} {'nflows':>9} {'ratio':>7}")
    for name in MODELS:
        mine, peer = seconds[name], seconds[f"{name} in nflows"]
        print(f"{name:16} {1e3 * mine:11.0f} {1e3 * peer:9.0f} {peer / mine:6.2f}x")
    share = seconds["object-flow"] / seconds["dequantisation"]
    print(
        f"{'object-flow':16} {1e3 * seconds['object-flow']:11.0f}   ({share:.2f} of dequantisation)"
    )


if __name__ == "__main__":
    main()
