"""Pass a user's HepMC files of one sample through the detector, into an HDF5 event file."""

from collections import Counter
from typing import Any

from hepdensity.files import write_json
from hepdensity.ingest.hepmc import read_hepmc
from hepdensity.logs import configure
from hepdensity.physics.detector.card import ATLAS
from hepdensity.provenance import record
from hepdensity.studies.darkmachines.event_files import write_sample


def main(snakemake: Any) -> None:
    """Ingest the files of one sample; each has its own seed for the detector."""
    configure(snakemake.log[0])
    ingestion = snakemake.params.ingestion
    provenance = record(ingestion, ingestion["seed"], snakemake.params.source)
    card = ATLAS.with_jet_radius(ingestion["jet_radius"]).with_met_eta(ingestion["met_eta"])
    counts: Counter[str] = Counter()
    allowed = {"most_irregular": ingestion["largest_skipped"], "counts": counts}
    events = (
        chunk
        for seed, path in enumerate(snakemake.input.files, ingestion["seed"])
        for chunk in read_hepmc(path, seed, card, process=ingestion["process"], **allowed)
    )
    summary = write_sample(events, snakemake.output.events, provenance, ingestion, counts)
    write_json(snakemake.output.summary, {**summary, "provenance": provenance})


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
