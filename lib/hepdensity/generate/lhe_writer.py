"""Write events as a standard Les Houches Event file, version 3 (Alwall et al., hep-ph/0609017)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast
from xml.sax.saxutils import escape

import numpy as np

from hepdensity.files import atomic_path
from hepdensity.physics.colour_order import order_to_tags
from hepdensity.physics.events import N_INCOMING, Events, Particle

GENERATOR = "hepdensity"
PROCESS_ID = 1
UNWEIGHTED, WEIGHTED = 3, 4
"""Weighting strategies (IDWTUP) of the Les Houches accord: unit weights, or given weights."""

NO_SCALE = -1.0
"""SCALUP of events without a factorisation scale, as the accord defines it."""

BLOCK_EVENTS = 1000
COMPRESSION = 1
"""Digits hardly compress: the default level takes four times as long for another 13 %."""


def write_lhe(
    path: str | Path,
    events: Events,
    provenance: Mapping[str, Any] | None = None,
    scale: float = NO_SCALE,
) -> None:
    """Write events as LHE, compressed if the name ends in `.gz`; the file appears once complete.

    Momenta keep all digits of a double. The same events give the same bytes.

    Args:
        path: File to write.
        events: Events with helicities, colour order, alpha_s and cross-section.
        provenance: Run record for the header.
        scale: SCALUP of all events [GeV].

    Raises:
        ValueError: If the events lack what an LHE file needs.
    """
    required = ("helicities", "colour_order", "alpha_s", "cross_section", "cross_section_error")
    missing = [name for name in required if getattr(events, name) is None]
    if missing:
        raise ValueError(f"{path}: events without {', '.join(missing)} cannot be written as LHE")
    with atomic_path(path) as temporary, _open_text(temporary) as file:
        file.write(_preamble(events, provenance or {}).encode())
        for block in _event_blocks(events, scale):
            file.write(block.encode())
        file.write(b"</LesHouchesEvents>\n")


@contextmanager
def _open_text(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        # No name or time in the gzip header, so that the bytes depend on the events only.
        with gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as packed:
            yield cast(IO[bytes], packed)


def _preamble(events: Events, provenance: Mapping[str, Any]) -> str:
    beam = events.sqrt_s / 2
    strategy = UNWEIGHTED if events.weights is None else WEIGHTED
    largest = 1.0 if events.weights is None else float(events.weights.max())
    record = escape(json.dumps(provenance, sort_keys=True))
    version = provenance.get("versions", {}).get(GENERATOR, "")
    return (
        '<LesHouchesEvents version="3.0">\n'
        f"<header>\n<hepdensity>{record}</hepdensity>\n</header>\n"
        "<init>\n"
        f"{Particle.GLUON:d} {Particle.GLUON:d} {beam:.17g} {beam:.17g} 0 0 0 0 {strategy} 1\n"
        f"{events.cross_section:.17g} {events.cross_section_error:.17g} {largest:.17g}"
        f" {PROCESS_ID}\n"
        f'<generator name="{GENERATOR}" version="{version}">exact tree level</generator>\n'
        "</init>\n"
    )


def _event_template(n_out: int) -> str:
    """Format of one event; the momenta of the incoming gluons follow from the beam energy."""
    legs = N_INCOMING + n_out
    incoming = f"{Particle.GLUON:d} -1 0 0 %d %d 0 0 %.17g %.17g 0 0 %d\n" * N_INCOMING
    outgoing = f"{Particle.GLUINO:d} 1 1 2 %d %d %.17g %.17g %.17g %.17g %.17g 0 %d\n" * n_out
    event = f"{legs} {PROCESS_ID} %.17g %.17g -1 %.17g\n"
    return f"<event>\n{event}{incoming}{outgoing}</event>\n"


def _event_columns(events: Events, scale: float) -> np.ndarray:
    """All numbers of the events in the order of `_event_template`, shape (n, columns)."""
    assert events.helicities is not None and events.colour_order is not None
    assert events.alpha_s is not None
    n, beam = len(events), events.sqrt_s / 2
    tags = order_to_tags(events.colour_order)
    weights = np.ones(n) if events.weights is None else events.weights
    columns: list[np.ndarray] = [weights, np.full(n, scale), events.alpha_s]
    for leg, sign in enumerate((1, -1)):
        columns += [*tags[:, leg].T, np.full(n, sign * beam), np.full(n, beam)]
        columns += [events.helicities[:, leg]]
    for i in range(events.n_out):
        leg = N_INCOMING + i
        energy, px, py, pz = events.momenta[:, i].T
        columns += [*tags[:, leg].T, px, py, pz, energy, np.full(n, events.mass)]
        columns += [events.helicities[:, leg]]
    return np.column_stack(columns)


def _event_blocks(events: Events, scale: float) -> Iterator[str]:
    template = _event_template(events.n_out)
    columns = _event_columns(events, scale)
    for start in range(0, len(events), BLOCK_EVENTS):
        block = columns[start : start + BLOCK_EVENTS]
        yield template * len(block) % tuple(block.ravel().tolist())
