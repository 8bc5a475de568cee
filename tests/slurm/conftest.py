"""The cluster of these tests."""

from collections.abc import Iterator

import pytest

from slurm.cluster import Cluster, problem, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node; skip the test where none can be started."""
    told = problem()
    if told is not None:
        pytest.skip(told)
    with running_cluster() as running:
        yield running
