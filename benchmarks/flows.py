"""Speed of the 8-dimensional table-1 flow, nflows and zuko, in one run, one thread, float32.

    make benchmarks                      # installs the peers and runs all benchmarks
    python benchmarks/flows.py --device cuda

The table gives events per CPU second (wall-clock second on a GPU) and the ratio to each peer. The
values are medians of rounds; each round goes through all models, so that all of them see the same
machine. All models have 8 autoregressive layers of 32-bin rational-quadratic splines. nflows has
the same residual MADE and the same 715,968 parameters. zuko's NSF has a plain MADE with two hidden
layers of 80 units and therefore fewer parameters (550,080). It has identity tails outside [-5, 5]
and a Gaussian base.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from machine import describe
from torch import Tensor

from hepdensity.models.flows.flow import spline_flow
from hepdensity.studies.gluino.layouts import angles

FEATURES, LAYERS, BINS, HIDDEN = 8, 8, 32, 80
BATCH, SAMPLES, LARGE_BATCH = 2_500, 8_192, 25_000


@dataclass(frozen=True)
class Contender:
    """A model with a common interface, and whether it uses the compiled kernels."""

    name: str
    module: torch.nn.Module
    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[[int], Tensor]
    compiled: bool = True


def ours(name: str = "hepdensity", compiled: bool = True) -> Contender:
    """The table-1 flow of this project."""
    flow = spline_flow(
        layout=angles(),
        permutation="none",
        layers=LAYERS,
        bins=BINS,
        residual_blocks=2,
        units_per_dim=HIDDEN // FEATURES,
        seed=1,
    )
    return Contender(name, flow, flow.log_prob, flow.sample, compiled)


def nflows() -> Contender:
    """The same flow in nflows: uniform base, splines of the unit interval, residual MADE."""
    from nflows.distributions.uniform import BoxUniform
    from nflows.flows import Flow
    from nflows.transforms import CompositeTransform, RandomPermutation
    from nflows.transforms.autoregressive import (
        MaskedPiecewiseRationalQuadraticAutoregressiveTransform as Spline,
    )

    layers = [
        part
        for _ in range(LAYERS)
        for part in (
            RandomPermutation(FEATURES),
            Spline(FEATURES, HIDDEN, num_bins=BINS, num_blocks=2, tails=None),
        )
    ]
    base = BoxUniform(torch.zeros(FEATURES), torch.ones(FEATURES))
    flow = Flow(CompositeTransform(layers), base)
    # BoxUniform has no batch shape as nflows' Flow expects, and gives several numbers per event.
    transform = flow._transform

    def log_prob(x: Tensor) -> Tensor:
        return transform(x)[1]

    def sample(n: int) -> Tensor:
        device = next(flow.parameters()).device
        return transform.inverse(torch.rand(n, FEATURES, device=device))[0]

    return Contender("nflows", flow, log_prob, sample)


def agreement_with_nflows() -> float:
    """Largest difference of log-densities [nats] with the same weights, in float64."""
    mine, peer = ours(), nflows()
    flow: Any = peer.module
    transforms = list(flow._transform._transforms)
    pairs = zip(transforms[0::2], transforms[1::2], strict=True)
    own: Any = mine.module
    layers = list(own.flow.layers)
    # nflows lists layers from the data to the base; we list them from the base to the data.
    for (permutation, spline), made, fixed in zip(
        pairs, layers[-2::-2], layers[-1::-2], strict=True
    ):
        fixed.order.copy_(permutation._permutation)
        copy_made(spline.autoregressive_net, made.made)
    x = torch.rand(BATCH, FEATURES, dtype=torch.float64)
    mine.module.double(), peer.module.double()
    with torch.no_grad():
        return (mine.log_prob(x) - peer.log_prob(x)).abs().max().item()


def copy_made(theirs: Any, mine: Any) -> None:
    """Copy nflows' weights; our units are sorted by degree, those of nflows are interleaved."""
    degrees = torch.arange(HIDDEN) % (FEATURES - 1)
    units = degrees.argsort(stable=True)
    every = torch.arange(FEATURES * (3 * BINS + 1))
    copies = [(theirs.initial_layer, mine.initial, units, every[:FEATURES])]
    for block, pair in zip(theirs.blocks, mine.blocks, strict=True):
        copies += [(a, b, units, units) for a, b in zip(block.linear_layers, pair, strict=True)]
    copies.append((theirs.final_layer, mine.final, every, units))
    for source, target, rows, columns in copies:
        target.weight.data = (source.weight * source.mask).detach()[rows][:, columns]
        target.bias.data = source.bias.detach()[rows]


def zuko() -> Contender:
    """A neural spline flow of the same depth and width in zuko."""
    from zuko.flows import NSF

    flow = NSF(FEATURES, transforms=LAYERS, bins=BINS, hidden_features=(HIDDEN, HIDDEN))
    return Contender("zuko", flow, lambda x: flow().log_prob(x), lambda n: flow().sample((n,)))


