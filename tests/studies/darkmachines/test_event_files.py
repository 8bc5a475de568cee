"""Event files from files of the user: weights and what is known of them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from object_events import random_events

from hepdensity.ingest.object_file import read_objects, read_sample
from hepdensity.studies.darkmachines.event_files import write_sample
from hepdensity.studies.darkmachines.preprocessing.inputs import Process, prepare_inputs


def test_what_is_known_is_kept_with_the_mean_weight(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    events = random_events(50)
    chunks = [events[:20], events[20:]]
    counts = Counter({"read": 60, "kept": 50})
    given = {"cross_section": 2.5, "generated": 1000, "member": None}
    found = write_sample(chunks, path, {}, given, counts)
    assert found == {"events": 50, "counts": counts, "cross_section": 2.5, "generated": 1000}
    sample = read_sample(path)
    assert (sample.cross_section, sample.generated) == (2.5, 1000)
    assert sample.mean_weight == pytest.approx(events.weight.mean())
    np.testing.assert_array_equal(read_objects(path).weight, events.weight)


def test_the_unit_of_weights_does_not_matter_beside_a_cross_section(tmp_path: Path) -> None:
    """Delphes files hold weights such as 1.5e6; processes mix by cross-section all the same."""
    processes = []
    for seed, (name, unit) in enumerate((("a", 1.0), ("b", 1.5e6)), 1):
        events = random_events(400, seed, name)
        events = events[events.present[:, 0]]
        path = tmp_path / f"{name}.h5"
        given = {"cross_section": 3.0, "generated": 500}
        write_sample([replace(events, weight=unit * events.weight)], path, {}, given, Counter())
        processes.append(Process(name, str(path)))
    settings = {
        **{"channel": "all", "channels": {"all": {"met": 1}}, "view": "max", "n_max": 4},
        **{"seed": 1, "split": {"test": 0.4, "validation": 0.2}, "train": 10, "folds": 1},
        **{"largest_skipped": 0.01, "fold": None},
    }
    found = prepare_inputs(processes, tmp_path / "inputs.h5", settings, {})
    assert found["backgrounds"]["b"]["share"] == pytest.approx(0.5, abs=0.03)
