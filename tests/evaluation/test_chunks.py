"""Values of many events in chunks: an interrupted job gives the same values as another one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hepdensity.evaluation import chunks as module
from hepdensity.evaluation.chunks import Chunks, Unfinished
from hepdensity.training.seeding import stream
from hepdensity.walltime import AGAIN, Walltime

EVENTS = torch.arange(10.0, dtype=torch.float64)[:, None]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE", {"cpu": 3})


class Over(Walltime):
    """Is over after a number of checks."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self.left = checks

    @property
    def over(self) -> bool:
        self.left -= 1
        return self.left < 0


def noisy(generator: torch.Generator, seen: list[float]) -> Callable[[Tensor], dict[str, Tensor]]:
    """Two arrays with random numbers, one of which has two values for each event."""

    def compute(chunk: Tensor) -> dict[str, Tensor]:
        seen.extend(chunk[:, 0].tolist())
        noise = torch.rand(2, len(chunk), generator=generator, dtype=torch.float64)
        return {"first": chunk[:, 0] + noise[0], "both": chunk.T + noise}

    return compute


Found = dict[str, dict[str, Tensor]]


def run(
    path: Path | None, walltime: Walltime, identity: str = "x"
) -> tuple[Found, list[float], list[int]]:
    """Arrays of two names, events that were computed, and reported progress."""
    generator = stream(1, "s")
    seen: list[float] = []
    told: list[int] = []
    unfinished = None if path is None else Unfinished(path, identity, walltime)
    chunks = Chunks(generator, unfinished)
    found = {
        name: chunks.values(name, EVENTS, noisy(generator, seen), told.append)
        for name in ("a", "b")
    }
    chunks.save()
    assert set(chunks.seconds) == {"a", "b"}
    return found, seen, told


def equal(first: Found, second: Found) -> bool:
    return all(torch.equal(first[n][k], second[n][k]) for n in ("a", "b") for k in first["a"])


@pytest.mark.parametrize("checks", range(8))
def test_interrupted_job_is_continued(tmp_path: Path, checks: int) -> None:
    whole, seen, told = run(None, Walltime())
    assert seen == EVENTS[:, 0].tolist() * 2 and sum(told) == 20
    path = tmp_path / "s.safetensors"
    with pytest.raises(SystemExit) as ended:
        run(path, Over(checks))
    assert ended.value.code == AGAIN
    again, seen_again, told_again = run(path, Walltime())
    assert equal(whole, again)
    done = [3, 6, 9, 10, 13, 16, 19, 20][checks]
    assert seen_again == seen[done:] and sum(told_again) == 20


def test_finished_work_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    whole, _, _ = run(path, Walltime())
    again, seen, _ = run(path, Walltime())
    assert equal(whole, again) and seen == []


def test_other_work_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    run(path, Walltime())
    _, seen, _ = run(path, Walltime(), identity="y")
    assert len(seen) == 20


def test_no_events() -> None:
    chunks = Chunks(stream(1, "s"))
    found = chunks.values("a", EVENTS[:0], lambda chunk: {"v": chunk[:, 0]}, lambda n: None)
    assert found["v"].shape == (0,)


def test_saves_at_intervals(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path / "s.safetensors", "x", Walltime(), seconds=0.0)
    chunks = Chunks(stream(1, "s"), unfinished)
    saved: list[bool] = []

    def told(n: int) -> None:
        saved.append(unfinished.path.exists())

    chunks.values("a", EVENTS, lambda chunk: {"v": chunk[:, 0]}, told)
    assert saved == [False, True, True, True]
