"""The workflow on a real SLURM cluster of one node (`make test-slurm`).

Root installs Debian's packages and starts the daemons, which are stopped at the end.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from checkouts import REPOSITORY, Checkout

from slurm.cluster import Cluster, jobs

pytestmark = pytest.mark.slurm

PROFILE = (
    *("--workflow-profile", str(REPOSITORY / "workflow/profiles/slurm")),
    *("--slurm-partition-config", str(REPOSITORY / "tests/slurm/partitions.yaml")),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
    *("--seconds-between-status-checks", "1", "--latency-wait", "10", "--jobs", "4"),
    "--slurm-no-account",
)
EVENTS = "results/smoke/gluino/events/embedded"


def checkout_in(folder: Path, **config: Any) -> Checkout:
    """This checkout, run in a folder."""
    return Checkout(REPOSITORY, folder, {"preset": "smoke", **config})


def test_events_are_generated_by_jobs(cluster: Cluster, tmp_path: Path) -> None:
    checkout = checkout_in(tmp_path, studies=["gluino"])
    target = f"{EVENTS}/two_gluino.h5"
    status, said = checkout.run(*PROFILE, target=target)
    assert status == 0, said[-5000:]
    assert (tmp_path / target).is_file()
    assert said.count("has been submitted with SLURM jobid") == 2
    assert jobs() == []
    assert os.environ.get("SLURM_JOB_ID") is None
