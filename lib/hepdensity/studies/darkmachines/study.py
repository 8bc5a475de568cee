"""What the workflow must know about the Dark Machines study (Verheyen 2022, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hepdensity.models.kind import ABSENT, CATEGORICAL
from hepdensity.studies.darkmachines.event_sources import (
    FILES,
    SIMULATED,
    UNLABELLED,
    EventSources,
    is_remote,
)
from hepdensity.studies.darkmachines.layouts import dataset_parts, fold_name, without_fold
from hepdensity.studies.darkmachines.processes import BACKGROUNDS
from hepdensity.study import Problem, Run, file_problems

ALL_GROUPS = "all"
"""Name of the score files, which hold all groups."""

REFERENCES = (
    *("met", "ht", "meff", "deep-svdd", "isolation-forest"),
    *("supervised", "other-signals"),
)
"""Names of the references (see `studies.darkmachines.evaluation.references`)."""

PAPER = "paper"
"""Stands for the best model of the paper in a comparison."""

RESERVED = ("train", "validation", "test", UNLABELLED)
"""Groups of events that no signal may be named after."""

VIEWS_OF_KINDS = {"object-flow": ("mass",), "diffusion": ("momentum",)}
"""Views of the datasets that a kind takes."""

OTHER_VIEWS = ("max", "file", "momentum")
"""Views that all other kinds take; `max` and `file` have the columns of the paper."""


FIGURES = ("fig14_max_si",)
TABLES = (
    *("fig14_max_si", "darkmachines_scores", "challenge_scores", "darkmachines_summary"),
    *("darkmachines_comparison", "darkmachines_coordinates", "darkmachines_composition"),
    *("log_likelihood", "events"),
)


class Study(EventSources):
    """Anomaly scores of reconstructed events from densities of Standard Model events."""

    compared = True

    def __init__(self, name: str, config: Mapping[str, Any], results: str) -> None:
        """Read the section of the study (see `hepdensity.study.Study`)."""
        super().__init__(name, config, results)
        self.folds = int(self.settings["folds"])
        given = self.settings["datasets"]
        datasets = {fold: given[name] for name in given for fold in self.trained_on(name)}
        self.settings = {**self.settings, "datasets": datasets}
        self.features = dict.fromkeys(datasets, frozenset({CATEGORICAL, ABSENT}))

    def trained_on(self, dataset: str) -> list[str]:
        """Datasets on which the models of a dataset are trained: itself, or its folds."""
        if self.folds == 1:
            return [dataset]
        return [fold_name(dataset, fold, self.folds) for fold in range(self.folds)]

    # --- datasets -------------------------------------------------------------------------------

    def possible(self, dataset: str) -> bool:
        """Whether the channel has background processes."""
        return bool(self.backgrounds(dataset_parts(dataset)[0]))

    def channels(self) -> list[str]:
        """Channels of the active datasets."""
        return sorted({dataset_parts(name)[0] for name in self.datasets()})

    def tabled(self) -> list[str]:
        """Active datasets without their folds, as tables name them."""
        return list(dict.fromkeys(without_fold(name) for name in self.datasets()))

    def joined(self) -> list[str]:
        """Active datasets whose folds are joined."""
        return [] if self.folds == 1 else self.tabled()

    def preparation(self, dataset: str) -> dict[str, Any]:
        """Settings of the preparation of a dataset.

        With folds, a dataset without fold has the test events of all folds.
        """
        channel, view, n_max = dataset_parts(dataset)
        own = self.trained_on(without_fold(dataset))
        return {
            **{"channel": channel, "view": view, "n_max": n_max, "folds": self.folds},
            "fold": own.index(dataset) if dataset in own else None,
            **{key: self.settings[key] for key in ("channels", "split", "seed", "largest_skipped")},
            "processes": [self._prepared(*given, channel) for given in self.members(channel)],
        }

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
        own = [name for name in self.tabled() if dataset_parts(name)[0] == channel]
        return max(own, key=lambda name: dataset_parts(name)[2])

    # --- what tables read -----------------------------------------------------------------------

    def scored_groups(self, dataset: str) -> list[str]:
        """Groups of a dataset that get scores."""
        channel = dataset_parts(dataset)[0]
        extra = [UNLABELLED] if self.unlabelled(channel) else []
        return ["validation", "test", *self.signals(channel), *extra]

    def groups(self, dataset: str, group: str) -> list[str]:
        """Groups of events in a score file; all of them are scored in one job."""
        return self.scored_groups(dataset)

    def tabled_runs(self) -> list[Run]:
        """Trainings as tables show them; those on all folds of a dataset are one."""
        runs = [{**run, "dataset": without_fold(run["dataset"])} for run in self.all_runs()]
        return [run for i, run in enumerate(runs) if run not in runs[:i]]

    def score_files(self) -> list[str]:
        """Score files of all trainings as tables show them."""
        return [self.scores.format(**run, group=ALL_GROUPS) for run in self.tabled_runs()]

    def unlabelled_file(self, kind: str) -> str:
        """Pattern of the scores of unlabelled events of a training, "csv", or of their record."""
        return f"{self.folder}/unlabelled/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}.{kind}"

    def unlabelled_files(self) -> list[str]:
        """Scores of unlabelled events of all trainings in channels that have some."""
        return [
            self.unlabelled_file("csv").format(**run)
            for run in self.tabled_runs()
            if self.unlabelled(dataset_parts(run["dataset"])[0])
        ]

    def reference_file(self, dataset: str) -> str:
        """Scores of the references, made from a dataset."""
        return f"{self.folder}/references/{dataset}.h5"

    def reference_files(self) -> list[str]:
        """Scores of the references of all channels with signals."""
        return [
            self.reference_file(self.widest(channel))
            for channel in self.channels()
            if self.signals(channel)
        ]

    def anomaly(self) -> dict[str, Any]:
        """Settings of the tables of anomaly scores."""
        return {
            "runs": self.tabled_runs(),
            "signals": {channel: self.signals(channel) for channel in self.channels()},
            **{key: self.settings[key] for key in ("combinations", "compare", "seed")},
            "draws": self.settings["bootstrap_draws"],
            "published": self.settings["published"],
        }

    def referencing(self, dataset: str) -> dict[str, Any]:
        """Settings of the references that are made from a dataset."""
        return {
            "signals": list(self.signals(dataset_parts(dataset)[0])),
            "references": {**self.settings["references"], "seed": self.settings["seed"]},
        }

    # --- targets and checks ---------------------------------------------------------------------

    def targets(self) -> list[str]:
        """Figures and tables."""
        closure = ["detector_closure"] if self.source == SIMULATED else []
        figures = [
            *FIGURES,
            *closure,
            *(f"training_curves_{dataset}" for dataset in self.datasets()),
        ]
        return [
            *(
                f"{self.folder}/figures/{name}.{kind}"
                for name in figures
                for kind in ("pdf", "png")
            ),
            *(f"{self.folder}/tables/{name}.csv" for name in TABLES),
            *self.unlabelled_files(),
        ]

    def problems(self) -> Iterator[Problem]:
        """Conflicts between keys, and missing files."""
        if self.folds == 2:
            told = "must be 1 (no folds) or >= 3: one fold is for test and one for validation"
            yield ("folds",), told
        for dataset in dict.fromkeys(map(without_fold, self.settings["datasets"])):
            yield from self._dataset_problems(dataset)
        yield from self._name_problems()
        yield from self._role_problems()
        yield from self._overlap_problems()
        yield from self._score_problems()
        yield from self._channel_problems()
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

    def _score_problems(self) -> Iterator[Problem]:
        """Combinations of models that do not exist, and comparisons of scores that do not exist."""
        models, combinations = self.settings["models"], self.settings["combinations"]
        for name, combination in combinations.items():
            if combination["model"] not in models:
                told = f"'{combination['model']}' is not in darkmachines.models"
                yield ("combinations", name, "model"), told
        known = {*models, *combinations, *REFERENCES, PAPER}
        for pair in self.settings["compare"]:
            for name in (name for name in pair if name not in known):
                told = "neither a model, a combination, a reference nor 'paper'"
                yield ("compare",), f"'{name}' is {told}"

    def _channel_problems(self) -> Iterator[Problem]:
        """Channels that are not defined, and factors on processes that do not exist."""
        channels, processes = self.settings["channels"], self._known_processes()
        told = f"is not a channel; there are {', '.join(channels)}"
        for channel, factors in self.scale.items():
            if channel not in channels:
                yield (self.source, "scale"), f"'{channel}' {told}"
            for name in (name for name in factors if name not in processes):
                yield (self.source, "scale", channel), f"'{name}' is not a process"
        for name in self.settings[FILES]["processes"]:
            passed = self.given_process(name).get("channel")
            if passed is not None and passed not in channels:
                yield (FILES, "processes", name, "channel"), f"'{passed}' {told}"

    def _file_problems(self) -> Iterator[Problem]:
        for name in self.processes():
            if self.given_process(name).get("command"):
                continue
            place = (FILES, "processes", name, "files")
            remote = [path for path in self.given_process(name)["files"] if is_remote(path)]
            if remote and self.form_of(name) != "root":
                yield place, f"{remote[0]}: only ROOT files can be remote; download it"
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
        for model in self.settings["datasets"][self.trained_on(dataset)[0]]["models"]:
            kind = self.settings["models"].get(model, {}).get("kind")
            taken = VIEWS_OF_KINDS.get(kind, OTHER_VIEWS)
            if kind not in (None, "own") and view not in taken:
                needed = " or ".join(filter(None, [", ".join(taken[:-1]), taken[-1]]))
                told = f"'{model}' (kind {kind}) needs a dataset of view {needed}, not {view}"
                yield (*place, "models"), told

    def _overlap_problems(self) -> Iterator[Problem]:
        """Simulated backgrounds that are in a channel twice."""
        for channel, names in self.settings[SIMULATED]["backgrounds"].items():
            for name in names:
                whole = BACKGROUNDS[name].part_of if name in BACKGROUNDS else None
                if whole in names:
                    told = f"'{name}' is a part of '{whole}'; take one of the two"
                    yield (SIMULATED, "backgrounds", channel), told

    def _role_problems(self) -> Iterator[Problem]:
        for channel, roles in self.given["signals"].items():
            place = (self.source, "signals", channel)
            both = sorted(set(roles.get("tuning", ())) & set(roles.get("final", ())))
            if both:
                told = f"'{both[0]}' is a tuning signal and a final one; choose one role"
                yield place, told
            for name in self.signals(channel):
                if name in RESERVED:
                    told = f"a signal cannot be named '{name}', as a group of events is; rename it"
                    yield place, told
                if name in self.backgrounds(channel):
                    yield place, f"'{name}' is a background process of this channel too"
