"""Dark Machines studies of a few processes, for tests."""

from pathlib import Path
from typing import Any

import yaml

from hepdensity.configuration import overlay
from hepdensity.studies.darkmachines.study import Study

FOLDER = Path(__file__).resolve().parents[1] / "workflow" / "studies" / "darkmachines"
MODELS: dict[str, Any] = yaml.safe_load((FOLDER / "models.yaml").read_text())
PRESETS: dict[str, Any] = yaml.safe_load((FOLDER / "presets.yaml").read_text())


def trained(*models: str, n_train: int = 20) -> dict[str, Any]:
    """Section of a dataset."""
    return {"models": list(models), "n_train": [n_train], "seeds": [1]}


SMALL: dict[str, Any] = {
    "simulated": {
        "chunk": 100,
        "closure": {"particles": 100, "events": 10},
        "events": {"ttbar_300": 250, "zw_0": 100, "stlp_st600": 50, "stlp_st1000": 60},
        "backgrounds": {"2a": ["zw_0"], "2b": ["zw_0", "ttbar_300"]},
        "signals": {"2b": {"final": ["stlp_st1000"], "tuning": ["stlp_st600"]}},
    },
    "split": {"validation": 0.2, "test": 0.5},
    "datasets": {
        "2b-max8": trained("dm-flow", "mixture-sort"),
        "2b-mass10": trained("object-flow", n_train=30),
        "2a-file6": trained("dequantisation-sort"),
    },
    "flow": {"layers": 2, "bins": 8, "residual_blocks": 1, "units_per_dim": 2, "base": "gaussian"},
}


def study_of(folder: Path, **changes: Any) -> Study:
    """A small study with changes to its section; results go to `folder`.

    A change to `datasets` replaces them.
    """
    section = overlay(overlay({"models": MODELS}, PRESETS["common"]), SMALL)
    if "datasets" in changes:
        section = {**section, "datasets": {}}
    config = {
        "training": {"max_steps": 5, "max_validations": None, "max_seconds": None},
        "evaluation": {"draws": 4, "events": 100},
        "devices": {"training": "cpu", "generation": "auto"},
        "samples": 500,
        "darkmachines": overlay(section, changes),
    }
    return Study("darkmachines", config, str(folder))


def problems_of(study: Study) -> list[tuple[str, str]]:
    """Place and message of each problem."""
    return [(".".join(map(str, place)), message) for place, message in study.problems()]
