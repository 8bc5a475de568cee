"""The columns of a layout as event columns, points and categories of points."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hepdensity.models.layout import Layout
from hepdensity.numbering import digits, number


class PointColumns:
    """Event columns, continuous columns of the particles, and one category for each particle.

    If particles have several categorical columns, a category is a combination of their values.
    """

    def __init__(self, layout: Layout) -> None:
        """Find the columns.

        Args:
            layout: columns of the events.

        Raises:
            ValueError: for categorical event columns, or continuous columns that are not real.
        """
        _refuse(layout)
        self.layout = layout
        self._radices = [column.categories or 0 for column in layout.particle_categorical]
        self.categories = math.prod(self._radices) if self._radices else 0
        self.coordinates = len(layout.particle_continuous)
        sets = [chosen.particles for chosen in layout.sets] or [layout.particles]
        self.numbers = torch.tensor(sets)

    @property
    def conditions(self) -> int:
        """Conditions of the particles: event columns, N if it varies, counts of the categories."""
        return len(self.layout.event) + (len(self.numbers) > 1) + self.categories

    def sets_of(self, batch: Tensor) -> Tensor:
        """Presence set of each event, int64, shape ``(n,)``.

        Raises:
            ValueError: if the events do not fit the layout; names the first such event.
        """
        if batch.dim() != 2 or batch.shape[1] != self.layout.features:
            raise ValueError(
                f"this model takes events of {self.layout.features} columns, not of shape"
                f" {tuple(batch.shape)}; check the layout of the inputs"
            )
        columns = self.layout.slices[0]
        _first(batch[:, columns].isnan().any(dim=1), "has NaN in its event columns")
        if not self.layout.particles:
            return torch.zeros(len(batch), dtype=torch.int64, device=batch.device)
        absent = self._of_particles(batch).isnan()
        gone = absent.any(dim=2)
        count = (~gone).sum(dim=1)
        places = torch.arange(self.layout.particles, device=batch.device)
        torn = (absent.all(dim=2) != gone) | (gone != (places >= count[:, None]))
        _first(
            torn.any(dim=1),
            "has absent values (NaN) that are not those of its last particles; present particles"
            " come first, and absent ones are NaN in all their columns",
        )
        matches = count[:, None] == self.numbers.to(batch.device)
        _first(
            ~matches.any(dim=1),
            "has a number of particles that is none of the layout's presence sets",
        )
        return matches.long().argmax(dim=1)

    def _of_particles(self, batch: Tensor) -> Tensor:
        """All columns of the particles, shape ``(n, N, columns)``."""
        _, continuous, _, categorical = self.layout.slices
        parts = [
            batch[:, part].unflatten(1, (self.layout.particles, -1))
            for part in (continuous, categorical)
            if part.stop > part.start
        ]
        return torch.cat(parts, dim=2)

    def categories_of(self, batch: Tensor) -> Tensor | None:
        """Category of each particle, int64, -1 if it is absent, shape ``(n, N)``; None without any.

        Raises:
            ValueError: if a value is no category of its column; names the first such event.
        """
        if not self.categories:
            return None
        values = batch[:, self.layout.slices[3]].unflatten(1, (self.layout.particles, -1))
        absent = values[:, :, 0].isnan()
        values = values.nan_to_num(nan=0.0)
        whole = values.round()
        limits = whole.new_tensor(self._radices)
        wrong = ((values != whole) | (whole < 0) | (whole >= limits)).flatten(1).any(dim=1)
        _first(wrong, "has a value that is no category of its column")
        found = number(whole.long().flatten(0, 1), self._radices).view_as(absent)
        return found.masked_fill(absent, -1)

    def with_categories(self, batch: Tensor, categories: Tensor) -> Tensor:
        """Events with the categories of the particles put in; the inverse of `categories_of`."""
        values = digits(categories.clamp(min=0).flatten(), self._radices).to(batch)
        values = values.unflatten(0, categories.shape)
        batch = batch.clone()
        batch[:, self.layout.slices[3]] = values.masked_fill(
            categories[:, :, None] < 0, torch.nan
        ).flatten(1)
        return batch


def _refuse(layout: Layout) -> None:
    for column in (*layout.event, *layout.particle_continuous):
        if column.categories is not None:
            what = "categorical"
        elif column.support != "real":
            what = "within [0, 1]"
        else:
            continue
        raise ValueError(
            f"column '{column.name}' is {what}, but diffusion takes real numbers, and categories of"
            " particles only; choose another kind of model or other columns"
        )


def _first(wrong: Tensor, problem: str) -> None:
    """Raise a ValueError with the first event that has the problem, counted from 1."""
    if wrong.any():
        raise ValueError(f"event {int(wrong.nonzero()[0]) + 1} {problem}")
