"""Speed of reading reconstructed events, on one thread.

Usage: python benchmarks/readers.py [--events 100000]
Challenge CSV: lines per CPU second of the reader and of a plain parser that reads line by line.
Delphes ROOT: time of the reader, with its selection, over that of uproot reading the same branches.
Event files: events per CPU second, and bytes per event. The events are made up, but have the
multiplicities of channel 3 of the challenge.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from machine import processor

from hepdensity.ingest.challenge_csv import read_challenge_csv, write_challenge_csv
from hepdensity.ingest.delphes import OPTIONAL, REQUIRED, TREE, read_delphes
from hepdensity.ingest.object_file import ObjectWriter, iterate_objects
from hepdensity.physics.objects import LABELS, MOST_OBJECTS

MEAN_COUNTS = {"Jet": 4.5, "Electron": 0.4, "Muon": 0.4, "Photon": 0.3}
ABSENT_OBJECT = (np.nan,) * 4 + (0,)
LEAVES = {"Jet": ("Mass", "BTag"), "Electron": ("Charge",), "Muon": ("Charge",), "Photon": ("E",)}


def main() -> None:
    """Print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="events in each file")
    parser.add_argument("--repeats", type=int, default=5, help="measurements; the best counts")
    arguments = parser.parse_args()
    print(processor())
    with tempfile.TemporaryDirectory() as folder:
        root, csv, hdf = (Path(folder) / f"events.{suffix}" for suffix in ("root", "csv", "h5"))
        write_root(root, arguments.events)
        kept = write_challenge_csv(csv, read_delphes(root))
        report_csv(csv, kept, arguments.repeats)
        report_root(root, arguments.events, arguments.repeats)
        report_hdf(hdf, csv, kept, arguments.repeats)


def report_csv(path: Path, lines: int, repeats: int) -> None:
    """Print the rates of two readers of the same CSV file."""
    size = path.stat().st_size / lines
    fast = lines / best(lambda: consume(read_challenge_csv(path)), repeats)
    plain = lines / best(lambda: consume(read_line_by_line(path)), repeats)
    print(f"challenge CSV ({size:.0f} bytes per line), lines per CPU second")
    print(f"  read_challenge_csv {fast:12,.0f}")
    print(f"  line by line       {plain:12,.0f}   ratio {fast / plain:.1f}")


def report_root(path: Path, events: int, repeats: int) -> None:
    """Print the times of two ways to read a ROOT file."""
    chunk = 20_000

    def bare() -> Iterator[Any]:
        with uproot.open(path) as file:
            names = [name for name in (*REQUIRED, *OPTIONAL) if name in file[TREE]]
            yield from file[TREE].iterate(names, step_size=chunk)

    # Both are measured in turn, so that a change of the clock of the processor hits both.
    pairs = [
        (best(lambda: consume(bare()), 1), best(lambda: consume(read_delphes(path, chunk)), 1))
        for _ in range(repeats)
    ]
    ours, theirs = min(pair[1] for pair in pairs), min(pair[0] for pair in pairs)
    print("Delphes ROOT, events per CPU second")
    print(f"  read_delphes       {events / ours:12,.0f}")
    print(f"  uproot alone       {events / theirs:12,.0f}   ratio of times {ours / theirs:.2f}")


def report_hdf(path: Path, csv: Path, events: int, repeats: int) -> None:
    """Print the rates of writing and reading event files."""
    chunks = list(read_challenge_csv(csv))

    def write() -> None:
        with ObjectWriter(path, {}) as writer:
            for chunk in chunks:
                writer.append(chunk)

    written = events / best(write, repeats)
    read = events / best(lambda: consume(iterate_objects(path)), repeats)
    print(f"event file ({path.stat().st_size / events:.0f} bytes per event), per CPU second")
    print(f"  written            {written:12,.0f}")
    print(f"  read               {read:12,.0f}")


def read_line_by_line(path: Path, chunk: int = 20_000) -> Iterator[list[np.ndarray]]:
    """A plain parser of valid files, without any check, into arrays as the reader gives them."""
    types = {label: i + 1 for i, label in enumerate(LABELS)}
    headers, names, rows = [], [], []
    with path.open(encoding="utf-8") as file:
        for line in file:
            identity, process, *header, rest = line.rstrip().rstrip(";").split(";", 5)
            objects = []
            for text in rest.split(";"):
                label, *numbers = text.split(",")
                energy, pt, eta, phi = map(float, numbers)
                objects.append((pt / 1000, energy / 1000, eta, phi, types[label]))
            objects.sort(reverse=True)
            rows.append((objects + [ABSENT_OBJECT] * MOST_OBJECTS)[:MOST_OBJECTS])
            headers.append((int(identity), *map(float, header)))
            names.append(process)
            if len(rows) == chunk:
                yield [np.array(part) for part in (headers, names, rows)]
                headers, names, rows = [], [], []
    yield [np.array(part) for part in (headers, names, rows)]


def write_root(path: Path, events: int) -> None:
    """Write made-up events with the branches that the reader needs."""
    numbers = np.random.default_rng(1)
    columns: dict[str, Any] = {
        "Event": ones(events, Weight=np.ones(events), Number=np.arange(events)),
        "MissingET": ones(
            events, MET=numbers.exponential(80, events), Phi=numbers.uniform(-3, 3, events)
        ),
    }
    for name, mean in MEAN_COUNTS.items():
        counts = numbers.poisson(mean, events)
        total = int(counts.sum())
        leaves: dict[str, np.ndarray] = {
            "PT": 15 + numbers.exponential(80, total),
            "Eta": numbers.normal(0, 1.3, total),
            "Phi": numbers.uniform(-3, 3, total),
        }
        for leaf in LEAVES[name]:
            leaves[leaf] = numbers.integers(0, 2, total) if leaf != "E" else 300 + leaves["PT"]
        columns[name] = zipped(leaves, counts)
    with uproot.recreate(path) as file:
        file.mktree(
            TREE,
            {name: array.type for name, array in columns.items()},
            counter_name=lambda name: f"{name}_size",
            field_name=lambda outer, inner: f"{outer}.{inner}",
        )
        for start in range(0, events, 10_000):
            part = slice(start, start + 10_000)
            file[TREE].extend({name: array[part] for name, array in columns.items()})


def ones(events: int, **leaves: np.ndarray) -> Any:
    """A collection with one object per event."""
    return zipped(leaves, np.ones(events, dtype=np.int64))


def zipped(leaves: Mapping[str, np.ndarray], counts: np.ndarray) -> Any:
    """A collection in single precision, as Delphes has it."""
    kinds = {"Number": np.int64, "BTag": np.uint32, "Charge": np.int32}
    typed = {leaf: values.astype(kinds.get(leaf, np.float32)) for leaf, values in leaves.items()}
    return ak.zip({leaf: ak.unflatten(values, counts) for leaf, values in typed.items()})


def consume(chunks: Iterator[Any]) -> None:
    """Go through an iterator to its end."""
    for _ in chunks:
        pass


def best(task: Callable[[], object], repeats: int) -> float:
    """Shortest CPU time of a task [s]."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
