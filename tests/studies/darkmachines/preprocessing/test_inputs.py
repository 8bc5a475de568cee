"""Inputs files of a channel, from event files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from object_events import random_events

from hepdensity.ingest.object_file import ObjectWriter, Sample
from hepdensity.models.inputs import group_sizes, read_array, read_layout
from hepdensity.physics.objects import ObjectEvents, concatenated
from hepdensity.studies.darkmachines.channels import CHANNELS, select
from hepdensity.studies.darkmachines.layouts import layout_of
from hepdensity.studies.darkmachines.preprocessing.inputs import Process, least_pt, prepare_inputs

CUTS = {"open": {"met": 50, "objects": [{"types": ["j", "b"], "pt": 30, "count": 1}]}}


def settings(**other: Any) -> dict[str, Any]:
    return {
        **{"channel": "open", "channels": CUTS, "view": "max", "n_max": 4, "seed": 1},
        **{"split": {"test": 0.4, "validation": 0.2}, "train": 10},
        **{"largest_skipped": 0.01, "folds": 1, "fold": None},
        **other,
    }


def some_events(n: int, seed: int, process: str = "a") -> ObjectEvents:
    """Random events with at least one object."""
    events = random_events(n, seed, process)
    return events[events.present[:, 0]]


def written(folder: Path, name: str, events: ObjectEvents) -> str:
    path = folder / f"{name}.h5"
    with ObjectWriter(path, {}) as writer:
        writer.append(events)
    return str(path)


@pytest.fixture
def processes(tmp_path: Path) -> list[Process]:
    parts = {name: some_events(400, seed, name) for seed, name in enumerate(("a", "b", "s"), 1)}
    paths = {name: written(tmp_path, name, events) for name, events in parts.items()}
    return [
        Process("a", paths["a"]),
        Process("b", paths["b"], scale=0.25),
        Process("s", paths["s"], group="s"),
    ]


def test_groups_hold_the_events_of_the_channel(tmp_path: Path, processes: list[Process]) -> None:
    path = tmp_path / "inputs.h5"
    found = prepare_inputs(processes, path, settings(), {})
    assert read_layout(path) == layout_of("max", 4, least_pt())
    assert found["rows"] == group_sizes(path)
    passed = {
        p.name: int(select(some_events(400, i), "open", CUTS).sum())
        for i, p in enumerate(processes, 1)
    }
    assert found["rows"]["s"] == passed["s"]
    assert {name: part["selected"] for name, part in found["backgrounds"].items()} == {
        name: passed[name] for name in ("a", "b")
    }
    assert found["rows"]["test"] == round(0.4 * (passed["a"] + passed["b"]))
    assert 0 <= found["repeated"] < found["rows"]["train"]
    assert (read_array(path, "s", "met") >= 50).all()


def test_weights_and_shares(tmp_path: Path, processes: list[Process]) -> None:
    path = tmp_path / "inputs.h5"
    found = prepare_inputs(processes, path, settings(), {})
    shares = [part["share"] for part in found["backgrounds"].values()]
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(0.8, abs=0.05)
    weight, names = read_array(path, "test", "weight"), read_array(path, "test", "process")
    assert weight.mean() == pytest.approx(1)
    assert weight[names == b"a"].mean() > 3 * weight[names == b"b"].mean()
    assert found["effective"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert (read_array(path, "train", "weight") == 1).all()
    share = (read_array(path, "train", "process") == b"a").mean()
    assert share == pytest.approx(0.8, abs=0.12)


def test_views_of_a_channel_have_the_same_events(tmp_path: Path, processes: list[Process]) -> None:
    numbers = []
    for view, n_max in (("max", 4), ("mass", 8)):
        path = tmp_path / f"{view}.h5"
        prepare_inputs(processes, path, settings(view=view, n_max=n_max), {})
        numbers.append([read_array(path, group, "meff") for group in ("test", "train", "s")])
    for one, other in zip(*numbers, strict=True):
        np.testing.assert_array_equal(one, other)


def test_events_of_the_channel_are_not_cut_again(tmp_path: Path, processes: list[Process]) -> None:
    given = [*processes[:2], Process("s", processes[2].path, group="s", selected=True)]
    found = prepare_inputs(given, tmp_path / "inputs.h5", settings(), {})
    assert found["rows"]["s"] == len(some_events(400, 3))


def test_several_processes_may_share_a_group(tmp_path: Path, processes: list[Process]) -> None:
    other = written(tmp_path, "t", some_events(100, 9, "t"))
    given = [*processes, Process("t", other, group="s")]
    path = tmp_path / "inputs.h5"
    prepare_inputs(given, path, settings(), {})
    assert set(read_array(path, "s", "process").tolist()) == {b"s", b"t"}


def test_a_process_without_events_in_the_channel_is_refused(
    tmp_path: Path, processes: list[Process]
) -> None:
    cuts = {"open": {"met": 499.9999}}
    with pytest.raises(ValueError, match="no event of 'a' passes the cuts of channel open"):
        prepare_inputs(processes, tmp_path / "inputs.h5", settings(channels=cuts), {})
    assert not (tmp_path / "inputs.h5").exists()


def test_a_signal_without_events_in_the_channel_is_refused(
    tmp_path: Path, processes: list[Process]
) -> None:
    events = some_events(50, 5, "soft")
    soft = Process("soft", written(tmp_path, "soft", events[events.met < 50]), group="soft")
    with pytest.raises(ValueError, match=r"soft\.h5: no event of 'soft' passes the cuts of chann"):
        prepare_inputs([*processes, soft], tmp_path / "inputs.h5", settings(), {})
    assert not (tmp_path / "inputs.h5").exists()


def test_too_few_training_events_are_refused(tmp_path: Path, processes: list[Process]) -> None:
    with pytest.raises(ValueError, match=r"channel open: there are .* but 100000 are needed"):
        prepare_inputs(processes, tmp_path / "inputs.h5", settings(train=100_000), {})


def test_the_same_events_in_two_files_are_refused(tmp_path: Path, processes: list[Process]) -> None:
    again = Process("again", written(tmp_path, "again", some_events(400, 1)))
    with pytest.raises(ValueError, match=r"again.h5: \d+ of \d+ events occur twice, .* of .*a.h5"):
        prepare_inputs([*processes, again], tmp_path / "inputs.h5", settings(), {})


def test_a_few_repeated_events_are_left_out_and_counted(
    tmp_path: Path, processes: list[Process]
) -> None:
    parts = [some_events(400, 1)[:40], some_events(100, 8)]
    again = Process("again", written(tmp_path, "again", concatenated(parts)))
    loose = settings(largest_skipped=0.2)
    found = prepare_inputs([*processes, again], tmp_path / "inputs.h5", loose, {})
    assert found["occur_twice"] == 40


def test_channels_of_the_challenge_are_those_of_the_presets() -> None:
    import yaml

    folder = Path(__file__).resolve().parents[4] / "workflow" / "studies" / "darkmachines"
    given = yaml.safe_load((folder / "presets.yaml").read_text())["common"]["channels"]
    events = random_events(3_000)
    for name in CHANNELS:
        np.testing.assert_array_equal(select(events, name, given), select(events, name))


def test_folds_together_test_the_whole_background(tmp_path: Path, processes: list[Process]) -> None:
    parts = []
    for fold in range(3):
        path = tmp_path / f"fold{fold}.h5"
        prepare_inputs(processes, path, settings(folds=3, fold=fold), {})
        parts.append(read_array(path, "test", "meff"))
    path = tmp_path / "all.h5"
    found = prepare_inputs(processes, path, settings(folds=3), {})
    np.testing.assert_array_equal(read_array(path, "test", "meff"), np.concatenate(parts))
    assert "train" not in group_sizes(path)
    selected = [part["selected"] for part in found["backgrounds"].values()]
    assert found["rows"]["test"] == sum(selected)


def test_cross_sections_of_some_processes_only_are_refused(
    tmp_path: Path, processes: list[Process]
) -> None:
    path = tmp_path / "known.h5"
    with ObjectWriter(path, {}, Sample(cross_section=2.0, generated=100)) as writer:
        writer.append(some_events(50, 7))
    given = [*processes, Process("known", str(path))]
    with pytest.raises(ValueError, match="of 'known' is known, but not that of 'a'; give"):
        prepare_inputs(given, tmp_path / "inputs.h5", settings(), {})


def test_events_stand_for_their_cross_section(tmp_path: Path) -> None:
    given = []
    for name, cross_section in (("large", 9.0), ("small", 1.0)):
        path = tmp_path / f"{name}.h5"
        sample = Sample(cross_section=cross_section, generated=500)
        with ObjectWriter(path, {}, sample) as writer:
            writer.append(some_events(400, len(name) + int(cross_section), name))
        given.append(Process(name, str(path)))
    found = prepare_inputs(given, tmp_path / "inputs.h5", settings(), {})
    assert found["backgrounds"]["large"]["share"] == pytest.approx(0.9, abs=0.03)
