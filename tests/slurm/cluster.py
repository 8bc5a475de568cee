"""A SLURM cluster of one node on this machine, for tests: two partitions and two fake GPUs.

    python tests/slurm/cluster.py            start it and wait until Ctrl-C

It needs root, and installs Debian's slurm-wlm and munge if they are missing. There are no cgroups,
so a job's address space is limited to the memory that it asks for. There is no accounting, so
`squeue` must tell the state of jobs.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge")
ETC = Path("/etc/slurm")
CPUS, GPUS, MEMORY_MB = 4, 2, 200_000
"""What the node claims to have, whatever the machine has."""

_CONF = """
ClusterName=test
SlurmctldHost={host}
SlurmUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
KillWait=15
VSizeFactor=100
EnforcePartLimits=ALL
GresTypes=gpu
NodeName={host} CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""
_GRES = "NodeName={host} Name=gpu File={folder}/nvidia[0-{last}]\n"


def problem() -> str | None:
    """Why no cluster can be started here, or None."""
    if os.geteuid() != 0:
        return "this needs root, because it installs packages and starts daemons"
    if shutil.which("apt-get") is None:
        return "there is no apt-get to install SLURM with"
    return None


def install() -> None:
    """Install the packages, unless they are there."""
    if all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        return
    command = ("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)
    if subprocess.run(command, capture_output=True).returncode:
        _run("apt-get", "update")
        _run(*command)


class Cluster:
    """The daemons of a cluster."""

    def __init__(self, folder: Path) -> None:
        """Write the configuration; nothing is started.

        Args:
            folder: empty folder for the state of the daemons.
        """
        self.folder = folder
        self._linked: list[Path] = []
        values = {"host": socket.gethostname(), "folder": folder, "cpus": CPUS, "gpus": GPUS}
        values |= {"memory": MEMORY_MB, "last": GPUS - 1}
        for part in ("state", "spool"):
            (folder / part).mkdir()
        for gpu in range(GPUS):
            _run("mknod", str(folder / f"nvidia{gpu}"), "c", "1", "3")
        # SLURM_CONF is not enough: the plugin removes the variables of SLURM in its jobs.
        ETC.mkdir(parents=True, exist_ok=True)
        for name, text in (("slurm.conf", _CONF), ("gres.conf", _GRES)):
            (folder / name).write_text(text.format(**values))
            target = ETC / name
            if target.is_symlink() or target.exists():
                raise RuntimeError(f"{target} is there already; stop that cluster and remove it")
            target.symlink_to(folder / name)
            self._linked.append(target)

    def start(self) -> None:
        """Start all daemons and wait until the node is idle."""
        _start_munge()
        _run("slurmctld", "-c")
        self.start_node()

    def start_node(self) -> None:
        """Start the daemon of the node, and wait until it is idle."""
        _run("slurmd")
        end = time.monotonic() + 60
        while "idle" not in _said("sinfo", "--noheader", "--format=%T"):
            if time.monotonic() > end:
                raise RuntimeError(f"the node is not idle: see the logs in {self.folder}")
            time.sleep(0.2)

    def stop_node(self) -> None:
        """Stop the daemon of the node; running jobs go on."""
        self._stop("slurmd")

    def stop(self) -> None:
        """Cancel all jobs and stop the daemons."""
        subprocess.run(("scancel", "--user", "root"), capture_output=True)
        for name in ("slurmd", "slurmctld"):
            self._stop(name)
        for target in self._linked:
            target.unlink(missing_ok=True)

    def _stop(self, name: str) -> None:
        path = self.folder / f"{name}.pid"
        if not path.exists():
            return
        number = int(path.read_text())
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
            for _ in range(100):
                os.kill(number, 0)
                time.sleep(0.1)
            os.kill(number, signal.SIGKILL)
        path.unlink(missing_ok=True)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster that is stopped at the end."""
    install()
    with tempfile.TemporaryDirectory(prefix="slurm") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def jobs() -> list[str]:
    """Jobs that wait or run, one line each: number, state and name."""
    return _said("squeue", "--noheader", "--format=%i %T %j").splitlines()


def _start_munge() -> None:
    if subprocess.run(("pgrep", "-x", "munged"), capture_output=True).returncode == 0:
        return
    _run("install", "-d", "-o", "munge", "-g", "munge", "-m", "0755", "/run/munge")
    _run("runuser", "-u", "munge", "--", "/usr/sbin/munged")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def main() -> None:
    """Run a cluster until Ctrl-C."""
    told = problem()
    if told is not None:
        raise SystemExit(told)
    with running_cluster() as cluster, suppress(KeyboardInterrupt):
        print(f"SLURM is running (files in {cluster.folder}); Ctrl-C stops it")
        signal.pause()


if __name__ == "__main__":
    main()
