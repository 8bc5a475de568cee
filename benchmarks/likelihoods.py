"""Cost and error of the log-density of a set of points, for each solver and divergence.

    .venv/bin/python benchmarks/likelihoods.py [--slots 100] [--inputs FILE]

One run, one thread, float32. A full and a block-hollow network of the same width are trained for a
short time by flow matching on sets from a branching process with up to ``--slots`` points of three
coordinates, or on the jets of an inputs file, e.g. results/quick/jets/inputs/qcd.h5. The naive way
is that of Mikuni and Nachman 2024 (arXiv:2306.03933): scipy's RK45 at their tolerances for all sets
of a batch together, with one reverse pass for each coordinate of each slot, present or not. Errors
are root mean squares over the sets against the adaptive solver at tolerances of 1e-6 and an exact
divergence in float64, in nats and in nats per point. The latter is the error of the particle part
of the score of eq. 7.
"""

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from machine import describe
from scipy.integrate import solve_ivp
from torch import Tensor

from hepdensity.models.diffusion.density import PARTICLES, SetDensity, set_density
from hepdensity.models.diffusion.divergence import METHODS
from hepdensity.models.diffusion.fields import END, Field, Points, base_log_prob
from hepdensity.models.diffusion.likelihood import Integration, to_base
from hepdensity.models.diffusion.paths import angle_grid
from hepdensity.models.diffusion.solvers import multistep
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.models.layout import Column, Layout, PresenceSet
from hepdensity.training.loop import train
from hepdensity.training.settings import TrainingSettings

WIDTH, BLOCKS, HEADS = 48, 2, 4
LEAST = 3
_SPREAD = 0.35
_LOSS_OF_SCALE = 0.75


def layout_of(slots: int) -> Layout:
    """Sets of at least `LEAST` points with three coordinates."""
    columns = tuple(Column(name, support="real") for name in ("x", "y", "log_share"))
    sets = tuple(PresenceSet(str(k), k) for k in range(LEAST, slots + 1))
    return Layout(event=(), particle=columns, particles=slots, sets=sets)


def branching(n: int, slots: int, seed: int) -> Tensor:
    """Sets of points: each branching splits the share of a point and moves both halves apart."""
    numbers = np.random.default_rng(seed)
    wanted = np.clip(numbers.normal(0.7 * slots, 0.25 * slots, n), LEAST, slots).astype(int)
    rows = np.full((n, slots, 3), np.nan)
    for row, count in zip(rows, wanted, strict=True):
        points = [(0.0, 0.0, 1.0, 1.0)]
        while len(points) < count:
            chosen = int(np.argmax([share * scale for _, _, share, scale in points]))
            x, y, share, scale = points.pop(chosen)
            z = numbers.beta(0.7, 0.7) * 0.98 + 0.01
            dx, dy = _SPREAD * scale * numbers.normal(size=2)
            for part, side in ((z, 1 - z), (1 - z, -z)):
                inner = scale * _LOSS_OF_SCALE
                points.append((x + side * dx, y + side * dy, share * part, inner))
        found = np.array(points)
        row[:count, :2] = found[:, :2] + 0.01 * numbers.normal(size=(count, 2))
        row[:count, 2] = np.log(found[:, 2])
    return torch.from_numpy(rows).flatten(1)


@dataclass(frozen=True)
class Source:
    """Sets of points in double precision, and their layout."""

    layout: Layout
    training: Tensor
    validation: Tensor
    test: Tensor


def invented(slots: int, events: int) -> Source:
    """Sets from the branching process."""
    sets = (branching(n, slots, seed) for seed, n in ((1, 8_000), (2, 500), (3, events)))
    return Source(layout_of(slots), *sets)


def read_source(path: Path, events: int) -> Source:
    """Jets of an inputs file of the study `jets`."""
    groups = (read_batch(path, name) for name in ("train", "validation", "test"))
    training, validation, test = groups
    return Source(read_layout(path), training, validation, test[:events])


