"""Published results of the challenge: our table gives the published summaries of it."""

from statistics import median

import pytest

from hepdensity.evaluation.anomaly import WORKING_POINTS
from hepdensity.studies.darkmachines.published import (
    CHANNELS,
    DM_FLOW,
    DM_FLOW_NO_ENERGY,
    flow_results,
    max_si_of_models,
    total_improvement,
)

FLOWS = (DM_FLOW, DM_FLOW_NO_ENERGY)


def test_published_total_improvements() -> None:
    """Minimum, median and maximum over 19 signals, in ..._TotalImprovements.csv of the source."""
    total = total_improvement(flow_results())
    assert len(total) == 19
    values = sorted(total.values())
    assert (values[0], median(values), values[-1]) == pytest.approx((0.9, 15.0, 54.0), rel=1e-12)


def test_published_total_improvements_without_energies() -> None:
    """The published median is that of 18 signals: one of those above the median is left out."""
    values = sorted(total_improvement(flow_results(DM_FLOW_NO_ENERGY)).values())
    assert (values[0], values[-1]) == pytest.approx((0.31622776601683794, 53.0), rel=1e-12)
    assert median(values[:-1]) == pytest.approx(6.213594362117866, rel=1e-12)
    assert median(values) == pytest.approx(8.0)


@pytest.mark.parametrize("model", FLOWS)
def test_per_signal_values_give_those_of_the_channels(model: str) -> None:
    for channel, signals in flow_results(model).items():
        values = [result.max_si() for result in signals.values()]
        spread = max_si_of_models()[model][channel]
        summary = (spread.median, spread.least, spread.most)
        assert (median(values), min(values), max(values)) == pytest.approx(summary, rel=5e-3)


def test_all_pairs_of_channel_and_signal_are_there() -> None:
    for model in FLOWS:
        results = flow_results(model)
        assert [len(results[channel]) for channel in CHANNELS] == [8, 7, 9, 10]


def test_two_working_points_are_the_safer_value_of_the_dm_flow() -> None:
    """Its columns at 1e-3 and 1e-4 are equal, see the docstring of the module."""
    results = flow_results()
    for signals in results.values():
        assert all(one.eps_s[1e-3] == one.eps_s[1e-4] for one in signals.values())
    medians = [
        median(one.max_si(WORKING_POINTS[:2]) for one in results[channel].values())
        for channel in CHANNELS
    ]
    assert medians == pytest.approx([8.54, 0.9, 8.2, 7.65], abs=0.005)
