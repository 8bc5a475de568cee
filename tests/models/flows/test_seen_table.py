"""Probabilities of configurations seen in training and of the rest."""

from itertools import permutations

import pytest
import torch
from model_events import general_events, general_layout, joined_layout
from torch import Generator, Tensor

from hepdensity.models.flows.seen_table import SeenTable
from hepdensity.models.layers.coding import Coding
from hepdensity.models.layout import Column, Layout

LAYOUT = general_layout()
CODING = Coding(LAYOUT)


def training(n: int = 400) -> tuple[Tensor, Tensor]:
    """Codes and presence sets."""
    codes = CODING.codes(general_events(LAYOUT, n))
    return codes, (codes[:, 1:] >= 0).sum(dim=1) - 1


def all_codes(particles: int) -> Tensor:
    """Every configuration with so many particles present."""
    values = [torch.arange(2), *[torch.arange(3)] * particles]
    absent = torch.full((2 * 3**particles, 3 - particles), -1)
    return torch.cat([torch.cartesian_prod(*values), absent], dim=1)


def table_of(symmetric: bool, n: int = 400) -> SeenTable:
    table = SeenTable(CODING, symmetric)
    table.count(*training(n))
    return table


@pytest.mark.parametrize("symmetric", [False, True])
def test_probabilities_of_each_set_add_up_to_one(symmetric: bool) -> None:
    table = table_of(symmetric, 60)
    for particles in (1, 2, 3):
        codes = all_codes(particles)
        log_p = table.log_prob(codes, torch.full((len(codes),), particles - 1))
        assert log_p.isfinite().all()
        assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)
        unseen = table.is_unseen(codes, None)
        assert particles < 3 or 0 < unseen.sum() < len(codes)


def test_frequent_configurations_have_their_frequencies() -> None:
    codes, sets = training(20_000)
    table = SeenTable(CODING, symmetric=False)
    table.count(codes, sets)
    every = all_codes(2)
    of_set = codes[sets == 1]
    shares = (of_set[:, None] == every).all(dim=2).double().mean(dim=0)
    found = table.log_prob(every, torch.ones(len(every), dtype=torch.long)).exp()
    torch.testing.assert_close(found, shares, atol=6e-3, rtol=0)


def test_all_orders_are_alike_if_symmetric() -> None:
    table, codes = table_of(True), all_codes(3)
    sets = torch.full((len(codes),), 2)
    expected = table.log_prob(codes, sets)
    for order in permutations(range(3)):
        moved = torch.cat([codes[:, :1], codes[:, 1:][:, list(order)]], dim=1)
        torch.testing.assert_close(table.log_prob(moved, sets), expected)
    ordered = table_of(False).log_prob(codes, sets)
    assert not torch.allclose(ordered, expected)
    # The numbers of each type do not depend on the treatment: here all three are of type 0.
    same = (codes[:, 1:] == 0).all(dim=1)
    torch.testing.assert_close(ordered[same], expected[same], atol=0.1, rtol=0)


@pytest.mark.parametrize("symmetric", [False, True])
def test_draws_have_the_probabilities(symmetric: bool, generator: Generator) -> None:
    table, n = table_of(symmetric, 60), 40_000
    sets = torch.arange(3).repeat_interleave(n)
    drawn = table.draw(len(sets), sets, generator)
    assert torch.equal((drawn[:, 1:] >= 0).sum(dim=1) - 1, sets)
    for particles in (1, 2, 3):
        codes = all_codes(particles)
        expected = table.log_prob(codes, torch.full((len(codes),), particles - 1)).exp()
        rows = drawn[sets == particles - 1]
        found = torch.stack([(rows == code).all(dim=1).double().mean() for code in codes])
        assert ((found - expected).abs() < 4.5 * (expected / n).sqrt()).all()


@pytest.mark.parametrize("symmetric", [False, True])
def test_balanced_weights_have_mean_one_over_what_was_seen(symmetric: bool) -> None:
    table = table_of(symmetric)
    totals = table.totals / table.totals.sum()
    total = torch.zeros((), dtype=torch.float64)
    for particles in (1, 2, 3):
        codes = all_codes(particles)
        sets = torch.full((len(codes),), particles - 1)
        log_p = table.log_prob(codes, sets) + totals[particles - 1].log()
        seen = ~table.is_unseen(codes, sets)
        weights = table.log_weight(codes, log_p).exp()
        total += (weights * log_p.exp())[seen].sum()
        assert (weights[~seen] <= weights[seen].max() + 1e-12).all()
    assert total.item() == pytest.approx(1, abs=0.05)


def test_saved_tables_are_loaded_whatever_their_size() -> None:
    table, other = table_of(True), table_of(True, 20)
    other.load_state_dict(table.state_dict())
    fresh = SeenTable(CODING, symmetric=True)
    fresh.load_state_dict(table.state_dict())
    codes, sets = training(50)
    for loaded in (other, fresh):
        assert torch.equal(loaded.log_prob(codes, sets), table.log_prob(codes, sets))


def test_rows_of_absent_particles_are_rows_of_their_own() -> None:
    table, codes = table_of(True), torch.tensor([[1, 2, -1, -1], [0, 0, 0, 0]])
    assert table.rows == 3 + 3 * 4
    assert table.index(codes).tolist() == [[1, 5, 10, 14], [0, 3, 7, 11]]


def test_event_categories_alone(generator: Generator) -> None:
    """Without particles there is nothing to exchange."""
    layout = Layout((Column("x"), *(Column(f"c{i}", categories=200) for i in range(3))), (), 0)
    table = SeenTable(Coding(layout), symmetric=True)
    codes = torch.randint(3, (100, 3), generator=generator)
    table.count(codes, None)
    assert table.log_prob(codes, None).exp().mean() > 0.02
    assert table.log_prob(codes + 100, None).isfinite().all()
    assert table.draw(50, None, generator).shape == (50, 3)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match=r"call prepare\(training\) first"):
        SeenTable(CODING, symmetric=True).log_prob(*training(5))
    with pytest.raises(ValueError, match="cannot exchange particles"):
        SeenTable(Coding(joined_layout(3)), symmetric=True)
    particle = (Column("x"), Column("type", categories=9))
    with pytest.raises(ValueError, match=r"more than 2\^62 configurations of categories"):
        SeenTable(Coding(Layout((), particle, 19)), symmetric=True)