def trained(network: str, source: Source, steps: int) -> SetDensity:
    """A model after a short training."""
    layout = source.layout
    model = set_density(
        layout=layout,
        seed=1,
        objective="flow-matching",
        network=network,
        width=WIDTH,
        blocks=BLOCKS,
        attention_heads=HEADS,
    )
    events = source.training
    model.prepare(events)
    settings = TrainingSettings(
        batch_size=128,
        learning_rate=1e-3,
        validation_interval=steps,
        decay_factor=0.5,
        decay_patience=1,
        decay_threshold=0.0,
        threshold_mode="abs",
        stop_factor=0.0,
        max_validations=None,
        max_steps=steps,
        max_seconds=None,
        checkpoint_seconds=1e9,
        device="cpu",
        optimiser="adamw",
        schedule="cosine",
        warmup_steps=steps // 10,
        clip_norm=1.0,
        ema_decay=0.998,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.safetensors"
        train(model, events.float(), source.validation.float(), settings, 1, path, "id")
    return model.eval()


def points_of(model: SetDensity, batch: Tensor) -> Points:
    """The sets as the network sees them."""
    return model.ode_factors(batch)[1][PARTICLES].points


def naive(field: Field, points: Points) -> Tensor:
    """Log-density by scipy's RK45 for the whole batch, without any of our savings."""
    n, shape, size = len(points.x), points.x.shape, points.x.numel()

    def rate(angle: float, state: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(state[:size].reshape(shape)).to(points.x)
        velocity, total = METHODS["exact"](field, x.new_full((n,), angle), points.at(x), None)
        return np.concatenate([velocity.double().flatten().numpy(), total.numpy()])

    start = np.concatenate([points.x.double().flatten().numpy(), np.zeros(n)])
    solution = solve_ivp(rate, (0.0, END), start, "RK45", t_eval=[END], rtol=1e-4, atol=5e-5)
    end = torch.from_numpy(solution.y[:, -1])
    return base_log_prob(points.at(end[:size].reshape(shape).to(points.x))) + end[size:]


def padded(field: Field, points: Points, steps: int) -> Tensor:
    """Log-density on the fixed grid with an exact divergence over all slots."""
    solution = multistep(
        lambda angle, x, chosen: METHODS["exact"](field, angle, points.at(x), None),
        points.x,
        angle_grid(steps),
    )
    return base_log_prob(points.at(solution.x)) + solution.integral


def solved(field: Field, points: Points, how: Integration) -> Tensor:
    """Log-density by our own solve, with seeded probes."""
    return to_base(field, points, how, torch.Generator().manual_seed(4)).log_prob


@dataclass(frozen=True)
class Timed:
    """Log-densities and what they cost: CPU time per set [ms]."""

    value: Tensor
    cost: float


def timed(run: Callable[[], Tensor]) -> Timed:
    """Run once and take the CPU time."""
    start = time.process_time()
    value = run()
    return Timed(value, 1e3 * (time.process_time() - start) / len(value))


def variants(network: str) -> dict[str, Integration]:
    """What is measured for a network."""
    cheap = "hollow" if network == "hollow" else "exact"
    found = {
        f"multistep {steps}, {cheap}": Integration(divergence=cheap, steps=steps)
        for steps in (16, 24, 32)
    }
    found[f"adaptive, {cheap}"] = Integration("adaptive", cheap)
    for probes in (1, 4):
        name = f"multistep 32, hutchinson, {probes} probe(s)"
        found[name] = Integration(divergence="hutchinson", probes=probes)
    found["adaptive, hutchinson, 1 probe(s)"] = Integration("adaptive", "hutchinson")
    return found


def measure(network: str, source: Source, steps: int, few: int) -> None:
    """Train a network and print its table."""
    model = trained(network, source, steps)
    batch = source.test
    points = points_of(model, batch.float())
    assert model.particle is not None
    field = model.particle
    tight = Integration(
        "adaptive", "hollow" if network == "hollow" else "exact", rtol=1e-6, atol=1e-6
    )
    precise = copy.deepcopy(model).double()
    assert precise.particle is not None
    reference = solved(precise.particle, points_of(precise, batch), tight)
    counts = points.counts.double()
    some = points.chosen(torch.arange(few))
    slow = timed(lambda: naive(field, some))
    slots = source.layout.particles
    told = f"{slots} slots, {len(batch)} sets of {counts.mean():.1f} points on average"
    print(f"\nNetwork {network}, {told}")
    print(f"{'':38} {'ms':>9} {'ratio':>8} {'error':>9} {'per point':>10}")

    def show(name: str, result: Timed) -> None:
        error = result.value - reference[: len(result.value)]
        each = error / counts[: len(error)]
        rms, per = (float(values.square().mean().sqrt()) for values in (error, each))
        ratio = slow.cost / result.cost
        print(f"{name:38} {result.cost:9.2f} {ratio:7.1f}x {rms:9.4f} {per:10.5f}")

    show(f"naive ({few} sets)", slow)
    wide = timed(lambda: padded(field, some, 16))
    show(f"multistep 16, exact, all slots ({few} sets)", wide)
    for name, how in variants(network).items():
        show(name, timed(partial(solved, field, points, how)))
    bucketed = timed(partial(solved, field, some, Integration(steps=16)))
    print(f"buckets alone (multistep 16, exact): {wide.cost / bucketed.cost:.2f}x")


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=30)
    parser.add_argument("--inputs", type=Path, help="inputs file with jets")
    parser.add_argument("--training", type=int, default=600, help="training steps")
    parser.add_argument("--events", type=int, default=100, help="sets that are evaluated")
    parser.add_argument("--networks", nargs="+", default=["full", "hollow"])
    parser.add_argument("--few", type=int, default=8, help="sets for the naive way")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    if given.inputs is None:
        source = invented(given.slots, given.events)
    else:
        source = read_source(given.inputs, given.events)
    for network in given.networks:
        measure(network, source, given.training, given.few)


if __name__ == "__main__":
    main()
