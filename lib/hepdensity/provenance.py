"""What made an artefact: run records."""

import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any


def record(settings: Mapping[str, Any], seed: int | None, source: str) -> dict[str, Any]:
    """Run record to store with an artefact: what made it, without place or time.

    Args:
        settings: the settings that were used; must be representable in JSON.
        seed: seed of the run, or None if nothing is random.
        source: source digest of the script.
    """
    return {
        "settings": json.loads(json.dumps(settings)),
        "seed": seed,
        "source": source,
        "git_commit": git_commit(),
        "versions": _versions(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


@cache
def git_commit() -> str | None:
    """Commit of the checkout of this file, with `-dirty` appended if there are edits."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--match="]
    try:
        answer = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip() or None


def _versions() -> dict[str, str]:
    """Versions of Python and of every imported package.

    A fixed list would need edits, and each edit here would make every rule run again.
    """
    imported = {name.partition(".")[0] for name in sys.modules}
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        if not imported.isdisjoint(_top_level(distribution)):
            # Of two that are installed, the first on the path is the one that is imported.
            found.setdefault(distribution.name, distribution.version)
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def _top_level(distribution: metadata.Distribution) -> set[str]:
    """Names under which the packages of a distribution are imported.

    `metadata.packages_distributions` makes a path of every installed file, which takes a second.
    """
    names = distribution.read_text("top_level.txt")
    if names is not None:
        return set(names.split())
    files = (distribution.read_text("RECORD") or "").splitlines()
    return {line.partition(",")[0].partition("/")[0].partition(".")[0] for line in files}
