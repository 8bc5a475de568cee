"""Description of the machine that a benchmark runs on, to print above its results."""

import os
import platform
from pathlib import Path

import torch

_CPU_INFO = Path("/proc/cpuinfo")
_FIELDS = ("model name", "cpu family", "model")


def describe() -> str:
    """Processor, cores, and the threads and version of torch, in one line."""
    return (
        f"{processor()}, {os.cpu_count()} cores ({torch.backends.cpu.get_cpu_capability()});"
        f" {torch.get_num_threads()} thread(s); torch {torch.__version__}"
    )


def processor() -> str:
    """Name of the processor according to the system.

    Virtual machines often hide the exact name, but family and model identify it.
    """
    if not _CPU_INFO.is_file():
        return platform.processor() or platform.machine()
    first = _CPU_INFO.read_text(encoding="utf-8").split("\n\n")[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in pairs}
    name, family, model = (fields.get(field) for field in _FIELDS)
    if name is None:
        return platform.machine()
    return name if family is None else f"{name} (family {family}, model {model})"
