"""What the workflow must know about the gluino study (Verheyen 2022, arXiv:2205.01697, sec. 3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hepdensity.evaluation.limits import LEAST_EVENTS
from hepdensity.files import expanded, identity
from hepdensity.models.kind import ABSENT, CATEGORICAL
from hepdensity.physics.processes import PROCESSES
from hepdensity.study import Problem, Run, file_problems
from hepdensity.study import Study as BaseStudy

FOUR_PER_TWO = 10
"""Number of four-gluino events per two-gluino event in a mixed dataset, as in the paper."""

FIGURES = {
    "angles": ("fig03_gluino_energy", "fig04_digluino_mass", "fig05_log_likelihood"),
    "multiplicity": ("fig07_varying_dimension",),
    "labels": (
        *("fig10_discrete_log_likelihood", "fig11_discrete_marginals"),
        *("fig12_energy_by_colour", "fig13_delta_psi_by_helicity"),
    ),
}
TABLES = {
    "angles": ("fig05_log_likelihood", "truth"),
    "multiplicity": ("fig07_log_likelihood", "p_four", "truth_multiplicity"),
    "labels": ("fig10_discrete_log_likelihood", "fig10_importance_bound"),
}
BETTER = (("noise", "uniform", "flow"), ("objective", "balanced", "likelihood"))
"""(setting, worse value, better value) of treatments that are otherwise the same."""


class Study(BaseStudy):
    """Densities of gg -> 2 and 4 gluino events, compared with the truth."""

    compared = True
    features: Mapping[str, frozenset[str]] = {
        "angles": frozenset(),
        "labels": frozenset({CATEGORICAL}),
        "multiplicity": frozenset({ABSENT}),
    }

    # --- events ---------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """Where events come from: "embedded", "lhe" or "csv"."""
        return str(self.settings["source"])

    def files(self, process: str, source: str | None = None) -> list[str]:
        """The user's event files for a process; none for the embedded generator."""
        given = self.settings.get(source or self.source, {}).get(process) or []
        return [str(expanded(name)) for name in (given if isinstance(given, list) else [given])]

    def processes(self) -> list[str]:
        """Processes with events."""
        return [name for name in PROCESSES if self.source == "embedded" or self.files(name)]

    def events(self, process: str, kind: str = "h5") -> str:
        """Event file of a process, or its summary (`kind` "json")."""
        return f"{self.folder}/events/{self.source}/{process}.{kind}"

    def chunks(self, process: str) -> list[int]:
        """Number of events in each chunk of generated events; the last may be smaller."""
        generation = self.settings["generation"][process]
        size, total = generation["chunk"], generation["events"]
        return [min(size, total - start) for start in range(0, total, size)]

    def chunk_files(self, process: str, kind: str) -> list[str]:
        """Files of the chunks of generated events."""
        base = f"{self.folder}/events/embedded/{process}/chunk"
        return [f"{base}{chunk}.{kind}" for chunk in range(len(self.chunks(process)))]

    def generation(self, process: str, chunk: int) -> dict[str, Any]:
        """Settings of the embedded generator for a chunk."""
        return {
            **{key: self.settings[key] for key in ("sqrt_s", "mass", "alpha_s", "seed")},
            **{"process": process, "chunk": chunk, "events": self.chunks(process)[chunk]},
            "device": self.config["devices"]["generation"],
        }

    def lhe_files(self, wildcards: Any) -> list[str]:
        """LHE files of a process, from the embedded generator or the user."""
        if wildcards.source == "embedded":
            return self.chunk_files(wildcards.process, "lhe.gz")
        return self.files(wildcards.process)

    def ingestion(self, wildcards: Any) -> dict[str, Any]:
        """Settings of the ingestion, including the identities of the user's files.

        The order of the files matters, because it decides which events are test events.
        """
        return self._ingestion_of(wildcards.process)

    def _ingestion_of(self, process: str) -> dict[str, Any]:
        return {
            "process": process,
            "tolerance": self.settings["tolerance"],
            "files": [identity(name) for name in self.files(process)],
        }

    def normalisation(self) -> dict[str, Any]:
        """Settings of the normalisation of the true density."""
        return {
            "points": self.settings["generation"]["normalisation_points"],
            "seed": self.settings["seed"],
            "device": self.config["devices"]["generation"],
        }

    # --- datasets -------------------------------------------------------------------------------

    def possible(self, dataset: str) -> bool:
        """Whether there are events; mixed events need two-gluino files."""
        return dataset != "multiplicity" or "two_gluino" in self.processes()

    def rows(self, dataset: str, n_train: int) -> int:
        """Number of rows; n_train of a mixed dataset counts its four-gluino events."""
        return n_train + (n_train // FOUR_PER_TWO if dataset == "multiplicity" else 0)

    def sample_names(self, dataset: str) -> tuple[str, ...]:
        """Names of the samples; for mixed events, each process is sampled separately."""
        return tuple(PROCESSES) if dataset == "multiplicity" else ("all",)

    def symmetrised(self, dataset: str) -> bool:
        """Whether to average over all particle orders, as figure 5 also shows."""
        return dataset == "angles"

    def preparation(self, dataset: str) -> dict[str, Any]:
        """Settings of the preparation of a dataset."""
        shared = {"source": self.source, "split": self.settings["split"]}
        if dataset != "multiplicity":
            return shared
        mixing = {"four_per_two": FOUR_PER_TWO, "p_four": self.settings["p_four"]}
        return {**shared, **mixing, "tolerance": self.settings["tolerance"]}

    # --- trainings that figures show ------------------------------------------------------------

    def smallest(self) -> list[Run]:
        """Trainings for figure 3, as in the paper: first seed, smallest training set."""
        return self.first_seed("angles", [min(self.settings["datasets"]["angles"]["n_train"])])

    def largest_of(self, dataset: str) -> list[Run]:
        """Trainings with the first seed and the largest training set."""
        return self.first_seed(dataset, [max(self.settings["datasets"][dataset]["n_train"])])

    def shown_labels(self) -> list[Run]:
        """Trainings for figures 11 to 13, as in the paper: the better of two similar treatments."""
        return [run for run in self.largest_of("labels") if not self._has_better(run["model"])]

    def _has_better(self, model: str) -> bool:
        block = self.block(model)
        better = [{**block, key: good} for key, worse, good in BETTER if block.get(key) == worse]
        return any(self.block(other) in better for other in self.models("labels"))

    def bounded(self) -> bool:
        """Whether some model of labels has, or may have, no exact log-likelihood."""
        return any(run["exact"] is not True for run in self.runs("labels"))

    def truth(self, name: str) -> dict[str, str]:
        """File of true densities; unknown for CSV files, which have no coupling."""
        return {} if self.source == "csv" else {"truth": f"{self.folder}/scores/{name}.h5"}

    def two_sample_file(self) -> str:
        """Pattern of the results of two-sample tests."""
        return self.folder + "/two_sample/{dataset}/{model}/n{n_train}/seed{seed}.json"

    # --- targets and checks ---------------------------------------------------------------------

    def targets(self) -> list[str]:
        """Figures and tables of the active datasets."""
        datasets = self.datasets()
        figures = [name for dataset in datasets for name in FIGURES[dataset]]
        figures += ["fig10_importance_bound"] if self.bounded() else []
        figures += [f"training_curves_{dataset}" for dataset in datasets]
        tables = [name for dataset in datasets for name in TABLES[dataset]]
        if self.source == "csv":
            tables = [name for name in tables if not name.startswith("truth")]
        return [
            *(
                f"{self.folder}/figures/{name}.{kind}"
                for name in figures
                for kind in ("pdf", "png")
            ),
            *(f"{self.folder}/tables/{name}.csv" for name in [*tables, "two_sample", "events"]),
        ]

    def warnings(self) -> Iterator[str]:
        """Files that are given but not read."""
        for source in ("lhe", "csv"):
            if source != self.source and any(self.files(name, source) for name in PROCESSES):
                yield (
                    f"gluino.{source} names files, but gluino.source is {self.source}: they are"
                    f" not read; set gluino.source: {source} to use them"
                )

    def problems(self) -> Iterator[Problem]:
        """Conflicts between keys, and missing files."""
        yield from self._grid_problems()
        yield from self._split_problems()
        if self.source == "embedded":
            yield from self._embedded_problems()
        else:
            yield from self._file_problems()
        yield from self._pool_problems()

    def _grid_problems(self) -> Iterator[Problem]:
        if not self.datasets():
            missing = "" if self.possible("multiplicity") else " (there are no two-gluino events)"
            hint = "add some, e.g. gluino.datasets.angles.models: [stochastic]"
            yield ("datasets",), f"no dataset with events{missing} has models; {hint}"

    def _split_problems(self) -> Iterator[Problem]:
        share = FOUR_PER_TWO if "multiplicity" in self.datasets() else 1
        if self.settings["split"]["test"] < LEAST_EVENTS * share:
            least = f"{LEAST_EVENTS} of each process for the two-sample test"
            told = "; there are ten times fewer two-gluino test events" if share > 1 else ""
            yield ("split", "test"), f"must be >= {LEAST_EVENTS * share} ({least}{told})"

    def _file_problems(self) -> Iterator[Problem]:
        place = (self.source, "four_gluino")
        if not self.files("four_gluino"):
            yield place, f"no file is given, but gluino.source is {self.source}"
        for process in PROCESSES:
            for name in self.files(process):
                yield from (((self.source, process), told) for told in file_problems(name))

    def _embedded_problems(self) -> Iterator[Problem]:
        threshold = 4 * self.settings["mass"]
        if not self.settings["sqrt_s"] > threshold:
            told = f"must exceed 4 x gluino.mass = {threshold} [GeV]"
            yield ("sqrt_s",), f"{told}, not {self.settings['sqrt_s']}"
        needs = {
            "four_gluino": [(dataset, 1) for dataset in self.datasets()],
            "two_gluino": [("multiplicity", FOUR_PER_TWO)],
        }
        for process, datasets in needs.items():
            for dataset, share in datasets:
                if dataset in self.datasets():
                    yield from self._too_few_generated(process, dataset, share)

    def _too_few_generated(self, process: str, dataset: str, share: int) -> Iterator[Problem]:
        split = self.settings["split"]
        counts = (self.largest(dataset), split["validation"], split["test"])
        need, made = sum(count // share for count in counts), sum(self.chunks(process))
        if made < need:
            told = f"must be >= {need} (largest of gluino.datasets.{dataset}.n_train"
            told += " + split.validation + split.test"
            told += f", each / {share}" if share > 1 else ""
            yield ("generation", process, "events"), f"{told}), not {made}"

    def _pool_problems(self) -> Iterator[Problem]:
        """Training sets larger than the training group of the current inputs file."""
        if self.source == "embedded":
            return
        for dataset in self.datasets():
            record = _read_record(self.inputs.format(dataset=dataset))
            if record is None or not self._is_current(dataset, record):
                continue
            largest, pool = self.largest(dataset), record["rows"]["train"]
            needed = self.rows(dataset, largest)
            if needed > pool:
                told = f"{largest} needs {needed} training events, but the files contain {pool}"
                yield (
                    ("datasets", dataset, "n_train"),
                    f"{told}; lower n_train or gluino.split, or add files",
                )

    def _is_current(self, dataset: str, record: Mapping[str, Any]) -> bool:
        """Whether an inputs file was made with the configured files and split."""
        if record["provenance"]["settings"] != self.preparation(dataset):
            return False
        for process in self.processes() if dataset == "multiplicity" else ["four_gluino"]:
            summary = _read_record(self.events(process))
            if summary is None or summary["provenance"]["settings"] != self._ingestion_of(process):
                return False
        return True


def _read_record(artefact: str) -> dict[str, Any] | None:
    """The record beside an artefact, or None if there is none yet."""
    path = Path(artefact).with_suffix(".json")
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record
