"""Run records hold what made an artefact."""

from importlib import import_module

from hepdensity.provenance import git_commit, record


def test_record_holds_settings_and_the_versions_of_imported_packages() -> None:
    import_module("sklearn")
    made = record({"flow": {"layers": 4}, "seeds": (1, 2)}, seed=3, source="abc")
    assert made["settings"] == {"flow": {"layers": 4}, "seeds": [1, 2]}
    assert (made["seed"], made["source"], made["git_commit"]) == (3, "abc", git_commit())
    assert {"python", "torch", "numpy", "scikit-learn"} <= set(made["versions"])