def clock(device: str) -> float:
    """CPU time [s], or wall-clock time once a GPU is idle."""
    if device != "cuda":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def seconds(action: Callable[[], Any], device: str, repeats: int) -> float:
    """Median time of one call [s]."""
    times = []
    action()
    for _ in range(repeats):
        start = clock(device)
        action()
        times.append(clock(device) - start)
    return median(times)


def tasks(contender: Contender, device: str) -> dict[str, tuple[int, Callable[[], Any]]]:
    """Tasks to time and their numbers of events: training, density evaluation and sampling."""
    contender.module.to(device)
    x = torch.rand(BATCH, FEATURES, device=device) * 0.98 + 0.01
    optimizer = torch.optim.Adam(contender.module.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        (-contender.log_prob(x).mean()).backward()
        optimizer.step()

    return {
        "train": (BATCH, step),
        "log_prob": (BATCH, torch.no_grad()(lambda: contender.log_prob(x))),
        "sample": (SAMPLES, torch.no_grad()(lambda: contender.sample(SAMPLES))),
    }


def rates(contenders: list[Contender], device: str, rounds: int) -> dict[str, dict[str, float]]:
    """Events per second of each contender and task."""
    todo = {
        (contender.name, task): (contender.compiled, count, action)
        for contender in contenders
        for task, (count, action) in tasks(contender, device).items()
    }
    times: dict[tuple[str, str], list[float]] = {key: [] for key in todo}
    for _ in range(rounds + 1):  # the first compiles and fills caches
        for key, (compiled, _, action) in todo.items():
            os.environ["HEPDENSITY_COMPILED"] = "1" if compiled else "0"
            start = clock(device)
            action()
            times[key].append(clock(device) - start)
    results: dict[str, dict[str, float]] = {contender.name: {} for contender in contenders}
    for (name, task), (_, count, _) in todo.items():
        results[name][task] = count / median(times[name, task][1:])
    return results


def large_batch(device: str) -> dict[str, float]:
    """Our flow at the paper's batch size, and the time that memory bandwidth alone would need.

    The bound counts the spline logits, by far the largest arrays, which a step without fusion
    writes and reads, as it does their gradients: four passes over (batch, 8 layers, 776) floats.
    """
    contender = ours()
    contender.module.to(device)
    x = torch.rand(LARGE_BATCH, FEATURES, device=device)
    optimizer = torch.optim.Adam(contender.module.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        (-contender.log_prob(x).mean()).backward()
        optimizer.step()

    chunk = 262_144 if device == "cuda" else SAMPLES
    one_step = seconds(step, device, 5)
    with torch.no_grad():
        one_chunk = seconds(lambda: contender.sample(chunk), device, 3)
    moved = 4 * LARGE_BATCH * LAYERS * FEATURES * (3 * BINS + 1) * x.element_size()
    return {
        "ms per training step": 1e3 * one_step,
        "ms per step by bandwidth": 1e3 * moved / bandwidth(device),
        "seconds per 10^6 samples": 1e6 / chunk * one_chunk,
    }


def bandwidth(device: str) -> float:
    """Bytes per second read and written by a copy of 256 MiB."""
    source = torch.zeros(2**26, device=device)
    target = torch.empty_like(source)
    copied = seconds(lambda: target.copy_(source), device, 5)
    return 2 * source.numel() * source.element_size() / copied


def main() -> None:
    """Measure all contenders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=9, help="timed calls of each model")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(describe())
    contenders = [ours("hepdensity, compiled"), ours("hepdensity, torch only", compiled=False)]
    if arguments.device == "cuda":
        print(torch.cuda.get_device_name())
        del contenders[0]  # the compiled kernels run only on CPUs
    print_table(rates([*contenders, nflows(), zuko()], arguments.device, arguments.rounds))
    os.environ["HEPDENSITY_COMPILED"] = "1"
    print(f"hepdensity at batch {LARGE_BATCH:,}:")
    for name, value in large_batch(arguments.device).items():
        print(f"  {name:26s}{value:10.2f}")
    difference = agreement_with_nflows()
    print(f"log-densities with nflows' weights differ by at most {difference:.1e} nats")


def print_table(results: dict[str, dict[str, float]]) -> None:
    """Print events per second and our ratios to the peers."""
    tasks = ["train", "log_prob", "sample"]
    print(f"{'events per second':28s}" + "".join(f"{task:>12s}" for task in tasks))
    for name, row in results.items():
        print(f"{name:28s}" + "".join(f"{row[task]:12,.0f}" for task in tasks))
    for name in results:
        for peer in ("nflows", "zuko"):
            if name != peer and name.startswith("hepdensity"):
                ratios = (results[name][task] / results[peer][task] for task in tasks)
                label = f"{name.split(', ')[1]} / {peer}"
                print(f"{label:28s}" + "".join(f"{ratio:11.1f}x" for ratio in ratios))


if __name__ == "__main__":
    main()
