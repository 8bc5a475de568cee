"""Drawing samples, and files of samples."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from hepdensity.evaluation import samples as module
from hepdensity.evaluation.samples import ALL, Samples, draw_samples, read_samples, write_samples
from hepdensity.files import read_provenance
from hepdensity.models.base import DensityModel, MultiplicityModel
from hepdensity.models.layout import Column, Layout, PresenceSet

LAYOUT = Layout(event=(Column("x"), Column("kind", categories=3)), particle=(), particles=0)
SETS = Layout(
    event=(),
    particle=(Column("x"),),
    particles=2,
    sets=(PresenceSet("pair", 2, 0.4), PresenceSet("single", 1, 0.6)),
)


class Uniform(DensityModel):
    """Uniform numbers times a weight; a draw is valid if its first number exceeds 0.5."""

    bound = False

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def loss(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        raise NotImplementedError

    def log_prob(self, batch: Tensor, generator: Generator | None = None) -> Tensor:
        raise NotImplementedError

    def log_prob_tight(
        self, batch: Tensor, draws: int | None = None, generator: Generator | None = None
    ) -> Tensor:
        raise NotImplementedError

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        return torch.rand(n, 2, generator=generator) * self.weight

    def attempt(self, n: int, generator: Generator | None = None) -> Tensor:
        drawn = self.sample(n, generator)
        return drawn[drawn[:, 0] > 0.5]


class OneOrTwo(Uniform, MultiplicityModel):
    """Events of two particles, then of one."""

    @property
    def log_probabilities(self) -> Tensor:
        return torch.tensor([0.4, 0.6]).log()

    def sample_set(self, n: int, chosen: int, generator: Generator | None = None) -> Tensor:
        drawn = self.sample(n, generator).clone()
        drawn[:, 2 - chosen :] = torch.nan
        return drawn


def test_valid_samples_are_kept_and_the_others_counted(generator: Generator) -> None:
    told: list[int] = []
    drawn = draw_samples(Uniform(), LAYOUT, ALL, 20_000, generator, "cpu", told.append)
    assert sum(told) == drawn.drawn == 20_000 and len(told) == 3
    assert (drawn.events[:, 0] > 0.5).all()
    assert drawn.invalid == 20_000 - len(drawn.events)
    assert abs(drawn.invalid - 10_000) < 4 * np.sqrt(5_000)


def test_draws_follow_the_generator_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    def events(chunk: int) -> np.ndarray:
        monkeypatch.setattr(module, "_CHUNK", {"cpu": chunk})
        generator = torch.Generator().manual_seed(1)
        return draw_samples(Uniform(), LAYOUT, ALL, 10, generator, "cpu").events

    np.testing.assert_array_equal(events(5), events(5))
    np.testing.assert_array_equal(events(4), events(2))


@pytest.mark.parametrize(("name", "absent"), [("pair", 0), ("single", 1)])
def test_samples_of_a_presence_set(name: str, absent: int, generator: Generator) -> None:
    drawn = draw_samples(OneOrTwo(), SETS, name, 30, generator, "cpu")
    assert drawn.events.shape == (30, 2) and drawn.invalid == 0
    assert (np.isnan(drawn.events).sum(axis=1) == absent).all()


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        (OneOrTwo(), "triple", "the layout has no presence set 'triple', only pair, single"),
        (Uniform(), "pair", "Uniform cannot draw samples of a given presence set"),
    ],
    ids=["no such set", "no such model"],
)
def test_samples_that_cannot_be_drawn(
    model: DensityModel, name: str, message: str, generator: Generator
) -> None:
    with pytest.raises(ValueError, match=message):
        draw_samples(model, SETS, name, 3, generator, "cpu")


@pytest.mark.parametrize("layout", [LAYOUT, SETS], ids=["categories", "sets"])
def test_round_trip(tmp_path: Path, layout: Layout) -> None:
    events = np.array([[0.1, 2.0], [0.3, np.nan]], dtype=np.float32)
    write_samples(tmp_path / "s.h5", Samples(events, 5, layout), {"seed": 3})
    found = read_samples(tmp_path / "s.h5")
    np.testing.assert_array_equal(found.events, events)
    assert (found.drawn, found.invalid, found.layout) == (5, 3, layout)
    assert read_provenance(tmp_path / "s.h5") == {"seed": 3}


@pytest.mark.parametrize("lacking", [["events"], ["drawn"], ["layout"]], ids=str)
def test_other_files_are_refused(tmp_path: Path, lacking: Sequence[str]) -> None:
    write_samples(tmp_path / "s.h5", Samples(np.ones((1, 2)), 1, LAYOUT), {})
    with h5py.File(tmp_path / "s.h5", "a") as file:
        for name in lacking:
            del (file if name in file else file.attrs)[name]
    with pytest.raises(ValueError, match=r"s\.h5: not a file of samples; run the rule draw"):
        read_samples(tmp_path / "s.h5")
