"""Where the jets come from: our simulation, or files of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hepdensity.files import expanded, identity
from hepdensity.studies.jets.processes import events_for
from hepdensity.study import Study as BaseStudy

SIMULATED, FILES = "simulated", "files"
"""Sources of jets."""

FORMATS = ("top_tagging", "hidden_valley", "root", "hepmc")
"""Formats of a user's files."""


class JetSources(BaseStudy):
    """What the workflow must know of the jets, apart from datasets."""

    @property
    def source(self) -> str:
        """Where jets come from: "simulated" or "files"."""
        return str(self.settings["source"])

    def processes(self, form: str | None = None) -> list[str]:
        """Processes whose jets are used.

        Args:
            form: Only those of this form: "simulated", or a format of files.
        """
        names: list[str] = list(self.settings["processes"])
        return [name for name in names if form is None or self.form_of(name) == form]

    def known_processes(self) -> list[str]:
        """Processes that the section of the source defines."""
        if self.source == SIMULATED:
            return list(self.settings[SIMULATED]["jets"])
        return list(self.settings[FILES])

    def form_of(self, process: str) -> str:
        """Where the jets of a process come from: the simulation, or the format of their files."""
        if self.source == SIMULATED:
            return SIMULATED
        return str(self.given_process(process)["format"])

    def given_process(self, name: str) -> Mapping[str, Any]:
        """What the user says about a process of source "files"."""
        found: Mapping[str, Any] = self.settings[FILES][name]
        return found

    def jets(self, process: str, kind: str = "h5") -> str:
        """File of the jets of a process, or its record (`kind` "json")."""
        return f"{self.folder}/jets/{self.form_of(process)}/{process}.{kind}"

    def form(self) -> dict[str, Any]:
        """What is stored of jets, and how they are found."""
        window = self.settings["window"]
        return {
            **{"most": self.settings["constituents"], "jet_from": self.settings["jet_from"]},
            **{"pt": window["pt"], "eta": window["eta"], "min_pt": 0.9 * window["pt"][0]},
            **{key: self.settings[key] for key in ("radius", "min_candidate_pt")},
        }

    # --- simulation -----------------------------------------------------------------------------

    def chunks(self, process: str) -> list[int]:
        """Number of events in each chunk of a simulated process; the last may be smaller."""
        given = self.settings[SIMULATED]
        size, total = given["chunk"], events_for(process, given["jets"][process])
        return [min(size, total - start) for start in range(0, total, size)]

    def chunk_files(self, process: str, kind: str) -> list[str]:
        """Files of the chunks of a simulated process."""
        base = f"{self.folder}/events/{process}/chunk"
        return [f"{base}{chunk}.{kind}" for chunk in range(len(self.chunks(process)))]

    def generation(self, process: str, chunk: int) -> dict[str, Any]:
        """Settings of the simulation of a chunk."""
        return {
            **{"process": process, "chunk": chunk, "events": self.chunks(process)[chunk]},
            **{"seed": self.settings["seed"], "settings": self.settings[SIMULATED]["pythia"]},
            **{key: self.settings[key] for key in ("radius", "min_candidate_pt")},
            **self.settings["window"],
        }

    def ingestion_of_chunks(self, process: str) -> dict[str, Any]:
        """Settings of the ingestion of the chunks of a simulated process."""
        return {"process": process, "chunks": len(self.chunks(process)), **self.form()}

    # --- files ----------------------------------------------------------------------------------

    def files(self, process: str) -> list[str]:
        """Local files of a process."""
        given = self.given_process(process)["files"]
        return [str(expanded(name)) for name in given if "://" not in name]

    def ingestion(self, process: str) -> dict[str, Any]:
        """Settings of the ingestion of a process, with the identities of the user's files."""
        given = self.given_process(process)
        return {
            **{"process": process, "format": given["format"], "seed": self.settings["seed"]},
            **{"label": given.get("label", process), "matched": given.get("matched", False)},
            **self.form(),
            "largest_skipped": self.settings["largest_skipped"],
            "remote": [name for name in given["files"] if "://" in name],
            "files": [identity(name) for name in self.files(process)],
        }
