"""What the workflow must know about the study of jets (Mikuni and Nachman 2024)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hepdensity.models.kind import ABSENT, CATEGORICAL
from hepdensity.studies.jets.jet_sources import FILES, SIMULATED, JetSources
from hepdensity.studies.jets.layouts import JetDataset
from hepdensity.studies.jets.processes import PROCESSES
from hepdensity.study import Problem, Run, file_problems

ALL_GROUPS = "all"
"""Name of the score files, which hold all groups."""

RESERVED = ("train", "validation", "test")
"""Groups of jets that no process may be named after."""

DENSITY, CLASSIFIER = "diffusion", "set-classifier"
"""Kinds of model that this study compares."""

FIGURES = ("jets_fig1_permutation", "jets_fig3_sic", "jets_fig5_roc", "jets_fig6_nll")
SCORE_FIGURES = {"qcd": "jets_fig2_score_qcd", "top": "jets_fig4_score_top"}
"""Process -> figure of the scores of its densities."""
TABLES = ("jets_table1", "jets_measure", "jets_solvers", "jets_likelihood", "jets")
DARK_TABLE = "jets_table2"
KNOWN_TRUTH = "jets_known_truth"


class Study(JetSources):
    """Permutation-invariant densities of jets."""

    compared = True

    def __init__(self, name: str, config: Mapping[str, Any], results: str) -> None:
        """Read the section of the study (see `hepdensity.study.Study`)."""
        super().__init__(name, config, results)
        self.parsed = {name: JetDataset.parse(name) for name in self.settings["datasets"]}
        self.features = {
            name: frozenset({ABSENT, CATEGORICAL} if dataset.other else {ABSENT})
            for name, dataset in self.parsed.items()
        }

    # --- datasets -------------------------------------------------------------------------------

    def possible(self, dataset: str) -> bool:
        """Whether there are jets of the processes, and a trained truth for a known dataset."""
        parsed = self.parsed[dataset]
        if not set(parsed.processes) <= set(self.processes()):
            return False
        return not parsed.known or self._has_truth(parsed.process)

    def rows(self, dataset: str, n_train: int) -> int:
        """Number of rows of the training group; n_train counts the jets of each process."""
        return n_train * len(self.parsed[dataset].processes)

    def of_jets(self) -> list[str]:
        """Active datasets that are made from jets."""
        return [name for name in self.datasets() if not self.parsed[name].known]

    def known(self) -> list[str]:
        """Active datasets that are samples of a trained density."""
        return [name for name in self.datasets() if self.parsed[name].known]

    def for_classifiers(self) -> list[str]:
        """Active datasets for classifiers."""
        return [name for name in self.datasets() if self.parsed[name].other]

    def groups(self, dataset: str, group: str) -> list[str]:
        """Groups of a score file; all are scored in one job."""
        return ["test", *self.others(dataset)]

    def others(self, dataset: str) -> list[str]:
        """Processes with groups of their own in a dataset: those that it does not train on."""
        parsed = self.parsed[dataset]
        if parsed.known:
            return [self.parsed[name].process for name in self.known() if name != dataset]
        return [name for name in self.processes() if name not in parsed.processes]

    def preparation(self, dataset: str) -> dict[str, Any]:
        """Settings of the preparation of a dataset."""
        keys = ("constituents", "window", "split")
        return {
            **{key: self.settings[key] for key in keys},
            **{"dataset": dataset, "processes": self.prepared_processes(dataset)},
        }

    def prepared_processes(self, dataset: str) -> list[str]:
        """Processes whose jets are in the inputs file of a dataset."""
        return [*self.parsed[dataset].processes, *self.others(dataset)]

    # --- known truth ----------------------------------------------------------------------------

    def truth_run(self, process: str) -> Run:
        """The training whose samples are the jets with a known density."""
        settings = self.settings["datasets"][process]
        return self.run(process, self.truth, max(settings["n_train"]), settings["seeds"][0])

    def _has_truth(self, process: str) -> bool:
        given = self.settings["datasets"].get(process, {"models": []})
        return self.truth in given["models"]

    def truth_samples(self, process: str) -> str:
        """Samples of the truth of a process."""
        return self.samples.format(**self.truth_run(process), sample="all")

    def truth_weights(self, dataset: str) -> str:
        """Weights of the truth of a known dataset."""
        return self.weights.format(**self.truth_run(self.parsed[dataset].process))

    @property
    def truth(self) -> str:
        """Model whose samples are the jets with a known density."""
        return str(self.settings["known_truth"]["truth"])

    def known_truth_file(self, dataset: str) -> str:
        """True log-densities of the samples in a known dataset, under the truth of its process."""
        return f"{self.folder}/known_truth/{dataset}.h5"

    def true_evaluation(self, dataset: str) -> dict[str, Any]:
        """Settings of the scores under the truth of a known dataset."""
        return {
            **{"seed": self.truth_run(self.parsed[dataset].process)["seed"]},
            **{"device": self.config["devices"]["training"], "symmetrised": False},
            **{"group": ALL_GROUPS, "groups": self.groups(dataset, ALL_GROUPS)},
            **self.evaluation(),
        }

    def known_comparison(self) -> dict[str, Any]:
        """Settings of the comparison of learned densities with the known ones."""
        return {
            "runs": self.density_runs(known=True),
            "pairs": self.settings["known_truth"]["pairs"],
            "draws": self.settings["bootstrap_draws"],
            "seed": self.settings["seed"],
        }

    def known_preparation(self, dataset: str) -> dict[str, Any]:
        """Settings of the preparation of a known dataset."""
        return {"split": self.settings["split"], "process": self.parsed[dataset].process}

    # --- what tables read -----------------------------------------------------------------------

    def density_runs(self, known: bool = False) -> list[Run]:
        """Trainings of densities of all kept constituents, on jets or on samples of a truth."""
        chosen = self.known() if known else self.of_jets()
        names = [name for name in chosen if not self.parsed[name].leading]
        runs = [run for name in names for run in self.runs(name)]
        return [run for run in runs if run["kind"] == DENSITY]

    def leading_runs(self) -> list[Run]:
        """Trainings of densities of leading constituents, with the first other process."""
        chosen = [name for name in self.of_jets() if self.parsed[name].leading]
        return [
            {**run, "signal": next(iter(self.others(name)), None)}
            for name in chosen
            for run in self.runs(name)
        ]

    def classifier_runs(self) -> list[Run]:
        """Trainings of classifiers."""
        return [run for run in self.all_runs() if run["kind"] == CLASSIFIER]

    def accuracy_file(self) -> str:
        """Pattern of the accuracy of the log-densities of a training."""
        return f"{self.folder}/accuracy/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}.json"

    def accuracy(self, dataset: str, seed: int) -> dict[str, Any]:
        """Settings of the measurement of the accuracy of a training."""
        return {
            **self.settings["accuracy"],
            **{"seed": seed, "device": self.config["devices"]["training"]},
            **{"groups": self.groups(dataset, ALL_GROUPS), "test": self.settings["split"]["test"]},
        }

    def classification(self, dataset: str, seed: int) -> dict[str, Any]:
        """Settings of the scores of a classifier."""
        return {
            **{"seed": seed, "device": self.config["devices"]["training"]},
            **{"processes": self.parsed[dataset].processes, "others": self.others(dataset)},
        }

    def classifier_files(self) -> list[str]:
        """Log-odds of all classifiers."""
        pattern = f"{self.folder}/classifiers/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}.h5"
        return [pattern.format(**run) for run in self.classifier_runs()]

    def first_trained(self) -> str:
        """The first process with a density of its own."""
        return next((name for name in self.of_jets() if self.parsed[name].process == name), "")

    def solver_dataset(self) -> str:
        """Dataset on whose test jets solvers are compared: that of the first process trained on."""
        return self.first_trained()

    def solver_runs(self) -> list[Run]:
        """Trainings on which solvers are compared: the first size and seed of each model."""
        runs = self.first_seed(self.solver_dataset())
        first = {run["model"]: run for run in reversed(runs)}
        return [first[name] for name in self.settings["solvers"]["models"] if name in first]

    def solver_settings(self) -> dict[str, Any]:
        """Settings of the comparison of solvers."""
        runs = self.solver_runs()
        counts = {key: self.settings["solvers"][key] for key in ("jets", "exact_jets")}
        models = {run["model"]: self.model_params(run["model"]) for run in runs}
        return {**counts, "seed": self.settings["seed"], "runs": runs, "models": models}

    def comparison(self) -> dict[str, Any]:
        """Settings of the tables and figures of anomaly scores."""
        return {
            "runs": self.density_runs(),
            "classifiers": self.classifier_runs(),
            "processes": self.processes(),
            "window": self.settings["window"],
            "draws": self.settings["bootstrap_draws"],
            "least_background": self.settings["least_background"],
            "seed": self.settings["seed"],
            "published": self.settings["published"],
            "dark": self.settings["dark"],
        }

    # --- targets and checks ---------------------------------------------------------------------

    def targets(self) -> list[str]:
        """Figures and tables."""
        known = [KNOWN_TRUTH] if self.known() else []
        dark = [DARK_TABLE] if self.settings["dark"] in self.processes() else []
        trained = {run["dataset"] for run in self.density_runs()}
        figures = [
            *FIGURES,
            *(name for process, name in SCORE_FIGURES.items() if process in trained),
            *known,
            *(f"training_curves_{dataset}" for dataset in self.datasets()),
        ]
        return [
            *(
                f"{self.folder}/figures/{name}.{kind}"
                for name in figures
                for kind in ("pdf", "png")
            ),
            *(f"{self.folder}/tables/{name}.csv" for name in (*TABLES, *dark, *known)),
        ]

    def problems(self) -> Iterator[Problem]:
        """Conflicts between keys, and missing files."""
        if not self.first_trained():
            yield ("datasets",), "no dataset that is named after a process has models"
        known, names = self.known_processes(), self.processes()
        for name in names:
            if name in RESERVED:
                yield ("processes",), f"a process cannot be named '{name}', because a group is"
            elif name not in known:
                yield (
                    ("processes",),
                    f"'{name}' is not in jets.{self.source}; there are {', '.join(known)}",
                )
        if self.source == SIMULATED:
            yield from self._simulation_problems()
        else:
            yield from self._file_problems()
        for dataset, parsed in self.parsed.items():
            if self.settings["datasets"][dataset]["models"]:
                yield from self._dataset_problems(dataset, parsed)

    def _simulation_problems(self) -> Iterator[Problem]:
        for name in self.known_processes():
            if name not in PROCESSES:
                told = f"'{name}' cannot be simulated; there are {', '.join(PROCESSES)}"
                yield (SIMULATED, "jets"), told

    def _file_problems(self) -> Iterator[Problem]:
        for name in (name for name in self.processes() if name in self.settings[FILES]):
            place = (FILES, name, "files")
            for path in self.given_process(name)["files"]:
                if "://" in path and self.form_of(name) != "root":
                    yield place, f"{path}: only Delphes files can be remote; download it"
            for path in self.files(name):
                yield from ((place, told) for told in file_problems(path))

    def _dataset_problems(self, dataset: str, parsed: JetDataset) -> Iterator[Problem]:
        place = ("datasets", dataset)
        for name in parsed.processes:
            if name not in self.processes():
                yield place, f"'{name}' is not in jets.processes"
        if parsed.known and not self._has_truth(parsed.process):
            told = f"needs the model '{self.truth}' on the dataset '{parsed.process}'"
            yield place, told
        if parsed.leading and parsed.leading > self.settings["constituents"]:
            told = f"jets keep {self.settings['constituents']} constituents only"
            yield place, told
        for model in self.settings["datasets"][dataset]["models"]:
            if model in self.settings["models"]:
                classifies = self.block(model)["kind"] == CLASSIFIER
                if classifies != bool(parsed.other):
                    told = "a dataset of two processes" if classifies else "one of one process"
                    yield (*place, "models"), f"'{model}' needs {told}"
