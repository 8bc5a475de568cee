"""Where the events of the Dark Machines study come from: our simulation, or files of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hepdensity.files import expanded, identity
from hepdensity.study import Study as BaseStudy

SIMULATED, FILES = "simulated", "files"
"""Sources of events."""

ROLES = ("tuning", "final")
"""Roles of signals: scores are chosen with the first ones, and tables report both."""

UNLABELLED = "unlabelled"
"""Group of events without labels."""


def is_remote(name: str) -> bool:
    """Whether the name of a file is an address."""
    return "://" in name


class EventSources(BaseStudy):
    """What the workflow must know of the events, apart from datasets."""

    @property
    def source(self) -> str:
        """Where events come from: "simulated" or "files"."""
        return str(self.settings["source"])

    @property
    def given(self) -> Mapping[str, Any]:
        """Backgrounds and signals of each channel, from the section of the source."""
        section: Mapping[str, Any] = self.settings[self.source]
        return section

    @property
    def scale(self) -> Mapping[str, Mapping[str, float]]:
        """Channel -> process -> factor on its cross-section; 1 for all others."""
        found: Mapping[str, Mapping[str, float]] = self.given.get("scale", {})
        return found

    def backgrounds(self, channel: str) -> list[str]:
        """Background processes of a channel."""
        return list(self.given["backgrounds"].get(channel, ()))

    def signals(self, channel: str) -> dict[str, str]:
        """Signals of a channel, with their roles."""
        given = self.given["signals"].get(channel, {})
        return {name: role for role in ROLES for name in given.get(role, ())}

    def unlabelled(self, channel: str) -> list[str]:
        """Unlabelled events of a channel."""
        return list(self.given.get(UNLABELLED, {}).get(channel, ()))

    def channels(self) -> list[str]:
        """Channels of the active datasets."""
        raise NotImplementedError

    def members(self, channel: str) -> list[tuple[str, str | None]]:
        """Processes of a channel, and the group of each; None for background processes."""
        return [
            *((name, None) for name in self.backgrounds(channel)),
            *((name, name) for name in self.signals(channel)),
            *((name, UNLABELLED) for name in self.unlabelled(channel)),
        ]

    def processes(self, form: str | None = None) -> list[str]:
        """Processes whose events the active datasets need.

        Args:
            form: Only those of this form: "simulated", "root", "csv" or "hepmc".
        """
        channels = self.channels()
        found = sorted({name for channel in channels for name, _ in self.members(channel)})
        return [name for name in found if form is None or self.form_of(name) == form]

    def form_of(self, process: str) -> str:
        """Where the events of a process come from: the simulation, or the format of their file."""
        if self.source == SIMULATED:
            return SIMULATED
        return str(self.given_process(process)["format"])

    def given_process(self, name: str) -> Mapping[str, Any]:
        """What the user says about a process of source "files"."""
        found: Mapping[str, Any] = self.settings[FILES]["processes"][name]
        return found

    def events(self, process: str, kind: str = "h5") -> str:
        """Event file of a process, or its record (`kind` "json")."""
        return f"{self.folder}/events/{self.form_of(process)}/{process}.{kind}"

    def chunks(self, process: str) -> list[int]:
        """Number of events in each chunk of a simulated process; the last may be smaller."""
        given = self.settings[SIMULATED]
        size, total = given["chunk"], given["events"][process]
        return [min(size, total - start) for start in range(0, total, size)]

    def chunk_files(self, process: str, kind: str) -> list[str]:
        """Files of the chunks of a simulated process."""
        base = f"{self.folder}/events/{SIMULATED}/{process}/chunk"
        return [f"{base}{chunk}.{kind}" for chunk in range(len(self.chunks(process)))]

    def all_chunk_files(self, kind: str) -> list[str]:
        """Files of the chunks of all simulated processes that are needed, in order."""
        return [path for name in self.processes(SIMULATED) for path in self.chunk_files(name, kind)]

    def generation(self, process: str, chunk: int) -> dict[str, Any]:
        """Settings of the simulation of a chunk."""
        given = self.settings[SIMULATED]
        interactions = "on" if given["multiparton"] else "off"
        return {
            **{"sample": process, "chunk": chunk, "events": self.chunks(process)[chunk]},
            **{"seed": self.settings["seed"], "jet_radius": given["radius"]},
            **{"met_eta": given["met_eta"]},
            **{"everything": False, "eflow": False},
            "settings": [
                *(f"PartonLevel:MPI = {interactions}", "TauDecays:mode = 0"),
                *given["pythia"],
            ],
            "channels": self.settings["channels"],
        }

    def closure(self) -> dict[str, Any]:
        """Settings of the check of the detector."""
        given = self.settings[SIMULATED]
        counts = {key: given["closure"][key] for key in ("particles", "events")}
        return {**counts, "seed": self.settings["seed"], "jet_radius": given["radius"]}

    def external_processes(self) -> list[str]:
        """Needed processes that a command of the user makes."""
        if self.source == SIMULATED:
            return []
        return [name for name in self.processes() if self.given_process(name).get("command")]

    def external(self, process: str) -> dict[str, Any]:
        """Settings of the command of the user that makes the events of a process."""
        given = self.given_process(process)
        return {key: given.get(key) for key in ("command", "makes")}

    def files(self, process: str) -> list[str]:
        """Local files of a process: the user's, or the one that the user's command makes."""
        given = self.given_process(process)
        if given.get("command"):
            return [f"{self.folder}/events/external/{process}.{given['format']}"]
        return [str(expanded(name)) for name in given["files"] if not is_remote(name)]

    def ingestion(self, process: str) -> dict[str, Any]:
        """Settings of the ingestion of a process, with the identities of the user's files."""
        if self.source == SIMULATED:
            return {"process": process}
        given = self.given_process(process)
        own = [] if given.get("command") else self.files(process)
        return {
            **{key: given.get(key) for key in ("cross_section", "generated", "member")},
            **{"process": process, "seed": self.settings["seed"]},
            "largest_skipped": self.settings["largest_skipped"],
            "jet_radius": self.settings[SIMULATED]["radius"],
            "met_eta": self.settings[SIMULATED]["met_eta"],
            "remote": [name for name in given.get("files", ()) if is_remote(name)],
            "files": [identity(name) for name in own],
        }
