"""What the workflow must know about the Dark Machines study (Verheyen 2022, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hepdensity.files import expanded, identity
from hepdensity.models.kind import ABSENT, CATEGORICAL
from hepdensity.studies.darkmachines.layouts import dataset_parts
from hepdensity.study import Problem, file_problems
from hepdensity.study import Study as BaseStudy

SIMULATED, FILES = "simulated", "files"
"""Sources of events."""

ROLES = ("tuning", "final")
"""Roles of signals: scores are chosen with the first ones, and tables report both."""

ALL_GROUPS = "all"
"""Name of the score files, which hold all groups."""

UNLABELLED = "unlabelled"
"""Group of events without labels."""

OWN_VIEW = "mass"
"""View of the datasets that our kind takes; the others have the columns of the paper."""

OWN_KIND = "object-flow"


def is_remote(name: str) -> bool:
    """Whether the name of a file is an address."""
    return "://" in name


FIGURES = ("fig14_max_si",)
TABLES = (
    *("fig14_max_si", "darkmachines_scores", "challenge_scores", "darkmachines_summary"),
    *("darkmachines_comparison", "darkmachines_coordinates", "darkmachines_composition"),
    *("log_likelihood", "events"),
)


class Study(BaseStudy):
    """Anomaly scores of reconstructed events from densities of Standard Model events."""

    def __init__(self, name: str, config: Mapping[str, Any], results: str) -> None:
        """Read the section of the study (see `hepdensity.study.Study`)."""
        super().__init__(name, config, results)
        features = frozenset({CATEGORICAL, ABSENT})
        self.features = dict.fromkeys(self.settings["datasets"], features)

    # --- events ---------------------------------------------------------------------------------

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
        return sorted({dataset_parts(name)[0] for name in self.datasets()})

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
            **{"everything": False, "eflow": False},
            "settings": [f"PartonLevel:MPI = {interactions}", "TauDecays:mode = 0"],
            "channels": self.settings["channels"],
        }

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
            "remote": [name for name in given.get("files", ()) if is_remote(name)],
            "files": [identity(name) for name in own],
        }

    # --- datasets -------------------------------------------------------------------------------

    def possible(self, dataset: str) -> bool:
        """Whether the channel has background processes."""
        return bool(self.backgrounds(dataset_parts(dataset)[0]))

    def preparation(self, dataset: str) -> dict[str, Any]:
        """Settings of the preparation of a dataset."""
        channel, view, n_max = dataset_parts(dataset)
        return {
            **{"channel": channel, "view": view, "n_max": n_max},
            **{key: self.settings[key] for key in ("channels", "split", "seed", "largest_skipped")},
            "processes": [self._prepared(*given, channel) for given in self.members(channel)],
        }

    def members(self, channel: str) -> list[tuple[str, str | None]]:
        """Processes of a channel, and the group of each; None for background processes."""
        return [
            *((name, None) for name in self.backgrounds(channel)),
            *((name, name) for name in self.signals(channel)),
            *((name, UNLABELLED) for name in self.unlabelled(channel)),
        ]

    def _prepared(self, process: str, group: str | None, channel: str) -> dict[str, Any]:
        selected = self.source == FILES and self.given_process(process).get("channel") == channel
        scale = self.scale.get(channel, {}).get(process, 1.0)
        return {
            **{"name": process, "path": self.events(process), "group": group},
            **{"scale": scale, "selected": selected},
        }

    def train_rows(self, dataset: str) -> int:
        """Smallest number of training events that is enough for all datasets of the channel."""
        channel = dataset_parts(dataset)[0]
        return self.largest(*self.datasets_of(channel))

    def datasets_of(self, channel: str) -> list[str]:
        """Active datasets of a channel."""
        return [name for name in self.datasets() if dataset_parts(name)[0] == channel]

    def widest(self, channel: str) -> str:
        """The dataset of a channel with the most objects, from which references are made."""
        return max(self.datasets_of(channel), key=lambda name: dataset_parts(name)[2])

    # --- what tables read -----------------------------------------------------------------------

    def scored_groups(self, dataset: str) -> list[str]:
        """Groups of a dataset that get scores."""
        channel = dataset_parts(dataset)[0]
        extra = [UNLABELLED] if self.unlabelled(channel) else []
        return ["validation", "test", *self.signals(channel), *extra]

    def groups(self, dataset: str, group: str) -> list[str]:
        """Groups of events in a score file; all of them are scored in one job."""
        return self.scored_groups(dataset)

    def score_files(self) -> list[str]:
        """Score files of all trainings."""
        return [self.scores.format(**run, group=ALL_GROUPS) for run in self.all_runs()]

    def reference_file(self, channel: str) -> str:
        """Scores of the references of a channel."""
        return f"{self.folder}/references/{channel}.h5"

    def reference_files(self) -> list[str]:
        """Scores of the references of all channels with signals."""
        return [
            self.reference_file(channel) for channel in self.channels() if self.signals(channel)
        ]

    def anomaly(self) -> dict[str, Any]:
        """Settings of the tables of anomaly scores."""
        return {
            "runs": self.all_runs(),
            "signals": {channel: self.signals(channel) for channel in self.channels()},
            **{key: self.settings[key] for key in ("combinations", "compare", "seed")},
            "draws": self.settings["bootstrap_draws"],
            "published": self.settings["published"],
        }

    def referencing(self, channel: str) -> dict[str, Any]:
        """Settings of the references of a channel."""
        return {
            "signals": list(self.signals(channel)),
            "references": {**self.settings["references"], "seed": self.settings["seed"]},
        }

    # --- targets and checks ---------------------------------------------------------------------

    def targets(self) -> list[str]:
        """Figures and tables."""
        figures = [*FIGURES, *(f"training_curves_{dataset}" for dataset in self.datasets())]
        return [
            *(
                f"{self.folder}/figures/{name}.{kind}"
                for name in figures
                for kind in ("pdf", "png")
            ),
            *(f"{self.folder}/tables/{name}.csv" for name in TABLES),
        ]

    def problems(self) -> Iterator[Problem]:
        """Conflicts between keys, and missing files."""
        for dataset in self.settings["datasets"]:
            yield from self._dataset_problems(dataset)
        yield from self._name_problems()
        yield from self._role_problems()
        if not self.datasets():
            yield ("datasets",), "no dataset has models and a channel with background processes"
        if self.source == FILES:
            yield from self._file_problems()

    def _name_problems(self) -> Iterator[Problem]:
        known = self._known_processes()
        told = f"is not a process; there are {', '.join(sorted(known))}"
        for part in ("backgrounds", "signals", UNLABELLED):
            for channel, given in self.given.get(part, {}).items():
                groups = given.values() if part == "signals" else [given]
                listed = [name for names in groups for name in names]
                for name in (name for name in listed if name not in known):
                    yield (self.source, part, channel), f"'{name}' {told}"

    def _file_problems(self) -> Iterator[Problem]:
        for name in self.processes():
            if self.given_process(name).get("command"):
                continue
            place = (FILES, "processes", name, "files")
            for path in self.files(name):
                yield from ((place, told) for told in file_problems(path))

    def _known_processes(self) -> list[str]:
        if self.source == SIMULATED:
            return list(self.settings[SIMULATED]["events"])
        return list(self.settings[FILES]["processes"])

    def _dataset_problems(self, dataset: str) -> Iterator[Problem]:
        channel, view, _ = dataset_parts(dataset)
        place = ("datasets", dataset)
        if channel not in self.settings["channels"]:
            known = ", ".join(self.settings["channels"])
            yield place, f"there is no channel '{channel}'; define it in channels ({known})"
        for model in self.settings["datasets"][dataset]["models"]:
            kind = self.settings["models"].get(model, {}).get("kind")
            if kind is not None and (kind == OWN_KIND) != (view == OWN_VIEW) and kind != "own":
                needed = OWN_VIEW if kind == OWN_KIND else "max or file"
                told = f"'{model}' (kind {kind}) needs a dataset of view {needed}, not {view}"
                yield (*place, "models"), told

    def _role_problems(self) -> Iterator[Problem]:
        for channel, roles in self.given["signals"].items():
            both = sorted(set(roles.get("tuning", ())) & set(roles.get("final", ())))
            if both:
                told = f"'{both[0]}' is a tuning signal and a final one; choose one role"
                yield (self.source, "signals", channel), told
