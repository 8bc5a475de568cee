"""The study of jets with a small configuration, for tests."""

from pathlib import Path
from typing import Any

import yaml

from hepdensity.configuration import overlay
from hepdensity.studies.jets.study import Study

FOLDER = Path(__file__).resolve().parents[1] / "workflow" / "studies" / "jets"
PRESETS: dict[str, Any] = yaml.safe_load((FOLDER / "presets.yaml").read_text())
MODELS: dict[str, Any] = yaml.safe_load((FOLDER / "models.yaml").read_text())


def trained(*models: str, n_train: int = 50, seeds: tuple[int, ...] = (1,)) -> dict[str, Any]:
    """A dataset of the configuration."""
    return {"models": list(models), "n_train": [n_train], "seeds": list(seeds)}


DATASETS = {
    "qcd": trained("flow-matching-hollow", "diffusion"),
    "top": trained("flow-matching-hollow", seeds=(1, 2)),
    "qcd-vs-top": trained("classifier"),
    "qcd-known": trained("diffusion"),
    "top-known": trained("diffusion"),
}


def study_of(results: Path, **changes: Any) -> Study:
    """The study with the preset smoke and changes to its section."""
    section = {**overlay(PRESETS["common"], PRESETS["smoke"]), "datasets": DATASETS}
    section["models"] = overlay(MODELS, section.get("models", {}))
    for name, value in changes.items():
        merge = isinstance(value, dict) and name != "datasets"
        section[name] = overlay(section.get(name, {}), value) if merge else value
    shared = {
        "training": {
            **{"learning_rate": 1e-3, "max_steps": 9, "max_validations": None},
            **{"max_seconds": None, "threshold_mode": "abs"},
        },
        "evaluation": {"draws": 2, "events": 100},
        "samples": 100,
        "devices": {"training": "cpu", "generation": "cpu"},
        "jets": section,
    }
    return Study("jets", shared, str(results))


def problems_of(study: Study) -> list[tuple[str, str]]:
    """Places and messages of all problems."""
    found = [*study.common_problems(), *study.problems()]
    return [(".".join(map(str, place)), told) for place, told in found]
