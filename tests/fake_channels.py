"""Invented inputs files, scores and references for tests of the Dark Machines study."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hepdensity.evaluation.scores import TIGHT, Scores, write_group_scores, write_scores
from hepdensity.files import write_json
from hepdensity.models.inputs import InputsWriter
from hepdensity.models.kind import Look
from hepdensity.models.layout import Column, Layout
from hepdensity.physics.objects import LABELS

GREY = Look("model", "#717581", "o").to_dict()


def layout(n_max: int, energy: str = "log_energy") -> Layout:
    """The columns of the view `max`, or `mass`."""
    names = ("log_pt", energy, "eta", "phi")
    columns = [Column(name, support="real") for name in names]
    return Layout(
        event=(Column("log_met", support="real"), Column("met_phi", support="real")),
        particle=(*columns, Column("type", categories=len(LABELS))),
        particles=n_max,
    )


def events(random: np.random.Generator, n: int, n_max: int, scale: float = 1.0) -> np.ndarray:
    """Rows of the layout; signals have a larger scale of MET and pT."""
    count = random.integers(2, n_max + 1, size=n)
    absent = np.arange(n_max) >= count[:, None]
    pt = -np.sort(-(20 + random.exponential(60 * scale, size=(n, n_max))), axis=1)
    eta = random.normal(scale=1.2, size=(n, n_max))
    parts = [np.log(pt), np.log(pt * np.cosh(eta)), eta, random.uniform(-np.pi, np.pi, pt.shape)]
    table = np.stack(parts, axis=2)
    table[absent] = np.nan
    kinds = random.choice(len(LABELS), p=[0.6, 0.1, 0.06, 0.06, 0.07, 0.07, 0.04], size=pt.shape)
    head = [np.log(50 + random.exponential(50 * scale, size=n)), random.uniform(-3, 3, n)]
    return np.column_stack([*head, table.reshape(n, 4 * n_max), np.where(absent, np.nan, kinds)])


def write_inputs(
    path: Path,
    groups: Mapping[str, np.ndarray],
    n_max: int,
    arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Path:
    """Write an inputs file with the arrays `met`, `ht` and `meff` of each group, and others."""
    with InputsWriter(path, layout(n_max), {}) as writer:
        for name, rows in groups.items():
            pt = np.nan_to_num(np.exp(rows[:, 2 : 2 + 4 * n_max : 4]))
            met = np.exp(rows[:, 0])
            more = {"met": met, "ht": pt.sum(axis=1), "meff": met + pt.sum(axis=1)}
            more["objects"] = np.isfinite(rows[:, 2 + 4 * n_max :]).sum(axis=1)
            more |= (arrays or {}).get(name, {})
            writer.write(name, len(rows), 0, rows, event_id=np.arange(len(rows)), **more)
    return path


@dataclass
class FakeChannels:
    """Files of channels in a folder, written as the workflow would."""

    folder: Path
    runs: list[dict[str, Any]] = field(default_factory=list)
    signals: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, list[str]] = field(
        default_factory=lambda: {"inputs": [], "scores": [], "references": [], "summaries": []}
    )

    def add_inputs(
        self,
        dataset: str,
        groups: Mapping[str, np.ndarray],
        n_max: int,
        arrays: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    ) -> str:
        path = write_inputs(self.folder / "inputs" / f"{dataset}.h5", groups, n_max, arrays)
        self.files["inputs"].append(str(path))
        return str(path)

    def add_run(
        self, dataset: str, model: str, log_p: Mapping[str, np.ndarray], **told: Any
    ) -> None:
        """Score file of a training, with all groups."""
        run = {
            **{"dataset": dataset, "model": model, "n_train": 100, "seed": 1},
            **{"permutation": None, "family": "paper", "look": GREY, "treatment": GREY},
            **told,
        }
        self.runs.append(run)
        tail = f"{dataset}/{model}/n{run['n_train']}/seed{run['seed']}"
        path = self.folder / "scores" / tail / "all.h5"
        scores = {
            group: Scores({TIGHT: np.asarray(values)}, {"exact": True, "ms_per_event": 0.5})
            for group, values in log_p.items()
        }
        write_group_scores(path, scores, {})
        self.files["scores"].append(str(path))
        summary = self.folder / "models" / tail / "training.json"
        write_json(summary, {"ended_by": "validations"})
        self.files["summaries"].append(str(summary))

    def add_references(self, channel: str, scores: Scores) -> None:
        path = self.folder / "references" / f"{channel}-mass8.h5"
        write_scores(path, scores, {})
        self.files["references"].append(str(path))

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"runs": self.runs, "signals": self.signals, "draws": 20, "seed": 1, **more}
