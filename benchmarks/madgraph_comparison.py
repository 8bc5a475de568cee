"""Compare embedded events with those of MadGraph, with and without its running coupling.

Helicities agree; colours do not, and the comparison shows by how much.

Usage: python benchmarks/madgraph_comparison.py [--events 200000] [--data ../shared/data/madgraph]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from machine import describe

from hepdensity.evaluation.estimates import Estimate, mean_with_error
from hepdensity.generate.gluino import generate_unweighted
from hepdensity.physics.colour_order import lehmer_code
from hepdensity.physics.events import PROCESSES, Events, invariant_mass
from hepdensity.physics.gluino import colour_probabilities
from hepdensity.physics.helicity import helicity_code
from hepdensity.studies.gluino.evaluation.comparison import (
    at_fixed_coupling,
    compare_colours,
    compare_events,
    read_madgraph_sample,
    relabel,
    second_gluon_places,
)

SQRT_S, MASS, ALPHA_S = 3000.0, 607.7137, 0.118
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "madgraph"
FILES = {"four_gluino": "gg_4gluino_300k.h5", "two_gluino": "gg_2gluino_30k.h5"}
PLACED = "{:<12} {:<11} {:>7.5f} +- {:.5f} {:>9.5f} +- {:.5f} {:>+9.2f} +- {:.2f}"
GIVEN_EVENTS = 50_000
"""Number of events whose colours are compared with their probabilities."""
ROW = "{:<12} {:<14} {:<23} {:>9} {:>4} {:>10} {:>8} {:>10}"


def main() -> None:
    """Print a table of chi2 and Kolmogorov-Smirnov tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="embedded events")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the MadGraph samples")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"No comparison with MadGraph: there is no folder {arguments.data}; give --data")
        return
    torch.set_num_threads(1)
    print(describe())
    print(f"{arguments.events} embedded events (alpha_s {ALPHA_S}) against MadGraph 3.5.7")
    print(ROW.format("process", "MadGraph", "observable", "chi2", "dof", "p", "KS", "p"))
    for process in FILES:
        compare_process(process, arguments)


def compare_process(process: str, arguments: argparse.Namespace) -> None:
    """Print the rows of one process."""
    embedded = generate_unweighted(
        arguments.events, PROCESSES[process], SQRT_S, MASS, ALPHA_S, arguments.seed
    ).events
    random = np.random.default_rng(arguments.seed)
    madgraph = relabel(read_madgraph_sample(arguments.data / FILES[process], SQRT_S, MASS), random)
    for label, sample in (
        ("alpha_s^-n", at_fixed_coupling(madgraph)),
        ("unweighted", madgraph),
    ):
        if process == "four_gluino":
            mass, deviation, error = largest_deviation(embedded, sample)
            print(f"{process}, {label}: m(g1 g2) differs most at {mass:.0f} GeV,", end=" ")
            print(f"by {100 * deviation:+.1f} +- {100 * error:.1f} %")
        for row in compare_events(embedded, sample):
            ks = ("-", "-") if row.ks is None else (f"{row.ks:.5f}", f"{row.ks_p:.3g}")
            chi2 = (f"{row.chi2:.1f}", row.degrees, f"{row.chi2_p:.3g}")
            print(ROW.format(process, label, row.observable, *chi2, *ks))
    compare_process_colours(process, relabel(embedded, random), at_fixed_coupling(madgraph))


def compare_process_colours(process: str, embedded: Events, madgraph: Events) -> None:
    """Print how the colours of MadGraph's events differ, at fixed coupling."""
    row = compare_colours(embedded, madgraph)
    print(f"{process}: colour orders, chi2 {row.chi2:.1f}, dof {row.degrees}, p {row.chi2_p:.3g}")
    print("position of gluon 2 after gluon 1 in the trace: embedded, MadGraph, difference in %")
    (ours, our_error), (theirs, their_error) = map(second_gluon_places, (embedded, madgraph))
    ratio = theirs / ours
    error = ratio * np.hypot(our_error / ours, their_error / theirs)
    rows = zip(ours, our_error, theirs, their_error, 100 * (ratio - 1), 100 * error, strict=True)
    for place, values in enumerate(rows, start=1):
        print(PLACED.format(process, f"place {place}", *values))
    for name, events in (("embedded", embedded), ("MadGraph", madgraph)):
        excess = colour_excess(events, GIVEN_EVENTS)
        print(f"{process}, {name}: log p(c | x, h) of its colours minus expectation:", end=" ")
        print(f"{excess.value:+.4f} +- {excess.error:.4f} nats")


def colour_excess(events: Events, count: int) -> Estimate:
    """How much more probable colours are than if drawn in proportion to |A_c,h|^2 [nats].

    This is the mean of log p(c | x, h) minus its expectation at the same kinematics and helicities.
    """
    if events.helicities is None or events.colour_order is None:
        raise ValueError("the events have no labels; use labelled events")
    momenta = torch.from_numpy(events.momenta[:count])
    rows = torch.from_numpy(helicity_code(events.helicities[:count]))
    chosen = torch.from_numpy(lehmer_code(events.colour_order[:count]))
    probabilities = colour_probabilities(momenta, rows, MASS)
    logarithms = probabilities.log()
    expected = (probabilities * logarithms).sum(1)
    return mean_with_error((logarithms.gather(1, chosen[:, None])[:, 0] - expected).numpy())


def largest_deviation(embedded: Events, madgraph: Events) -> tuple[float, float, float]:
    """Find the bin of the digluino mass in which MadGraph's events deviate most.

    Returns:
        Its centre [GeV], the relative deviation and its standard error; bins with an error above
        2 % do not count.
    """
    edges = np.linspace(1220.0, 1770.0, 23)
    density, variance = zip(
        *(spectrum(events, edges) for events in (embedded, madgraph)), strict=True
    )
    ratio = density[1] / density[0]
    error = ratio * np.sqrt(sum(v / d**2 for v, d in zip(variance, density, strict=True)))
    deviation = np.where(error < 0.02, ratio - 1, 0.0)
    largest = int(np.abs(deviation).argmax())
    centre = (edges[largest] + edges[largest + 1]) / 2
    return centre, float(deviation[largest]), float(error[largest])


def spectrum(events: Events, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normalised histogram of the mass of the first two gluinos and its variance."""
    mass = invariant_mass(events.momenta[:, 0] + events.momenta[:, 1])
    weights = np.ones(len(events)) if events.weights is None else events.weights
    counts = np.histogram(mass, edges, weights=weights)[0]
    squares = np.histogram(mass, edges, weights=weights**2)[0]
    return counts / weights.sum(), squares / weights.sum() ** 2


if __name__ == "__main__":
    main()
