"""Conversion between categorical columns of events and codes, which are whole numbers.

A code numbers one event column, one column of one particle, or the columns that a ``Code`` of the
layout combines. Codes that do not belong to one particle come first.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepdensity.models.layout import Code, Layout
from hepdensity.numbering import digits, number, permutation_of_rank, rank_of_permutation

LARGEST_TABLE = 20_000
"""Largest number of categories that are numbered together."""
_LARGEST_CODE = 1_000_000


class Coding(nn.Module):
    """The codes of a layout.

    Attributes:
        counts: number of values of each code.
        places: particle of each code, or None.
        together: number of leading codes that are numbered together: those that do not belong to
            one particle if they have few categories, otherwise 0.
        groups: number of categories of these codes together, and of each other code separately.
        group_places: particle of each group, or None.
    """

    def __init__(self, layout: Layout) -> None:
        """Collect the codes.

        Raises:
            ValueError: if a code has too many values.
        """
        super().__init__()
        self.layout = layout
        self._joined = [(code, layout.code_columns(code)) for code in layout.codes]
        taken = {index for _, columns in self._joined for index in columns}
        single = [i for i in range(layout.continuous, layout.features) if i not in taken]
        self.counts = (*map(self._count, self._joined), *map(self._categories, single))
        owners = {i: place for place in range(layout.particles) for i in layout.block(place)}
        self.places = (*[None] * len(self._joined), *(owners.get(i) for i in single))
        self._check_counts()
        first = layout.continuous
        self._single = [index - first for index in single]
        leading = self.places.count(None)
        categories = math.prod(self.counts[:leading])
        self.together = leading if categories <= LARGEST_TABLE else 0
        together = (categories,) if self.together else ()
        self.groups = (*together, *self.counts[self.together :])
        self.group_places = (*[None] * len(together), *self.places[self.together :])

    def _categories(self, index: int) -> int:
        return self.layout.column_of(index).categories or 0

    def _count(self, joined: tuple[Code, tuple[int, ...]]) -> int:
        code, columns = joined
        if code.kind == "permutation":
            return math.factorial(len(columns))
        return math.prod(map(self._categories, columns))

    def _check_counts(self) -> None:
        for (code, _), count in zip(self._joined, self.counts, strict=False):
            if count > _LARGEST_CODE:
                raise ValueError(
                    f"code '{code.name}' has {count} values, more than {_LARGEST_CODE}; combine"
                    " fewer columns, or omit the code"
                )

    @property
    def joins_particles(self) -> bool:
        """Whether a code combines columns of several particles."""
        start = self.layout.slices[3].start
        return any(max(columns) >= start for _, columns in self._joined)

    def values(self, batch: Tensor) -> Tensor:
        """Categorical columns as int64, -1 if absent, shape ``(n, categorical)``."""
        columns = batch[:, self.layout.continuous :]
        if self.layout.sets:
            columns = columns.nan_to_num(nan=-1.0)
        return columns.round().long()

    def codes(self, batch: Tensor) -> Tensor:
        """Codes of events, int64, -1 if the particle is absent, shape ``(n, codes)``."""
        values, first = self.values(batch), self.layout.continuous
        parts = []
        for code, columns in self._joined:
            given = values[:, [index - first for index in columns]]
            if code.kind == "permutation":
                parts.append(rank_of_permutation(given))
            else:
                parts.append(number(given, [*map(self._categories, columns)]))
        return torch.cat([*(part[:, None] for part in parts), values[:, self._single]], dim=1)

    def events(self, continuous: Tensor, codes: Tensor) -> Tensor:
        """Events from continuous columns and codes, shape ``(n, d)``; -1 means absent.

        Raises:
            ValueError: if a code that combines columns is out of range.
        """
        values = codes.new_empty(len(codes), self.layout.categorical)
        first = self.layout.continuous
        for i, (code, columns) in enumerate(self._joined):
            if code.kind == "permutation":
                given = permutation_of_rank(codes[:, i], len(columns))
            else:
                given = digits(codes[:, i], [*map(self._categories, columns)])
            values[:, [index - first for index in columns]] = given
        values[:, self._single] = codes[:, len(self._joined) :]
        categorical = values.to(continuous)
        if self.layout.sets:
            categorical = categorical.masked_fill(values < 0, torch.nan)
        return torch.cat([continuous, categorical], dim=1)

    def grouped(self, codes: Tensor) -> Tensor:
        """Numbers of the groups of codes, int64, shape ``(n, groups)``."""
        if not self.together:
            return codes
        together = self.together
        shared = combined(codes[:, :together], self.counts[:together])
        return torch.cat([shared[:, None], codes[:, together:]], dim=1)

    def ungrouped(self, groups: Tensor) -> Tensor:
        """Codes from the numbers of their groups, int64, shape ``(n, codes)``."""
        if not self.together:
            return groups
        shared = split(groups[:, 0], self.counts[: self.together])
        return torch.cat([shared, groups[:, 1:]], dim=1)

    def check(self, batch: Tensor) -> None:
        """Check the categories of events.

        Args:
            batch: events, shape ``(n, d)``.

        Raises:
            ValueError: for a category that the layout does not have; names the first event
                (counted from 1) and the column.
        """
        first = self.layout.continuous
        given = batch[:, first:]
        limits = [self._categories(first + i) for i in range(given.shape[1])]
        wrong = (given != given.round()) | (given < 0) | (given >= given.new_tensor(limits))
        if self.layout.sets:
            wrong &= ~given.isnan()
        if wrong.any():
            event, column = wrong.nonzero()[0].tolist()
            self._refuse(
                event,
                f"column '{self.layout.column_of(first + column).name}' must contain whole numbers"
                f" from 0 to {limits[column] - 1}",
            )
        for code, columns in self._joined:
            if code.kind == "permutation":
                found = given[:, [index - first for index in columns]].sort(dim=1).values
                wrong = (found != torch.arange(len(columns), device=batch.device)).any(dim=1)
                if wrong.any():
                    self._refuse(
                        int(wrong.nonzero()[0]),
                        f"columns of '{code.name}' must be a permutation of"
                        f" 0 to {len(columns) - 1}",
                    )

    @staticmethod
    def _refuse(event: int, rule: str) -> None:
        raise ValueError(
            f"category out of range in event {event + 1}: {rule}; correct the input events"
        )


def combined(codes: Tensor, counts: Sequence[int]) -> Tensor:
    """Number codes together, with the first code varying fastest, int64, shape ``(n,)``."""
    return number(codes.flip(1), counts[::-1])


def split(category: Tensor, counts: Sequence[int]) -> Tensor:
    """Codes that were numbered together; the inverse of ``combined``, shape ``(n, codes)``."""
    return digits(category, counts[::-1]).flip(1)
