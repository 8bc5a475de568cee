"""The presets of the study agree with what can be simulated."""

from typing import Any

import pytest
from darkmachines_study import MODELS, PRESETS

from hepdensity.configuration import overlay
from hepdensity.studies.darkmachines.channels import CHANNELS, Channel
from hepdensity.studies.darkmachines.processes import BACKGROUNDS
from hepdensity.studies.darkmachines.signals import SIGNALS

NAMES = [name for name in PRESETS if name != "common"]


@pytest.fixture(params=NAMES)
def simulated(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Section of the simulation of each preset."""
    section: dict[str, Any] = overlay(PRESETS["common"], PRESETS[request.param])["simulated"]
    return section


def signals_of(section: dict[str, Any], role: str) -> set[str]:
    return {name for given in section["signals"].values() for name in given.get(role, ())}


def test_named_processes_can_be_simulated(simulated: dict[str, Any]) -> None:
    assert set(simulated["events"]) <= {*BACKGROUNDS, *SIGNALS}
    assert {one for names in simulated["backgrounds"].values() for one in names} <= set(BACKGROUNDS)
    assert signals_of(simulated, "tuning") | signals_of(simulated, "final") <= set(SIGNALS)


def test_every_process_that_is_simulated_is_used(simulated: dict[str, Any]) -> None:
    used = {name for names in simulated["backgrounds"].values() for name in names}
    used |= signals_of(simulated, "tuning") | signals_of(simulated, "final")
    assert used == set(simulated["events"])


def test_tuning_signals_are_no_final_ones_in_any_channel(simulated: dict[str, Any]) -> None:
    assert signals_of(simulated, "tuning") & signals_of(simulated, "final") == set()


def test_every_channel_has_background_and_signals_of_both_roles(
    simulated: dict[str, Any],
) -> None:
    assert set(simulated["backgrounds"]) == set(simulated["signals"]) == set(CHANNELS)
    assert all(simulated["backgrounds"].values())
    assert all(given["tuning"] and given["final"] for given in simulated["signals"].values())


def test_processes_are_named_in_channels_that_they_populate(simulated: dict[str, Any]) -> None:
    for channel, names in simulated["backgrounds"].items():
        for name in names:
            assert channel in BACKGROUNDS[name].channels, name
    for channel, given in simulated["signals"].items():
        for name in (name for names in given.values() for name in names):
            assert channel in SIGNALS[name].channels, name


def test_scales_are_those_of_backgrounds_of_the_channel(simulated: dict[str, Any]) -> None:
    for channel, factors in simulated["scale"].items():
        assert set(factors) <= set(simulated["backgrounds"][channel])


def test_channels_are_those_of_the_challenge() -> None:
    given = PRESETS["common"]["channels"]
    assert {name: Channel.parse(cuts) for name, cuts in given.items()} == dict(CHANNELS)


@pytest.mark.parametrize("preset", NAMES)
def test_scores_that_are_compared_exist(preset: str) -> None:
    section = overlay(PRESETS["common"], PRESETS[preset])
    combined = {one["model"] for one in section["combinations"].values()}
    assert combined <= set(MODELS)
    trained = {model for part in section["datasets"].values() for model in part["models"]}
    known = {*section["combinations"], *trained, "paper", "met", "ht", "meff"}
    compared = {name for pair in section["compare"] for name in pair}
    assert compared <= known | {"deep-svdd", "isolation-forest", "other-signals"}
