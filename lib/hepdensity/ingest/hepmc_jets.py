"""Read jets from HepMC files: particles pass the detector, jets are found in what it sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hepdensity.ingest.hepmc import read_particles
from hepdensity.ingest.irregular import MOST_IRREGULAR
from hepdensity.ingest.jet_gathering import JetGatherer, JetHeads
from hepdensity.physics.constituents import NO_PART, ConstituentJets, JetForm
from hepdensity.physics.detector.card import ATLAS, Card
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.jet_finding import JetFinding, jets_of_candidates


def read_hepmc_jets(
    path: str | Path,
    form: JetForm | None = None,
    finding: JetFinding | None = None,
    seed: int = 1,
    card: Card = ATLAS,
    label: str | None = None,
    counts: Counter[str] | None = None,
    most_irregular: float = MOST_IRREGULAR,
) -> Iterator[ConstituentJets]:
    """Read events, pass them through the detector, and keep the jets that are wanted.

    Jets are made of energy-flow candidates. Jets with a weight of 0 or below are irregular.

    Args:
        path: A HepMC file of version 2 or 3, plain or compressed with gzip, bzip2 or xz.
        form: What to store of jets, and which jets are wanted.
        finding: How to find jets.
        seed: Seed of the detector.
        card: The detector.
        label: Name of the process, by default the name of the file without its suffixes.
        counts: Receives the numbers of jets `"read"`, `"kept"`, and left out for each reason.
        most_irregular: Largest fraction of irregular jets.

    Yields:
        Jets; `event_id` is the place of the event in the file, counted from 0.

    Raises:
        ValueError: As in `hepdensity.ingest.hepmc.read_particles`; also if too many jets are
            irregular, or no jet is kept.
    """
    name = Path(path).name.split(".")[0] if label is None else label
    finding = finding or JetFinding()
    gatherer = JetGatherer(path, form or JetForm(), most_irregular)
    for particles in read_particles(path):
        events = reconstruct(particles, seed, card)
        found = jets_of_candidates(events.eflow, finding)
        heads = JetHeads(
            label=np.full(len(found), name),
            weight=events.weight[found.event],
            event_id=events.event_id[found.event],
            jet_id=found.number,
            part=np.full(len(found), NO_PART, dtype=np.int8),
        )
        jets = gatherer.gather(found.momentum, found.offsets, heads)
        if len(jets):
            yield jets
    gatherer.conclude(counts)
