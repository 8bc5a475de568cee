"""What the workflow must know about a study: datasets, trainings, files, targets and checks.

A study is a subclass `Study` in `hepdensity.studies.<name>.study`. Neither that module nor this one
imports torch or matplotlib, because the workflow imports both every time it is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from hepdensity.files import identity
from hepdensity.models.kind import ABSENT, CATEGORICAL, Kind
from hepdensity.models.registry import builder_of, kinds_of, looks, settings_of

KeyPath = tuple[str | int, ...]
Problem = tuple[KeyPath, str]
Run = dict[str, Any]
"""A training (study, dataset, model, n_train, seed) and what tables and figures say about it."""

_BUDGETS = ("max_validations", "max_steps", "max_seconds")
_FEATURE_NAMES = {CATEGORICAL: "categorical columns", ABSENT: "absent particles"}


class Study:
    """What all studies have in common; a subclass adds what is specific to it.

    Attributes:
        features: Dataset -> features of its events (see `hepdensity.models.kind`).
        compared: Whether it makes a table for `hepdensity.evaluation.estimators`.
        name: Name of the study and of its section in the configuration.
        config: The effective configuration.
        settings: The section of the study.
        folder: Folder of its results.
    """

    features: Mapping[str, frozenset[str]] = {}
    compared = False

    def __init__(self, name: str, config: Mapping[str, Any], results: str) -> None:
        """Read the section of a study.

        Args:
            name: Name of the study.
            config: Effective configuration.
            results: Folder of the run, e.g. "results/quick".
        """
        self.name, self.config, self.settings = name, config, config[name]
        self.folder = f"{results}/{name}"
        trained = self.folder + "/models/{dataset}/{model}/n{n_train}/seed{seed}"
        self.inputs = self.folder + "/inputs/{dataset}.h5"
        self.weights = f"{trained}/model.safetensors"
        self.summary = f"{trained}/training.json"
        self.history = f"{trained}/history.csv"
        self.samples = self.folder + "/samples/{dataset}/{model}/n{n_train}/seed{seed}/{sample}.h5"
        self.scores = self.folder + "/scores/{dataset}/{model}/n{n_train}/seed{seed}/{group}.h5"
        self._kinds: dict[str, Kind] | None = None
        self._looks: dict[str, Any] | None = None

    # --- what a study defines -------------------------------------------------------------------

    def possible(self, dataset: str) -> bool:
        """Whether events for a dataset are available."""
        return True

    def rows(self, dataset: str, n_train: int) -> int:
        """Number of rows of the training group for a training-set size."""
        return n_train

    def sample_names(self, dataset: str) -> tuple[str, ...]:
        """Samples that are drawn from a model: "all", or presence sets of the layout by name."""
        return ("all",)

    def symmetrised(self, dataset: str) -> bool:
        """Whether ordered models also get a score averaged over all particle orders."""
        return False

    def groups(self, dataset: str, group: str) -> list[str]:
        """Groups of events in a score file: the one that it is named after, or several."""
        return [group]

    def targets(self) -> list[str]:
        """Figures and tables of the study: the files that `rule all` requests."""
        raise NotImplementedError

    def estimators(self) -> list[str]:
        """The table with its trainings in the columns of all studies, if it makes one."""
        return [f"{self.folder}/tables/estimators.csv"] if self.compared else []

    def problems(self) -> Iterator[Problem]:
        """Mistakes in the section that its schema cannot express; places are relative to it."""
        yield from ()

    def warnings(self) -> Iterator[str]:
        """What the user should know about the configuration, one line each."""
        yield from ()

    # --- what follows from the configuration ----------------------------------------------------

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kinds of model that this study can use."""
        if self._kinds is None:
            self._kinds = kinds_of(self.name)
        return self._kinds

    def block(self, model: str) -> Mapping[str, Any]:
        """Configuration block of a model."""
        block: Mapping[str, Any] = self.settings["models"][model]
        return block

    def kind_of(self, model: str) -> Kind:
        """Kind of a model."""
        return self.kinds[self.block(model)["kind"]]

    def datasets(self) -> list[str]:
        """Active datasets: those with models and available events."""
        given = self.settings["datasets"]
        return [name for name in self.features if given[name]["models"] and self.possible(name)]

    def models(self, *datasets: str) -> list[str]:
        """Models to train on the given datasets, by default on all."""
        chosen = [name for name in datasets or self.datasets() if name in self.datasets()]
        return [model for name in chosen for model in self.settings["datasets"][name]["models"]]

    def grid(self, key: str) -> list[int]:
        """All values of `n_train` or `seeds` of the active datasets."""
        parts = (self.settings["datasets"][name] for name in self.datasets())
        return sorted({value for part in parts for value in part[key]})

    def largest(self, *datasets: str) -> int:
        """The largest training set of some datasets."""
        given = self.settings["datasets"]
        chosen = [name for name in datasets if name in self.datasets()] or list(datasets)
        return max(n_train for name in chosen for n_train in given[name]["n_train"])

    def runs(
        self,
        dataset: str,
        n_train: Sequence[int] | None = None,
        seeds: Sequence[int] | None = None,
    ) -> list[Run]:
        """Trainings on a dataset: model by model, n_train by n_train, seed by seed."""
        if dataset not in self.datasets():
            return []
        part = self.settings["datasets"][dataset]
        values = product(part["models"], n_train or part["n_train"], seeds or part["seeds"])
        return [self.run(dataset, *value) for value in values]

    def all_runs(self) -> list[Run]:
        """Trainings on all datasets."""
        return [run for dataset in self.datasets() for run in self.runs(dataset)]

    def first_seed(self, dataset: str, n_train: Sequence[int] | None = None) -> list[Run]:
        """Trainings with the first seed."""
        return self.runs(dataset, n_train, self.settings["datasets"][dataset]["seeds"][:1])

    def run(self, dataset: str, model: str, n_train: int, seed: int) -> Run:
        """A training, and what tables and figures say about its model."""
        block, kind = self.block(model), self.kind_of(model)
        told = {**block.get("settings", {}), **block}
        if self._looks is None:
            models = self.settings["models"]
            self._looks = looks(list(models), models, self.kinds)
        look, treatment = self._looks[model]
        return {
            **{"study": self.name, "dataset": dataset, "model": model},
            **{"n_train": n_train, "seed": seed, "kind": kind.name},
            "permutation": told.get("permutation"),
            "objective": told.get("objective"),
            "symmetric": kind.symmetric(block),
            "exact": kind.exact,
            "family": kind.family,
            "look": look.to_dict(),
            "treatment": treatment.to_dict(),
        }

    def builder(self, model: str) -> str:
        """The "module:function" that builds a model."""
        return builder_of(self.kind_of(model), self.block(model))

    def model_params(self, model: str) -> dict[str, Any]:
        """What a script needs to build a model."""
        defaults = self.settings.get("flow", {})
        settings = settings_of(self.kind_of(model), self.block(model), defaults)
        return {"builder": self.builder(model), "settings": settings}

    def training(self, dataset: str, model: str) -> dict[str, Any]:
        """Settings of a training: model overrides dataset, dataset study, study everything else."""
        return {
            **self.config["training"],
            **self.settings.get("training", {}),
            **self.settings["datasets"][dataset].get("training", {}),
            **self.block(model).get("training", {}),
            "device": self.config["devices"]["training"],
        }

    def evaluation(self) -> dict[str, Any]:
        """Settings of the evaluation."""
        return {**self.config["evaluation"], **self.settings.get("evaluation", {})}

    def sample_count(self) -> int:
        """Samples to draw from each model."""
        return int(self.settings.get("samples", self.config["samples"]))

    # --- checks for every study -----------------------------------------------------------------

    def common_problems(self) -> Iterator[Problem]:
        """Models that do not exist or cannot take the events; trainings that may never end."""
        models = self.settings["models"]
        for dataset, part in self.settings["datasets"].items():
            place = ("datasets", dataset, "models")
            for model in part["models"]:
                if model not in models:
                    yield place, f"'{model}' is not in {self.name}.models ({', '.join(models)})"
                    continue
                yield from self._unsuitable(place, dataset, model)
                yield from _endless(self.training(dataset, model))

    def _unsuitable(self, place: KeyPath, dataset: str, model: str) -> Iterator[Problem]:
        kind, features = self.kind_of(model), self.features[dataset]
        told = {feature: _FEATURE_NAMES[feature] for feature in sorted(features | kind.needs)}
        for feature in sorted(features - kind.takes):
            yield place, f"'{model}' (kind {kind.name}) cannot take events with {told[feature]}"
        for feature in sorted(kind.needs - features):
            yield place, f"'{model}' (kind {kind.name}) needs events with {told[feature]}"


def file_problems(path: str) -> Iterator[str]:
    """Why a user's file cannot be an input of a rule.

    Args:
        path: The file as named in the configuration.
    """
    if set("{}") & set(path):
        yield f"{path}: Snakemake reads braces as wildcards; rename the file or use a link to it"
        return
    try:
        identity(path)
    except ValueError as error:
        yield str(error)


def _endless(training: Mapping[str, Any]) -> Iterator[Problem]:
    if any(training[key] is not None for key in _BUDGETS):
        return
    names = ", ".join(_BUDGETS)
    schedule = training.get("schedule", "plateau")
    if schedule != "plateau":
        told = f"{names} are all null and schedule is {schedule}: the training would never end"
        yield ("training",), f"{told}; set one of the three"
    elif training["threshold_mode"] == "rel":
        told = f"{names} are all null and threshold_mode is rel: the training may never end"
        yield ("training",), f"{told}; set one of the three, or threshold_mode: abs"
