"""Where events come from: our simulation, or files and commands of the user."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from darkmachines_study import problems_of, study_of, trained

from hepdensity.studies.darkmachines.study import Study

Make = Callable[..., Study]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(**changes: Any) -> Study:
        return study_of(tmp_path / "results", **changes)

    return build


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """Section of a study with a file of each format, a command, and data without labels."""
    names = {"qcd": "qcd.root", "top": "top.csv", "bump": "bump.hepmc"}
    for name in names.values():
        (tmp_path / name).write_text(name)
    files = {name: [str(tmp_path / path)] for name, path in names.items()}
    processes = {
        "qcd": {"format": "root", "files": files["qcd"], "cross_section": 4.0, "generated": 800},
        "top": {"format": "csv", "files": files["top"], "member": "chan2b/top.csv"},
        "bump": {"format": "hepmc", "files": files["bump"]},
        "own": {"format": "root", "command": "my_delphes {output}"},
        "secret": {"format": "csv", "files": files["top"], "channel": "2b"},
    }
    channels = {
        "backgrounds": {"2b": ["qcd", "top"]},
        "signals": {"2b": {"final": ["bump"], "tuning": ["own"]}},
        "unlabelled": {"2b": ["secret"]},
    }
    datasets = {"2b-max8": trained("dm-flow")}
    return {
        "source": "files",
        "files": {"processes": processes, **channels},
        "datasets": datasets,
    }


# --- simulated events ---------------------------------------------------------------------------


def test_processes_are_those_of_the_channels_with_datasets(make: Make) -> None:
    assert make().processes() == ["stlp_st1000", "stlp_st600", "ttbar_300", "zw_0"]
    only = make(datasets={"2a-file6": trained("dequantisation-sort")})
    assert only.processes() == only.processes("simulated") == ["zw_0"]
    assert only.processes("root") == []


def test_signals_have_roles_and_tuning_signals_come_first(make: Make) -> None:
    study = make()
    assert study.signals("2b") == {"stlp_st600": "tuning", "stlp_st1000": "final"}
    assert list(study.signals("2b")) == ["stlp_st600", "stlp_st1000"]
    assert study.signals("2a") == study.signals("3") == {}
    assert study.backgrounds("2b") == ["zw_0", "ttbar_300"]
    assert study.backgrounds("1") == study.unlabelled("2b") == []


def test_members_of_a_channel_and_their_groups(make: Make, given: dict[str, Any]) -> None:
    assert make(**given).members("2b") == [
        *(("qcd", None), ("top", None)),
        *(("own", "own"), ("bump", "bump")),
        ("secret", "unlabelled"),
    ]


@pytest.mark.parametrize(
    ("events", "chunk", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 4, [3]), (5, 1, [1] * 5)],
)
def test_chunks_add_up_to_the_events(make: Make, events: int, chunk: int, sizes: list[int]) -> None:
    study = make(simulated={"events": {"zw_0": events}, "chunk": chunk})
    assert study.chunks("zw_0") == sizes
    names = study.chunk_files("zw_0", "root")
    assert len(set(names)) == len(sizes)
    assert [study.generation("zw_0", i)["events"] for i in range(len(sizes))] == sizes


def test_generation_of_a_chunk(make: Make) -> None:
    study = make(seed=7, simulated={"radius": 0.6, "met_eta": 3.2})
    settings = study.generation("ttbar_300", 2)
    assert (settings["sample"], settings["chunk"], settings["events"]) == ("ttbar_300", 2, 50)
    assert (settings["seed"], settings["jet_radius"], settings["met_eta"]) == (7, 0.6, 3.2)
    assert settings["channels"] == study.settings["channels"]
    assert "PartonLevel:MPI = off" in settings["settings"]
    with_interactions = make(simulated={"multiparton": True}).generation("ttbar_300", 0)
    assert "PartonLevel:MPI = on" in with_interactions["settings"]


def test_a_process_is_generated_alike_whatever_else_is(make: Make) -> None:
    """More events of one process, or another process, must not run the others again."""
    more = {"events": {"zw_0": 5000, "njets_500": 10}, "scale": {"2b": {"zw_0": 0.5}}}
    assert make().generation("ttbar_300", 1) == make(simulated=more).generation("ttbar_300", 1)


def test_all_chunks_are_read_in_the_order_of_processes(make: Make) -> None:
    files = [Path(path) for path in make().all_chunk_files("json")]
    assert [(path.parent.name, path.name) for path in files] == [
        ("stlp_st1000", "chunk0.json"),
        ("stlp_st600", "chunk0.json"),
        *(("ttbar_300", f"chunk{i}.json") for i in range(3)),
        ("zw_0", "chunk0.json"),
    ]


def test_simulated_events_need_no_file(make: Make) -> None:
    study = make()
    assert study.events("zw_0").endswith("/darkmachines/events/simulated/zw_0.h5")
    assert study.events("zw_0", "json").endswith("/darkmachines/events/simulated/zw_0.json")
    assert study.ingestion("zw_0") == {"process": "zw_0"}
    assert study.external_processes() == []


def test_closure_of_the_detector_has_the_radius_of_the_events(make: Make) -> None:
    expected = {"particles": 100, "events": 10, "seed": 1, "jet_radius": 0.6}
    assert make(simulated={"radius": 0.6}).closure() == expected


# --- events of the user -------------------------------------------------------------------------


def test_processes_by_format(make: Make, given: dict[str, Any]) -> None:
    study = make(**given)
    assert study.processes() == ["bump", "own", "qcd", "secret", "top"]
    formats = {form: study.processes(form) for form in ("root", "csv", "hepmc", "simulated")}
    assert formats == {
        **{"root": ["own", "qcd"], "csv": ["secret", "top"], "hepmc": ["bump"]},
        "simulated": [],
    }
    assert study.events("top").endswith("/events/csv/top.h5")


def test_ingestion_of_a_file(make: Make, given: dict[str, Any]) -> None:
    study = make(**given, largest_skipped=0.02, simulated={"radius": 0.6, "met_eta": 3.2})
    settings = study.ingestion("qcd")
    assert [Path(one["path"]).name for one in settings.pop("files")] == ["qcd.root"]
    assert settings == {
        **{"process": "qcd", "cross_section": 4.0, "generated": 800, "member": None},
        **{"largest_skipped": 0.02, "jet_radius": 0.6, "met_eta": 3.2},
        **{"seed": 1, "remote": []},
    }
    member = study.ingestion("top")
    assert (member["member"], member["cross_section"]) == ("chan2b/top.csv", None)


def test_replaced_file_changes_the_ingestion(make: Make, given: dict[str, Any]) -> None:
    study = make(**given)
    before = study.ingestion("qcd"), study.ingestion("bump")
    assert (study.ingestion("qcd"), study.ingestion("bump")) == before
    Path(study.files("qcd")[0]).write_text("other events")
    assert study.ingestion("qcd") != before[0]
    assert study.ingestion("bump") == before[1]


def test_files_are_read_in_their_order_and_home_is_known(
    make: Make, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    given["files"]["processes"]["qcd"]["files"] = ["~/top.csv", str(tmp_path / "qcd.root")]
    study = make(**given)
    assert study.files("qcd") == [str(tmp_path / "top.csv"), str(tmp_path / "qcd.root")]
    names = [Path(one["path"]).name for one in study.ingestion("qcd")["files"]]
    assert names == ["top.csv", "qcd.root"]
    assert problems_of(study) == []


def test_remote_files_are_no_inputs_of_the_rule(make: Make, given: dict[str, Any]) -> None:
    local, remote = given["files"]["processes"]["qcd"]["files"][0], "https://a.org/b.root"
    given["files"]["processes"]["qcd"]["files"] = [remote, local]
    study = make(**given)
    assert study.files("qcd") == [local]
    settings = study.ingestion("qcd")
    assert settings["remote"] == [remote]
    assert [one["path"] for one in settings["files"]] == [local]
    assert problems_of(study) == []


def test_commands_make_the_files_that_are_read(make: Make, given: dict[str, Any]) -> None:
    given["files"]["processes"]["bump"] = {"format": "hepmc", "command": "mg5", "makes": "a.hepmc"}
    study = make(**given)
    assert study.external_processes() == ["bump", "own"]
    assert study.external("own") == {"command": "my_delphes {output}", "makes": None}
    assert study.external("bump") == {"command": "mg5", "makes": "a.hepmc"}
    (made,) = study.files("own")
    assert made.endswith("/darkmachines/events/external/own.root")
    assert study.ingestion("own")["files"] == [], "its record follows from the command"
    assert problems_of(study) == []
