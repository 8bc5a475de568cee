"""Run records hold what made an artefact."""

from importlib import import_module
from pathlib import Path

import pytest

from hepdensity.provenance import git_commit, record


def test_record_holds_settings_and_the_versions_of_imported_packages() -> None:
    import_module("sklearn")
    made = record({"flow": {"layers": 4}, "seeds": (1, 2)}, seed=3, source="abc")
    assert made["settings"] == {"flow": {"layers": 4}, "seeds": [1, 2]}
    assert (made["seed"], made["source"], made["git_commit"]) == (3, "abc", git_commit())
    assert {"python", "torch", "numpy", "scikit-learn"} <= set(made["versions"])


def test_version_is_that_of_the_package_that_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_module("yaml")
    installed = record({}, None, "abc")["versions"]["PyYAML"]
    for name, version in (("first", "1001.0"), ("second", "1002.0")):
        info = tmp_path / name / f"pyyaml-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: PyYAML\nVersion: {version}\n")
        (info / "RECORD").write_text("yaml/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path / "second"))
    monkeypatch.syspath_prepend(str(tmp_path / "first"))
    assert record({}, None, "abc")["versions"]["PyYAML"] == "1001.0" != installed
