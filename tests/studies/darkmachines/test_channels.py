"""Channels: decisions computed by hand at every edge, and channels of the user's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from object_events import Object, events_with

from hepdensity.ingest.challenge_csv import read_challenge_csv
from hepdensity.studies.darkmachines.channels import CHANNELS, Channel, Objects, channels_of, select


def jets(*pt: float) -> list[Object]:
    return [("b" if i % 2 else "j", value) for i, value in enumerate(pt)]


# Channel, MET, objects and whether the event is in the channel, with the reason in the comment.
CASES: list[tuple[str, float, list[Object], bool]] = [
    ("1", 200, jets(300, 200, 60, 60), True),  # HT 620
    ("1", 199.999, jets(300, 200, 60, 60), False),  # MET
    ("1", 200, jets(380, 100, 60, 60), True),  # HT 600
    ("1", 200, jets(379.9, 100, 60, 60), False),  # HT 599.9
    ("1", 200, jets(800, 80, 60, 60), True),  # MET/HT 0.2
    ("1", 200, jets(800.1, 80, 60, 60), False),  # MET/HT 0.19998
    ("1", 200, jets(480, 100, 60, 50), False),  # only three jets above 50 GeV
    ("1", 200, jets(480, 100, 60, 50.01), True),
    ("1", 200, jets(480, 100, 60), False),
    ("1", 200, [*jets(480, 100, 60), ("m-", 60)], False),  # a muon is no jet
    ("1", 200, jets(200, 200, 199, 60), False),  # none above 200 GeV
    ("1", 200, jets(200.01, 200, 199, 60), True),
    ("1", 200, [*jets(190, 190, 190, 60), ("g", 400)], False),  # the photon is no jet
    ("2a", 50, [("e-", 16), ("m+", 16), ("m-", 16)], True),
    ("2a", 49.999, [("e-", 16), ("m+", 16), ("m-", 16)], False),
    ("2a", 50, [("e-", 15), ("m+", 16), ("m-", 16)], False),  # pT > 15 GeV
    ("2a", 50, [("e-", 15.01), ("e-", 16), ("e-", 16)], True),  # any charges and flavours
    ("2a", 50, [("e-", 90), ("m+", 90), ("g", 90), ("b", 90)], False),
    ("2b", 50, [("e-", 16), ("m-", 16), ("j", 50)], True),  # HT 50
    ("2b", 49.999, [("e-", 16), ("m-", 16), ("j", 50)], False),
    ("2b", 50, [("e-", 16), ("m-", 16), ("j", 49.99)], False),
    ("2b", 50, [("e-", 16), ("m-", 16), ("j", 25), ("b", 25)], True),
    ("2b", 50, [("e-", 16), ("m-", 15), ("j", 50)], False),
    ("2b", 50, [("m+", 16), ("m+", 16), ("e+", 16), ("b", 50)], True),  # 2a is inside 2b
    ("2b", 50, [("e-", 16), ("m-", 16), ("m-", 300)], False),  # leptons do not count in HT
    ("3", 100, jets(300, 300), True),
    ("3", 99.999, jets(300, 300), False),
    ("3", 100, jets(300, 299.99), False),
    ("3", 100, jets(600), True),
    ("3", 100, [*jets(599), ("g", 500)], False),
]


@pytest.mark.parametrize(("channel", "met", "objects", "expected"), CASES)
def test_edges(channel: str, met: float, objects: list[Object], expected: bool) -> None:
    decisions = select(events_with(objects, met=met), channel)
    assert decisions.dtype == bool
    assert decisions.tolist() == [expected]


def test_sums_that_are_exact_in_the_file_only(tmp_path: Path) -> None:
    """Rounding the pT to single precision must not push an event across the limit on HT."""
    numbers = np.random.default_rng(5)
    on, below = [], []
    for _ in range(2000):
        # Limits in keV: 600 GeV in three jets, with the six digits that a file has.
        first, second = (int(x) for x in numbers.integers(100_000_0, 250_000_0, 2) // 10 * 10)
        on.append([first, second, 600_000_0 - first - second])
        below.append([first, second, 600_000_0 - first - second - 10])

    def event(pt: list[int]) -> str:
        objects = ";".join(f"j,9e6,{value / 10:.6g},0,0" for value in pt)
        return f"1;x;1;100000;0;{objects};\n"

    path = tmp_path / "a.csv"
    for kind, expected in ((on, True), (below, False)):
        path.write_text("".join(map(event, kind)))
        for chunk in read_challenge_csv(path):
            assert (select(chunk, "3") == expected).all()


def test_examples_of_the_facts(shared_data: Path) -> None:
    """MET and HT of the four events [GeV]: 143, 368; 119, 116; 237, 2188; 403, 683."""
    path = shared_data.parent / "reference/darkmachines/example_events.csv"
    if not path.is_file():
        pytest.skip(f"no example at {path}")
    (events,) = read_challenge_csv(path)
    decisions = {channel: select(events, channel).tolist() for channel in CHANNELS}
    assert decisions == {
        "1": [False, False, False, True],
        "2a": [False, False, False, False],
        "2b": [True, True, False, True],
        "3": [False, False, True, True],
    }


def test_many_events_at_once_and_none() -> None:
    events = events_with(jets(600), [], jets(700), met=[100, 100, 99])
    assert select(events, "3").tolist() == [True, False, False]
    assert select(events[:0], "1").shape == (0,)


def test_the_challenge() -> None:
    assert CHANNELS["1"] == Channel(
        200, 600, 0.2, (Objects(("j", "b"), 50, 4), Objects(("j", "b"), 200, 1))
    )
    assert list(CHANNELS) == ["1", "2a", "2b", "3"]


OWN = """
1:
  met: 150
photons:
  met_over_ht: 0.5
  objects:
    - {types: [g], pt: 100}
    - {types: [j, b], count: 2}
"""


def test_channels_of_the_user() -> None:
    channels = channels_of(yaml.safe_load(OWN))
    assert list(channels) == ["1", "2a", "2b", "3", "photons"]
    assert channels["1"] == Channel(met=150)
    assert CHANNELS["1"].ht == 600
    events = events_with(
        [*jets(40, 60), ("g", 101)],
        [*jets(40, 61), ("g", 101)],
        [*jets(40, 60), ("g", 100)],
        [*jets(40), ("g", 200)],
        [("g", 200)],
        met=50,
    )
    assert select(events, "photons", channels).tolist() == [True, False, False, False, False]
    plain = yaml.safe_load(OWN)
    assert select(events, "photons", plain).tolist() == [True, False, False, False, False]


def test_no_cuts_and_no_jets() -> None:
    events = events_with([], [("g", 5)], met=[1, 0.5])
    assert select(events, "all", {"all": {}}).all()
    assert select(events, "ratio", {"ratio": {"met_over_ht": 9}}).all()


@pytest.mark.parametrize(
    ("cuts", "message"),
    [
        ({"mett": 5}, "channel own: the cut 'mett' does not exist; use met, ht, met_over_ht"),
        ({"objects": [{"types": ["mu"]}]}, "channel own: 'mu' is not a type of object; use j, b"),
        ({"objects": [{"pt": 5}]}, "channel own: a number of objects needs `types`"),
        ({"objects": [{"types": ["j"], "n": 5}]}, "channel own: the cut 'n' does not exist"),
    ],
)
def test_invalid_cuts(cuts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        channels_of({"own": cuts})


def test_unknown_channel() -> None:
    with pytest.raises(ValueError, match="there is no channel '2'; use 1, 2a, 2b, 3"):
        select(events_with([]), "2")
