"""Invented inputs files, scores and records for tests of the study of jets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from made_up_jets import random_jets
from matplotlib.axes import Axes

from hepdensity.evaluation.scores import Scores, write_group_scores
from hepdensity.files import write_json
from hepdensity.models.inputs import InputsWriter
from hepdensity.physics.constituents import JetForm, JetWindow
from hepdensity.studies.jets.coordinates import Coordinates
from hepdensity.studies.jets.layouts import JetDataset, layout_of
from hepdensity.studies.jets.plotting.looks import LOSSES
from hepdensity.studies.jets.preprocessing.inputs import columns_of

WINDOW = {"pt": [400, 800], "eta": 3.0}
MOST = 5
PROCESSES = ["qcd", "top"]


def rows_of(n: int, seed: int, coordinates: str = "logit") -> np.ndarray:
    """Columns of invented jets, float64, shape (n, 3 + 3 MOST)."""
    jets = random_jets(n, seed, JetForm(MOST))
    chosen = Coordinates("logit", coordinates, JetWindow((400.0, 800.0), 3.0))
    jets.jet[:, 0] = np.clip(jets.jet[:, 0], 401, 799)
    jets.jet[:, 1] = np.clip(jets.jet[:, 1], -2.9, 2.9)
    return columns_of(jets, MOST, chosen, Counter())


@dataclass
class FakeJets:
    """Files of some datasets and trainings, as the rules would make them."""

    folder: Path
    runs: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, list[str]] = field(
        default_factory=lambda: {
            name: [] for name in ("inputs", "scores", "summaries", "accuracies", "classifiers")
        }
    )

    def add_inputs(self, dataset: str, groups: Mapping[str, np.ndarray]) -> str:
        """Write an inputs file with columns of jets for each group."""
        path = self.folder / "inputs" / f"{dataset}.h5"
        path.parent.mkdir(exist_ok=True)
        layout = layout_of(JetDataset.parse(dataset).coordinates, MOST)
        with InputsWriter(path, layout, {}) as writer:
            for name, rows in groups.items():
                writer.write(name, len(rows), 0, rows)
        self.files["inputs"].append(str(path))
        return str(path)

    def add_run(
        self,
        dataset: str,
        parts: Mapping[str, Mapping[str, np.ndarray]],
        objective: str = "standard",
        seed: int = 1,
        model: str | None = None,
    ) -> dict[str, Any]:
        """Write the scores of a training, group -> factor -> log-density, and its records."""
        model = model or f"model-{objective}"
        path = self.folder / "scores" / dataset / model / "n100" / f"seed{seed}" / "all.h5"
        path.parent.mkdir(parents=True)
        scores = {
            group: Scores({f"log_p_{name}": values for name, values in factors.items()}, {})
            for group, factors in parts.items()
        }
        write_group_scores(path, scores, {})
        summary, accuracy = path.with_name("training.json"), path.with_name("accuracy.json")
        training = {"steps": 7, "ended_by": "steps", "train_seconds": 2.5, "parameters": 10}
        write_json(summary, training)
        errors = {"solver_mean": 0.01, "solver_rms": 0.02, "probe_rms": 0.0, "ms_per_jet": 3.0}
        orders = {group: [1.0, 1.25, 1.0] for group in parts}
        write_json(accuracy, {**errors, "permutations": orders})
        for name, one in (("scores", path), ("summaries", summary), ("accuracies", accuracy)):
            self.files[name].append(str(one))
        look = {"label": LOSSES[objective], "colour": "#717581", "marker": "o"}
        run = {
            **{"study": "jets", "dataset": dataset, "model": model, "n_train": 100, "seed": seed},
            **{"kind": "diffusion", "objective": objective, "look": look, "treatment": look},
        }
        self.runs.append(run)
        return run

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of the tables and figures."""
        return {
            **{"runs": self.runs, "classifiers": [], "processes": PROCESSES, "window": WINDOW},
            **{"draws": 20, "least_background": 20, "seed": 1, "published": True, "dark": "top"},
            **{"preset": "smoke", **more},
        }


def factors(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Invented log-densities of the factors of n jets [nats]."""
    random = np.random.default_rng(seed)
    return {
        "N": np.full(n, -1.5),
        "event": random.normal(-2 - shift, 1, n),
        "particles": random.normal(3 - shift, 2, n),
    }


def two_processes(folder: Path, objectives: tuple[str, ...] = ("standard",)) -> FakeJets:
    """Densities of QCD and of top jets, whose test jets are the same in both datasets."""
    fake = FakeJets(folder)
    rows = {"qcd": rows_of(120, 1), "top": rows_of(90, 2)}
    for place, process in enumerate(PROCESSES):
        other = PROCESSES[1 - place]
        fake.add_inputs(process, {"test": rows[process], other: rows[other]})
    for objective in objectives:
        for place, process in enumerate(PROCESSES):
            other = PROCESSES[1 - place]
            parts = {
                "test": factors(len(rows[process]), 10 + place),
                other: factors(len(rows[other]), 20 + place, shift=1.5),
            }
            fake.add_run(process, parts, objective)
    return fake


KNOWN_SIZE = 400
KNOWN_SETTINGS: dict[str, Any] = {"pairs": [["qcd", "top"]], "draws": 40, "seed": 1}


def true_log_densities(seed: int, separation: float) -> dict[str, dict[str, np.ndarray]]:
    """For samples of both processes, log-densities under a density that prefers the first."""
    random = np.random.default_rng(seed)
    found = {}
    for group, shift in (("test", 0.0), ("other", separation)):
        found[group] = {
            "N": np.full(KNOWN_SIZE, -1.0),
            "event": random.normal(-shift, 1, KNOWN_SIZE),
            "particles": random.normal(-shift, 1, KNOWN_SIZE),
        }
    return found


def known_world(
    folder: Path, offset: float = 0.0, noise: float = 0.0
) -> tuple[dict[str, Any], Any]:
    """Truths of both processes, and learned densities that are offset below and noisy."""
    fake = FakeJets(folder)
    random = np.random.default_rng(9)
    truths = []
    rows = {"qcd": rows_of(KNOWN_SIZE, 1), "top": rows_of(KNOWN_SIZE, 2)}
    for seed, (name, other) in enumerate((("qcd", "top"), ("top", "qcd"))):
        true = true_log_densities(seed, 1.0)
        groups = {"test": true["test"], other: true["other"]}
        path = folder / "truth" / f"{name}-known.h5"
        path.parent.mkdir(exist_ok=True)
        scores = {
            group: Scores({f"log_p_{part}": values for part, values in parts.items()}, {})
            for group, parts in groups.items()
        }
        write_group_scores(path, scores, {})
        truths.append(str(path))
        fake.add_inputs(f"{name}-known", {"test": rows[name], other: rows[other]})
        learned = {
            group: {
                **parts,
                "particles": parts["particles"] - offset + noise * random.normal(size=KNOWN_SIZE),
            }
            for group, parts in groups.items()
        }
        fake.add_run(f"{name}-known", learned)
    return {**fake.files, "truths": truths}, {**KNOWN_SETTINGS, "runs": fake.runs}


def legend_of(axes: Axes) -> list[str]:
    """Texts of a legend."""
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]
