"""Speed of simulating and reading jets, on one thread, in CPU time.

Usage: python benchmarks/jets.py [--events 300] [--jets 4000]
Simulation: events per second of the simulation, with the detector, the jets and the ROOT file, and
of bare Pythia with FastJet on the stable particles of the same events; both with the same vetoes.
Files: jets per second of each reader. The jets are made up, with 50 constituents on average.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from machine import processor

from hepdensity.generate.pythia import PythiaRun, particles_of
from hepdensity.ingest.delphes_jets import read_delphes_jets
from hepdensity.ingest.hidden_valley import read_hidden_valley
from hepdensity.ingest.jet_file import JetWriter, iterate_jets
from hepdensity.ingest.top_tagging import read_top_tagging
from hepdensity.physics.constituents import ConstituentJets, JetForm, JetWindow
from hepdensity.physics.jagged import subset
from hepdensity.physics.jets import anti_kt
from hepdensity.studies.jets.processes import PROCESSES, JetProcess
from hepdensity.studies.jets.simulation import simulate_jets

NEUTRINOS = (12, 14, 16)
PLACES = 200
MEAN_CONSTITUENTS = 50


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300, help="events per measurement")
    parser.add_argument("--jets", type=int, default=4_000, help="jets in each file")
    parser.add_argument("--repeats", type=int, default=3, help="measurements; the best counts")
    arguments = parser.parse_args()
    print(processor())
    with tempfile.TemporaryDirectory() as folder:
        for process in PROCESSES.values():
            report_simulation(process, Path(folder), arguments.events, arguments.repeats)
        report_files(Path(folder), arguments.jets, arguments.repeats)


def report_simulation(process: JetProcess, folder: Path, events: int, repeats: int) -> None:
    """Print how the simulation compares with Pythia and FastJet alone."""
    path = folder / f"{process.name}.root"
    generation = {
        **{"process": process.name, "chunk": 0, "events": 10, "seed": 1, "settings": []},
        **{"radius": 0.8, "min_candidate_pt": 0.5, "pt": [550, 650], "eta": 2.0},
    }
    simulate_jets(generation, path)  # compiles
    generation["events"] = events
    bare, ours, reading = [], [], []
    # In turn, so that a change of the clock of the processor hits all.
    for _ in range(repeats):
        bare.append(seconds(lambda: pythia_and_fastjet(process, events)))
        ours.append(seconds(lambda: simulate_jets(generation, path)))
        reading.append(seconds(lambda: consume(read_back(path, process))))
    jets = sum(map(len, read_back(path, process)))
    total = min(ours) + min(reading)
    print(f"{process.name}, {events} events, {jets} jets; per CPU second, Pythia's start included")
    print(f"  Pythia and FastJet   {events / min(bare):8.0f} events")
    print(f"  simulation           {events / min(ours):8.0f} events   {jets / min(ours):6.0f} jets")
    print(f"  and read back        {events / total:8.0f} events   {jets / total:6.0f} jets")
    print(f"  ratio of rates       {min(bare) / min(ours):8.2f}, read back {min(bare) / total:.2f}")


def read_back(path: Path, process: JetProcess) -> Iterator[ConstituentJets]:
    """Jets of a simulated file."""
    form = JetForm(window=JetWindow())
    return read_delphes_jets(path, form, label=process.name, matched=process.matched)


def pythia_and_fastjet(process: JetProcess, events: int) -> None:
    """Generate events, and find jets in their stable, visible particles."""
    run = PythiaRun(process.settings, 1, activity=process.activity)
    for first, record in run.records(events):
        particles = particles_of(record, first)
        visible = particles.final & ~np.isin(np.abs(particles.pdg_id), NEUTRINOS)
        chosen = np.flatnonzero(visible)
        columns = (particles.px, particles.py, particles.pz, particles.energy)
        momentum = np.stack([column[chosen] for column in columns], axis=1)
        anti_kt(momentum, subset(particles.offsets, chosen), 0.8, 400.0)


def report_files(folder: Path, jets: int, repeats: int) -> None:
    """Print the rates of the readers of files."""
    momenta = made_up(jets)
    table, text, file = (folder / name for name in ("train.h5", "hv.txt", "jets.h5"))
    write_table(table, momenta)
    write_text(text, momenta)
    chunks = list(read_top_tagging(table))

    def write() -> None:
        with JetWriter(file, {}) as writer:
            for chunk in chunks:
                writer.append(chunk)

    rates = {
        "top-tagging table": best(lambda: consume(read_top_tagging(table)), repeats),
        "hidden-valley text": best(lambda: consume(read_hidden_valley(text)), repeats),
        "jet file, written": best(write, repeats),
        "jet file, read": best(lambda: consume(iterate_jets(file)), repeats),
    }
    print(f"jets per CPU second ({file.stat().st_size / jets:.0f} bytes per jet in a jet file)")
    for name, duration in rates.items():
        print(f"  {name:<20} {jets / duration:8.0f}")


def made_up(jets: int) -> np.ndarray:
    """Momenta (E, px, py, pz) [GeV], sorted by pT and filled up with zeros."""
    numbers = np.random.default_rng(1)
    pt = -np.sort(-numbers.exponential(1.0, (jets, PLACES)), axis=1)
    pt[np.arange(PLACES) >= numbers.poisson(MEAN_CONSTITUENTS, (jets, 1)) + 1] = 0
    pt *= 600 / pt.sum(axis=1, keepdims=True)
    eta = numbers.uniform(-1.5, 1.5, (jets, 1)) + numbers.normal(0, 0.2, pt.shape)
    phi = numbers.uniform(-2, 2, (jets, 1)) + numbers.normal(0, 0.2, pt.shape)
    parts = (pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    return np.stack(parts, axis=2).astype(np.float32)


def write_table(path: Path, momenta: np.ndarray) -> None:
    """Write jets as the top-tagging data set has them."""
    n = len(momenta)
    names = [f"{name}_{i}" for i in range(PLACES) for name in ("E", "PX", "PY", "PZ")]
    fields = [("index", "<i8"), ("values_block_0", "<f4", (len(names),))]
    rows = np.zeros(n, dtype=[*fields, ("values_block_1", "<i8", (2,))])
    rows["values_block_0"] = momenta.reshape(n, -1)
    with h5py.File(path, "w") as file:
        table = file.create_dataset("table/table", data=rows, chunks=(32,), compression="gzip")
        for i, block in enumerate((names, ["ttv", "is_signal_new"])):
            pickled = (
                "(lp0\n" + "".join(f"V{name}\np{k + 1}\na" for k, name in enumerate(block)) + "."
            )
            table.attrs[f"values_block_{i}_kind"] = np.bytes_(pickled.encode())


def write_text(path: Path, momenta: np.ndarray) -> None:
    """Write jets as hidden-valley text."""
    pt = np.hypot(momenta[:, :, 1], momenta[:, :, 2])
    eta = np.arcsinh(momenta[:, :, 3] / np.maximum(pt, 1e-9))
    phi = np.arctan2(momenta[:, :, 2], momenta[:, :, 1])
    with path.open("w", encoding="utf-8") as file:
        for i in range(len(momenta)):
            rows = np.stack([pt[i], eta[i], phi[i]], axis=1)[pt[i] > 0]
            groups = "".join(f" P {a:.6g} {b:.6g} {c:.6g}" for a, b, c in rows.tolist())
            file.write(f"{i} 0 J 600 {eta[i, 0]:.6g} {phi[i, 0]:.6g} 80 0 0 0 0 0 0{groups}\n")


def consume(chunks: Iterator[Any]) -> None:
    """Go through an iterator to its end."""
    for _ in chunks:
        pass


def best(task: Callable[[], object], repeats: int) -> float:
    """Shortest CPU time of a task [s]."""
    return min(seconds(task) for _ in range(repeats))


def seconds(task: Callable[[], object]) -> float:
    """CPU time of a task [s]."""
    start = time.process_time()
    task()
    return time.process_time() - start


if __name__ == "__main__":
    main()
