"""Speed of the simulation with the detector against Pythia alone, per CPU second on one thread.

Usage: python benchmarks/detector.py [--events 2000] [--multiparton]
The columns are the rates of Pythia alone (its `next`), of the detector with jets and selection
alone, and of all of it together from Pythia to selected objects; the last is their ratio, which
should be at least 0.6.
"""

import argparse
import time
from collections.abc import Callable, Iterable

import pythia8mc
from machine import describe

from hepdensity.generate.pythia import PythiaRun
from hepdensity.physics.detector.objects import objects_of
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.particles import Particles

_LEPTONIC = ("23:onMode = off", "23:onIfAny = 11 13", "24:onMode = off", "24:onIfAny = 11 13")
PROCESSES = {
    "QCD, pT > 600 GeV": ("HardQCD:all = on", "PhaseSpace:pTHatMin = 600"),
    "b pairs, pT > 100 GeV": ("HardQCD:hardbbbar = on", "PhaseSpace:pTHatMin = 100"),
    "top pairs": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "W + jet, pT > 100 GeV": (
        *("WeakBosonAndParton:qqbar2Wg = on", "WeakBosonAndParton:qg2Wq = on"),
        *("PhaseSpace:pTHatMin = 100", *_LEPTONIC),
    ),
    "Z + jet, pT > 100 GeV": (
        *("WeakBosonAndParton:qqbar2gmZg = on", "WeakBosonAndParton:qg2gmZq = on"),
        *("PhaseSpace:pTHatMin = 100", *_LEPTONIC),
    ),
    "photon + jet, pT > 100 GeV": ("PromptPhoton:all = on", "PhaseSpace:pTHatMin = 100"),
    "W Z": ("WeakDoubleBoson:ffbar2ZW = on", *_LEPTONIC),
    "W W": ("WeakDoubleBoson:ffbar2WW = on", *_LEPTONIC),
}
SEED = 1


def main() -> None:
    """Print a table of rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000, help="events per process")
    parser.add_argument("--multiparton", action="store_true", help="with multiparton interactions")
    arguments = parser.parse_args()
    print(describe())
    switch = f"PartonLevel:MPI = {'on' if arguments.multiparton else 'off'}"
    compile_everything(switch)
    print(f"{'process':<28} {'Pythia':>9} {'detector':>9} {'together':>9} {'ratio':>7}")
    for name, lines in PROCESSES.items():
        settings = ("Beams:eCM = 13000", switch, *lines)
        bare, detector, together = rates(settings, arguments.events)
        ratio = together / bare
        print(f"{name:<28} {bare:>9,.0f} {detector:>9,.0f} {together:>9,.0f} {ratio:>7.2f}")


def rates(settings: tuple[str, ...], n_events: int) -> tuple[float, float, float]:
    """Events per second of Pythia, of the detector, and of both."""
    batches: list[Particles] = []
    run = PythiaRun(settings, SEED)
    generating = seconds(lambda: batches.extend(run.batches(n_events)))
    detecting = seconds(lambda: detect(batches))
    bare = bare_pythia(settings, n_events)
    return n_events / bare, n_events / detecting, n_events / (generating + detecting)


def detect(batches: Iterable[Particles]) -> None:
    """From particles to selected objects."""
    for particles in batches:
        objects_of(reconstruct(particles, SEED), "benchmark")


def bare_pythia(settings: tuple[str, ...], n_events: int) -> float:
    """Seconds that Pythia needs for its events, without taking them."""
    pythia = pythia8mc.Pythia("", False)
    for line in ("Print:quiet = on", "Random:setSeed = on", f"Random:seed = {SEED}", *settings):
        pythia.readString(line)
    pythia.init()
    return seconds(lambda: [pythia.next() for _ in range(n_events)])


def compile_everything(switch: str) -> None:
    """Compile the functions of the detector, or load them, before any measurement."""
    settings = ("Beams:eCM = 13000", switch, *PROCESSES["top pairs"])
    detect(PythiaRun(settings, SEED).batches(20))


def seconds(task: Callable[[], object]) -> float:
    """CPU seconds that a task takes."""
    start = time.process_time()
    task()
    return time.process_time() - start


if __name__ == "__main__":
    main()
