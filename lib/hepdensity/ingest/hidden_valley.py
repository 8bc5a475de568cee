"""Read text files of jets as Mikuni and Nachman (2024, arXiv:2306.03933) use for hidden valleys.

A line is a jet: two whole numbers, the letter J and ten numbers, the first four of which are the
pT [GeV], pseudorapidity, azimuth [rad] and mass [GeV] of the jet; then, for each constituent, the
letter P and its pT, pseudorapidity and azimuth. The other numbers are not used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from hepdensity.ingest.compression import damage_as_fault, open_plain
from hepdensity.ingest.irregular import MOST_IRREGULAR
from hepdensity.ingest.jet_gathering import JetGatherer, JetHeads
from hepdensity.ingest.validation import Fault, place_error
from hepdensity.physics.constituents import NO_PART, ConstituentJets, JetForm
from hepdensity.physics.jet_finding import massless

CHUNK_JETS = 2_000
LABEL = "hidden_valley"
NOT_POSITIVE = "a constituent has no positive pT"

_HEAD, _JET_NUMBERS, _GROUP = 3, 10, 4
_REMEDY = "correct the line, or write the file anew"
_Line = tuple[list[float], list[float]]


def read_hidden_valley(
    path: str | Path,
    form: JetForm | None = None,
    label: str = LABEL,
    chunk_jets: int = CHUNK_JETS,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ConstituentJets]:
    """Read jets from a text file.

    Constituents count as massless and may stand in any order. If jets are made from all
    constituents, their momenta are those that the file tells of them. Left out and counted as
    irregular are jets without constituents, with a number that is not finite, or with a constituent
    without a positive pT.

    Args:
        path: A file, plain or compressed with gzip, bzip2 or xz.
        form: What to store of jets, and which jets are wanted.
        label: Name of the process.
        chunk_jets: Number of jets to read at a time.
        counts: Receives the numbers of jets `"read"`, `"kept"`, and left out for each reason.
        most_irregular: Largest fraction of irregular jets.

    Yields:
        Jets; `event_id` is the place of the jet in the file, counted from 0, and the weight is 1.

    Raises:
        ValueError: If the file cannot be opened, is damaged or cut off, has a line of another form
            or too many irregular jets, or no jet is kept.
    """
    form = form or JetForm()
    gatherer = JetGatherer(path, form, most_irregular)
    lines = _lines(path)
    start = 0
    while batch := list(islice(lines, chunk_jets)):
        n = len(batch)
        groups = [np.array(numbers, dtype=np.float64).reshape(-1, 3) for _, numbers in batch]
        offsets = np.concatenate([[0], np.cumsum([len(group) for group in groups])])
        pt, eta, phi = np.concatenate(groups).T
        bad = np.repeat(np.arange(n), np.diff(offsets))[~(pt > 0)]
        heads = JetHeads(
            label=np.full(n, label),
            weight=np.ones(n),
            event_id=np.arange(start, start + n),
            jet_id=np.zeros(n, dtype=np.int64),
            part=np.full(n, NO_PART, dtype=np.int8),
        )
        # Absurd values must not warn here; they are counted as not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            momentum = massless(pt, eta, phi)
        given = np.array([jet[:4] for jet, _ in batch])
        faults = {NOT_POSITIVE: np.bincount(bad, minlength=n) > 0}
        jets = gatherer.gather(momentum, offsets, heads, given, faults)
        start += n
        if len(jets):
            yield jets
    gatherer.conclude(counts)


def _lines(path: str | Path) -> Iterator[_Line]:
    """Numbers of the jet and of its constituents, line by line; empty lines are passed over."""
    number = 0
    with open_plain(path) as file:
        try:
            while True:
                with damage_as_fault():
                    line = file.readline()
                if not line:
                    return
                number += 1
                if line.strip():
                    if not line.endswith(b"\n"):
                        raise Fault(
                            "the file ends within the line",
                            "copy it again, or end the line if it is complete",
                        )
                    yield _parsed(line)
        except Fault as fault:
            place = f"line {max(number, 1)}"
            raise place_error(path, place, fault.problem, fault.remedy) from fault


def _parsed(line: bytes) -> _Line:
    words = line.split()
    groups = words[_HEAD + _JET_NUMBERS :]
    if len(words) < _HEAD + _JET_NUMBERS or words[2] != b"J":
        raise Fault("it does not begin with two whole numbers, J and ten numbers", _REMEDY)
    if len(groups) % _GROUP or any(word != b"P" for word in groups[::_GROUP]):
        raise Fault("constituents are not groups of P, pT, eta and phi", _REMEDY)
    try:
        jet = [float(word) for word in words[_HEAD : _HEAD + _JET_NUMBERS]]
        int(words[0]), int(words[1])
        numbers = [float(word) for i, word in enumerate(groups) if i % _GROUP]
    except ValueError as error:
        raise Fault(f"a word is not a number ({error})", _REMEDY) from error
    return jet, numbers
