"""The table of processes."""

from pathlib import Path
from typing import Any

from hepdensity.files import write_json
from hepdensity.studies.darkmachines.evaluation.events import events_table


def record(**more: Any) -> dict[str, Any]:
    return {"events": 80, "counts": {"read": 100, "kept": 80}, **more}


def test_rows_of_backgrounds_and_signals(tmp_path: Path) -> None:
    inputs = tmp_path / "1-max8.json"
    found = {"qcd": {"selected": 30, "share": 0.75}, "top": {"selected": 10, "share": 0.25}}
    write_json(inputs, {"backgrounds": found, "rows": {"test": 9, "stop": 5}})
    simulated = record(cross_section=2.5, cross_section_error=0.1, generated=1000, vetoed=3)
    for name, given in (("qcd", simulated), ("top", record()), ("stop", simulated)):
        write_json(tmp_path / "events" / f"{name}.json", given)
    files = {
        "inputs": [str(inputs)],
        "events": [str(path) for path in (tmp_path / "events").iterdir()],
    }
    settings = {"roles": {"1": {"stop": "final"}}, "scale": {"1": {"qcd": 0.2}}}
    qcd, top, stop = events_table(files, settings)
    expected = {"process": "qcd", "role": "background", "scale": 0.2, "share": 0.75}
    expected |= {"cross_section": 2.5, "generated": 1000, "in_channel": 30, "left_out": 20}
    assert {name: qcd[name] for name in expected} == expected
    assert (top["scale"], top["cross_section"]) == (1.0, None)
    assert (stop["role"], stop["in_channel"], stop["share"]) == ("final", 5, None)
