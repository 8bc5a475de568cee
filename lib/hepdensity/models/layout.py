"""The columns of an event: of the event or of a particle, continuous or categorical.

A batch has shape ``(n, d)``. The columns of a row are, in this order,

    continuous event columns
    continuous particle columns, particle by particle
    categorical event columns
    categorical particle columns, particle by particle

All columns of an absent particle are NaN. The layout of a dataset is stored in its inputs file, and
every model is built from it, so no model needs to know its study.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SUPPORTS = ("unit", "real")
CODE_KINDS = ("product", "permutation")
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Column:
    """A column of the event or of each particle.

    Attributes:
        name: its name, unique in the layout.
        unit: its unit, "1" if it has none.
        categories: number K of categories, for a column of whole numbers 0 ... K - 1; None for a
            continuous column.
        support: for continuous columns, "unit" for values in [0, 1], "real" for any real number.
    """

    name: str
    unit: str = "1"
    categories: int | None = None
    support: str = "unit"

    def __post_init__(self) -> None:
        if self.support not in SUPPORTS:
            raise ValueError(
                f"column '{self.name}' has support '{self.support}'; choose from {list(SUPPORTS)}"
            )
        if self.categories is not None and self.categories < 2:
            raise ValueError(
                f"column '{self.name}' has {self.categories} categories, but a categorical column"
                " needs at least 2; omit `categories` for a continuous column"
            )


@dataclass(frozen=True)
class Code:
    """Categorical columns that are numbered together, particle by particle.

    Attributes:
        name: its name.
        columns: names of event columns and particle columns; event columns are read first.
        kind: "product" (mixed radix, first value most significant) or "permutation"
            (lexicographic rank of the sequence of values, which is a permutation of 0 ... m - 1).
    """

    name: str
    columns: tuple[str, ...]
    kind: str = "product"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        if self.kind not in CODE_KINDS:
            raise ValueError(
                f"code '{self.name}' has kind '{self.kind}'; choose from {list(CODE_KINDS)}"
            )
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise ValueError(f"code '{self.name}' needs distinct columns, not {self.columns}")


@dataclass(frozen=True)
class PresenceSet:
    """Events in which the first particles are present and the rest are absent.

    Attributes:
        name: its name.
        particles: number of present particles.
        probability: probability of the set; None to count it in the training events.
    """

    name: str
    particles: int
    probability: float | None = None


@dataclass(frozen=True)
class Layout:
    """The columns of a batch of events.

    Attributes:
        event: columns of the event.
        particle: columns of each particle.
        particles: largest number of exchangeable particles.
        codes: categorical columns that are numbered together. Any other categorical column is a
            code of its own; a particle column is then one code per particle.
        sets: numbers of particles that events may have; empty if all are always present.
        constants: numbers that all events share, such as a mass in units of sqrt(s).

    Example:
        >>> layout = Layout(
        ...     event=(Column("met", unit="GeV", support="real"),),
        ...     particle=(Column("x_theta"), Column("charge", categories=2)),
        ...     particles=3,
        ... )
        >>> layout.features, layout.continuous, layout.categorical
        (7, 4, 3)
        >>> layout.index("charge", place=2)
        6
    """

    event: tuple[Column, ...]
    particle: tuple[Column, ...]
    particles: int
    codes: tuple[Code, ...] = ()
    sets: tuple[PresenceSet, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("event", "particle", "codes", "sets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "constants", dict(self.constants))
        self._check_columns()
        for code in self.codes:
            self._check_code(code)
        self._check_sets()

    def _check_columns(self) -> None:
        _check_unique("column", [column.name for column in (*self.event, *self.particle)])
        _check_unique("code", [code.name for code in self.codes])
        _check_unique("presence set", [chosen.name for chosen in self.sets])
        coded = [name for code in self.codes for name in code.columns]
        twice = sorted({name for name in coded if coded.count(name) > 1})
        if twice:
            raise ValueError(f"column '{twice[0]}' is in two codes; put it into only one")
        if self.particles < 0 or (self.particles == 0) != (not self.particle):
            raise ValueError(
                f"a layout of {self.particles} particles has {len(self.particle)} particle columns;"
                " give both or neither"
            )
        if not self.features:
            raise ValueError("a layout needs at least one column")

    def _check_code(self, code: Code) -> None:
        known = {column.name: column for column in (*self.event, *self.particle)}
        for name in code.columns:
            if name not in known or known[name].categories is None:
                raise ValueError(
                    f"code '{code.name}' names '{name}', which is not a categorical column of this"
                    f" layout; choose from {[n for n, c in known.items() if c.categories]}"
                )
        if code.kind == "permutation":
            length = len(self.code_columns(code))
            wrong = [name for name in code.columns if known[name].categories != length]
            if wrong:
                raise ValueError(
                    f"code '{code.name}' is a permutation of {length} values, but column"
                    f" '{wrong[0]}' has {known[wrong[0]].categories} categories; both must agree"
                )

    def _check_sets(self) -> None:
        if not self.sets:
            return
        counts = [chosen.particles for chosen in self.sets]
        if len(set(counts)) < len(counts):
            raise ValueError(f"two presence sets have the same number of particles: {counts}")
        for chosen in self.sets:
            if not 0 <= chosen.particles <= self.particles:
                raise ValueError(
                    f"presence set '{chosen.name}' has {chosen.particles} particles, but the layout"
                    f" allows 0 to {self.particles}"
                )
        self._check_probabilities()
        joined = [
            code.name for code in self.codes if set(code.columns) & {c.name for c in self.particle}
        ]
        if joined and min(counts) < self.particles:
            raise ValueError(
                f"code '{joined[0]}' combines columns of particles that may be absent; omit the"
                " code, so that each particle has its own"
            )

    def _check_probabilities(self) -> None:
        given = [chosen.probability for chosen in self.sets]
        known = [p for p in given if p is not None]
        if known and len(known) < len(given):
            raise ValueError(
                f"the probabilities of the presence sets are {given}; give all of them or none"
            )
        if known and not (all(p > 0 for p in known) and abs(sum(known) - 1) < _TOLERANCE):
            raise ValueError(
                f"the probabilities of the presence sets must be positive and sum to 1, not {known}"
            )

    @property
    def event_continuous(self) -> tuple[Column, ...]:
        """Continuous event columns."""
        return tuple(c for c in self.event if c.categories is None)

    @property
    def particle_continuous(self) -> tuple[Column, ...]:
        """Continuous columns of each particle."""
        return tuple(c for c in self.particle if c.categories is None)

    @property
    def event_categorical(self) -> tuple[Column, ...]:
        """Categorical event columns."""
        return tuple(c for c in self.event if c.categories is not None)

    @property
    def particle_categorical(self) -> tuple[Column, ...]:
        """Categorical columns of each particle."""
        return tuple(c for c in self.particle if c.categories is not None)

    @property
    def continuous(self) -> int:
        """Number of continuous columns of a row; they come first."""
        return len(self.event_continuous) + self.particles * len(self.particle_continuous)

    @property
    def categorical(self) -> int:
        """Number of categorical columns of a row; they come last."""
        return len(self.event_categorical) + self.particles * len(self.particle_categorical)

    @property
    def features(self) -> int:
        """Total number d of columns of a row."""
        return self.continuous + self.categorical

    @property
    def slices(self) -> tuple[slice, slice, slice, slice]:
        """Slices of a row: continuous event and particle columns, then categorical ones."""
        events, categorical = len(self.event_continuous), len(self.event_categorical)
        start, stop = self.continuous, self.continuous + categorical
        return (
            slice(0, events),
            slice(events, start),
            slice(start, stop),
            slice(stop, self.features),
        )

    def block(self, place: int) -> tuple[int, ...]:
        """Indices in a row of all columns of the particle at a place, counted from 0."""
        _, continuous, _, categorical = self.slices
        found: list[int] = []
        for part, width in (
            (continuous, len(self.particle_continuous)),
            (categorical, len(self.particle_categorical)),
        ):
            start = part.start + place * width
            found += range(start, start + width)
        return tuple(found)

    def index(self, name: str, place: int | None = None) -> int:
        """Index in a row of an event column, or of a column of the particle at a place.

        Raises:
            ValueError: if there is no such column.
        """
        offsets = zip(
            (
                self.event_continuous,
                self.particle_continuous,
                self.event_categorical,
                self.particle_categorical,
            ),
            self.slices,
            (False, True, False, True),
            strict=True,
        )
        for columns, part, of_particle in offsets:
            names = [column.name for column in columns]
            if name in names and of_particle == (place is not None):
                return int(part.start) + (place or 0) * len(names) + names.index(name)
        owner = "event" if place is None else "particle"
        raise ValueError(f"this layout has no {owner} column '{name}'")

    def code_columns(self, code: Code) -> tuple[int, ...]:
        """Indices in a row of the values of a code, in the order of the code."""
        events = [c.name for c in self.event_categorical if c.name in code.columns]
        named = sorted(events, key=code.columns.index)
        particle = {c.name for c in self.particle_categorical}
        rest = [name for name in code.columns if name in particle]
        places = [self.index(name, place) for place in range(self.particles) for name in rest]
        return (*(self.index(name) for name in named), *places)

    def column_of(self, index: int) -> Column:
        """The column at an index of a row."""
        groups = (
            self.event_continuous,
            self.particle_continuous,
            self.event_categorical,
            self.particle_categorical,
        )
        for columns, part in zip(groups, self.slices, strict=True):
            if part.start <= index < part.stop:
                return columns[(index - part.start) % len(columns)]
        raise ValueError(f"this layout has {self.features} columns, but none at index {index}")

    @property
    def least_particles(self) -> int:
        """Smallest number of particles in an event."""
        return min((chosen.particles for chosen in self.sets), default=self.particles)

    @property
    def most_particles(self) -> int:
        """Largest number of particles in an event."""
        return max((chosen.particles for chosen in self.sets), default=self.particles)

    def to_json(self) -> dict[str, Any]:
        """Plain values for an inputs file; the inverse of `from_json`."""
        values = asdict(self)
        return {
            **{name: [dict(part) for part in values[name]] for name in ("event", "particle")},
            "particles": self.particles,
            "codes": [{**part, "columns": list(part["columns"])} for part in values["codes"]],
            "sets": [dict(part) for part in values["sets"]],
            "constants": dict(self.constants),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Layout:
        """Make a layout from the result of `to_json`.

        Raises:
            ValueError: for unknown or missing keys, or a layout that contradicts itself.
        """
        try:
            return cls(
                event=tuple(Column(**part) for part in values["event"]),
                particle=tuple(Column(**part) for part in values["particle"]),
                codes=tuple(Code(**part) for part in values.get("codes", ())),
                sets=tuple(PresenceSet(**part) for part in values.get("sets", ())),
                **{
                    name: value
                    for name, value in values.items()
                    if name not in ("event", "particle", "codes", "sets")
                },
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a layout ({error}); make the inputs file again") from error


def log_orders(particles: int) -> float:
    """Logarithm of the number of orders of D particles, log D!."""
    return math.log(math.factorial(particles))


def _check_unique(what: str, names: Iterable[str]) -> None:
    given = list(names)
    for name in given:
        if given.count(name) > 1:
            raise ValueError(f"two {what}s are named '{name}'; rename one of them")
