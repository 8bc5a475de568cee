"""Speed of the embedded generator and of the true density per CPU second on one thread.

Usage: python benchmarks/generator.py [--events 20000]
On a machine with a CUDA device, rates per second of wall time on it are printed as well.
"""

import argparse
import time
from collections.abc import Callable

import torch
from machine import describe

from hepdensity.generate.gluino import generate_unweighted
from hepdensity.physics.gluino import Normalisation, TrueDensity, flat_weights
from hepdensity.physics.phase_space import momenta_to_angles, rambo

SQRT_S, MASS, ALPHA_S = 3000.0, 607.7137, 0.118
GPU_FACTOR = 50


def main() -> None:
    """Print a table of rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="events per measurement")
    parser.add_argument("--repeats", type=int, default=3, help="measurements; the best counts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    report("cpu", time.process_time, arguments.events, arguments.repeats)
    if torch.cuda.is_available():
        print(torch.cuda.get_device_name())
        report("cuda", synchronised_time, GPU_FACTOR * arguments.events, arguments.repeats)


def report(device: str, clock: Callable[[], float], n_events: int, repeats: int) -> None:
    """Print the rates on one device."""
    print(f"{'what':<52} {'per second':>12}")
    for name, task in tasks(device, n_events).items():
        rate = n_events / min(duration(task, clock) for _ in range(repeats))
        print(f"{name:<52} {rate:>12,.0f}")


def tasks(device: str, n_events: int) -> dict[str, Callable[[], object]]:
    """The tasks to measure, each for n_events events."""

    def generate(n_out: int) -> Callable[[], object]:
        return lambda: generate_unweighted(
            n_events, n_out, SQRT_S, MASS, ALPHA_S, seed=1, device=device
        )

    generator = torch.Generator(device).manual_seed(1)
    momenta, flat = rambo(n_events, 4, SQRT_S, MASS, generator)
    angles = momenta_to_angles(momenta)
    # The value does not affect the speed.
    density = TrueDensity(SQRT_S, MASS, Normalisation(1.0, 0.0, 1, 4, SQRT_S, MASS))
    return {
        "unweighted four-gluino events (set-up included)": generate(4),
        "unweighted two-gluino events (set-up included)": generate(2),
        "weights: 64 squared amplitudes of four gluinos": lambda: flat_weights(momenta, flat, MASS),
        "true density": lambda: density.log_prob(angles),
        "flat phase space": lambda: rambo(n_events, 4, SQRT_S, MASS, generator),
    }


def duration(task: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds that a task takes."""
    start = clock()
    task()
    return clock() - start


def synchronised_time() -> float:
    """Wall time after the device has become idle."""
    torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
