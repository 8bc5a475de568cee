"""Files of jets with their constituents (HDF5), written piece by piece and read in slices.

The datasets have the names, types and shapes of the attributes of `ConstituentJets`; `label` is
text in UTF-8 of at most `LABEL_BYTES` bytes. Attributes: `provenance`, `jet_from` (see `JetForm`),
and `counts`, a JSON text with the number of jets left out for each reason. Other programs may write
such files; every slice that is read is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from hepdensity.files import atomic_h5, for_json, open_input
from hepdensity.ingest.validation import Check, place_error
from hepdensity.physics.constituents import (
    COORDINATES,
    JET_COLUMNS,
    JET_FROM,
    MOST_CONSTITUENTS,
    PARTS,
    ConstituentJets,
    JetForm,
)

LABEL_BYTES = 64
"""Longest label [bytes]."""

CHUNK_JETS = 2048
"""Jets that are read at a time."""

_STORED_JETS = 256  # Jets per chunk of the file: 300 kB of constituents fit in the cache of HDF5.
_TEXT = h5py.string_dtype("utf-8", LABEL_BYTES)
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
_REMEDY = "give a file that an ingest rule wrote, or write it anew"


def _datasets(most: int) -> dict[str, tuple[Any, tuple[int, ...]]]:
    return {
        "constituents": (np.float32, (most, len(COORDINATES))),
        "jet": (np.float64, (len(JET_COLUMNS),)),
        "label": (_TEXT, ()),
        "weight": (np.float64, ()),
        "event_id": (np.int64, ()),
        "jet_id": (np.int64, ()),
        "part": (np.int8, ()),
    }


class JetWriter:
    """Write a file of jets piece by piece, with bounded memory.

    Use as a context manager; the file appears if the block ends without an error.
    """

    def __init__(
        self, path: str | Path, provenance: Mapping[str, Any], form: JetForm | None = None
    ) -> None:
        """Prepare a writer.

        Args:
            path: File to write.
            provenance: Run record (see `hepdensity.provenance.record`).
            form: What is stored of the jets.
        """
        self._path, self._form = Path(path), form or JetForm()
        self._output = atomic_h5(path)
        self._provenance = json.dumps(provenance, sort_keys=True, default=for_json)

    def __enter__(self) -> JetWriter:
        """Create the file and return the writer."""
        self._file = self._output.__enter__()
        for name, (dtype, shape) in _datasets(self._form.most).items():
            self._file.create_dataset(
                name,
                shape=(0, *shape),
                maxshape=(None, *shape),
                chunks=(_STORED_JETS, *shape),
                dtype=dtype,
                **_COMPRESSION,
            )
        self._file.attrs["provenance"] = self._provenance
        self._file.attrs["jet_from"] = self._form.jet_from
        self.describe({})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file and move it to its final name, or remove it after an error."""
        self._output.__exit__(kind, error, traceback)

    def append(self, jets: ConstituentJets) -> None:
        """Add jets at the end of the file.

        Args:
            jets: The jets to add.

        Raises:
            ValueError: If a jet contradicts itself, or a label is too long.
            DiskFull: If there is not enough space.
        """
        dataset = self._file["jet"]
        if jets.constituents.shape[1] != self._form.most:
            told = f"jets have {jets.constituents.shape[1]} places for constituents"
            raise ValueError(f"{self._path}: {told}, and the file has {self._form.most}")
        _refuse_contradictions(self._path, len(dataset), jets)
        values = {name: getattr(jets, name) for name in _datasets(self._form.most)}
        values["label"] = self._encoded(jets.label)
        for name, array in values.items():
            dataset = self._file[name]
            dataset.resize(len(dataset) + len(jets), axis=0)
            dataset[len(dataset) - len(jets) :] = array
        self._file.check_space()

    def describe(self, counts: Mapping[str, int]) -> None:
        """Store how many jets were read, kept and left out, by reason.

        Args:
            counts: The numbers, as readers give them.
        """
        self._file.attrs["counts"] = json.dumps(dict(counts), sort_keys=True)

    def _encoded(self, label: np.ndarray) -> np.ndarray:
        encoded = np.strings.encode(label.astype(np.str_), "utf-8")
        if encoded.dtype.itemsize > LABEL_BYTES:
            longest = max(label.tolist(), key=len)
            problem = f"the label {longest!r} has more than {LABEL_BYTES} bytes"
            raise ValueError(f"{self._path}: {problem}; use a shorter name")
        return encoded.astype(_TEXT)


def contradictions(jets: ConstituentJets) -> list[Check]:
    """What makes jets contradict themselves.

    Args:
        jets: The jets.

    Returns:
        Checks, whose `bad` has shape (n,).
    """
    missing = np.isnan(jets.constituents)
    present = ~missing[:, :, 2]
    # Absent places compare as equal; sums and comparisons with NaN are False.
    pt = np.where(present, jets.constituents[:, :, 2], 0.0)
    finite = np.isfinite(np.where(missing, 0.0, jets.constituents)).all(axis=(1, 2))
    finite &= np.isfinite(jets.jet).all(axis=1) & np.isfinite(jets.weight)
    number = present.sum(axis=1)
    unsorted = np.asarray((np.diff(pt, axis=1) > 0).any(axis=1))
    negative = np.asarray((jets.jet[:, 0] <= 0) | (jets.jet[:, 3] < 0))
    return [
        Check(~finite, "a number is not finite", _REMEDY),
        Check(
            (missing != missing[:, :, 2:]).any(axis=(1, 2)),
            "a constituent has some coordinates and lacks others",
            _REMEDY,
        ),
        Check(np.asarray(number == 0), "there are no constituents", _REMEDY),
        Check(
            (present[:, 1:] & ~present[:, :-1]).any(axis=1),
            "a constituent follows an absent one",
            _REMEDY,
        ),
        Check(
            np.asarray(number != jets.jet[:, 4]),
            "the number n is not that of the constituents",
            _REMEDY,
        ),
        Check((present & (pt <= 0)).any(axis=1), "a constituent has no pT", _REMEDY),
        Check(unsorted, "constituents are not sorted by pT", _REMEDY),
        Check(negative, "pT or mass is negative", _REMEDY),
        Check((jets.part < -1) | (jets.part >= len(PARTS)), "the part has no name", _REMEDY),
    ]


def read_jets(path: str | Path, start: int = 0, stop: int | None = None) -> ConstituentJets:
    """Read jets from a file.

    Args:
        path: File as `JetWriter` writes it.
        start: First jet, counted from 0.
        stop: One past the last jet, or None for the end of the file.

    Returns:
        The jets.

    Raises:
        ValueError: If the file is not such a file, is damaged, or a jet contradicts itself.

    Example:
        >>> import tempfile
        >>> from hepdensity.physics.constituents import jet_arrays
        >>> momenta = np.array([[300.0, 0.0, 0.0, 300.0], [280.0, 60.0, 0.0, 290.0]])
        >>> form = JetForm(most=4)
        >>> one, name = np.zeros(1, dtype=np.int64), np.array(["qcd"])
        >>> arrays = jet_arrays(momenta, np.array([0, 2]), form)
        >>> jets = ConstituentJets(*arrays, name, one + 1.0, one, one, one.astype(np.int8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with JetWriter(f"{folder}/jets.h5", {}, form) as writer:
        ...         writer.append(jets)
        ...     read_jets(f"{folder}/jets.h5").jet.round(1).tolist()
        [[583.1, 0.0, 0.1, 89.4, 2.0]]
    """
    with _opened(path) as file:
        most = file["constituents"].shape[1]
        arrays = {name: _read(path, file[name], start, stop) for name in _datasets(most)}
    jets = ConstituentJets(**{**arrays, "label": _decoded(arrays["label"])})
    _refuse_contradictions(path, start, jets)
    return jets


def iterate_jets(path: str | Path, chunk_jets: int = CHUNK_JETS) -> Iterator[ConstituentJets]:
    """Read the jets of a file in order.

    Args:
        path: File as `JetWriter` writes it.
        chunk_jets: Number of jets to read at a time.

    Yields:
        Jets.

    Raises:
        ValueError: As in `read_jets`.
    """
    for start in range(0, count_jets(path), chunk_jets):
        yield read_jets(path, start, start + chunk_jets)


@dataclass(frozen=True)
class JetNumbers:
    """What tells jets apart, without their momenta.

    Attributes:
        event_id: Number of the event, int64, shape (n,).
        part: Part of the source, a place in `PARTS` or `NO_PART`, int8, shape (n,).
        weight: Weight, float64, shape (n,).
    """

    event_id: np.ndarray
    part: np.ndarray
    weight: np.ndarray


def read_numbers(path: str | Path) -> JetNumbers:
    """Read what tells the jets of a file apart.

    Args:
        path: File as `JetWriter` writes it.

    Raises:
        ValueError: If the file is not such a file, or is damaged.
    """
    with _opened(path) as file:
        n = len(file["jet"])
        names = ("event_id", "part", "weight")
        return JetNumbers(**{name: _read(path, file[name], 0, n) for name in names})


def count_jets(path: str | Path) -> int:
    """Number of jets in a file.

    Args:
        path: File as `JetWriter` writes it.

    Raises:
        ValueError: If the file is not such a file.
    """
    with _opened(path) as file:
        return len(file["jet"])


def read_form(path: str | Path) -> JetForm:
    """What a file stores of jets; its window is not known.

    Args:
        path: File as `JetWriter` writes it.

    Raises:
        ValueError: If the file is not such a file.
    """
    with _opened(path) as file:
        return JetForm(file["constituents"].shape[1], str(file.attrs["jet_from"]))


def read_counts(path: str | Path) -> dict[str, int]:
    """How many jets were read, kept and left out when a file was made, by reason.

    Args:
        path: File as `JetWriter` writes it.

    Raises:
        ValueError: If the file is not such a file.
    """
    with _opened(path) as file:
        counts: dict[str, int] = json.loads(file.attrs.get("counts", "{}"))
        return counts


def _refuse_contradictions(path: str | Path, start: int, jets: ConstituentJets) -> None:
    failed = [check for check in contradictions(jets) if check.bad.any()]
    if failed:
        first = min(failed, key=lambda check: int(check.bad.argmax()))
        place = f"jet {start + int(first.bad.argmax()) + 1}"
        raise place_error(path, place, first.problem, first.remedy)


def _read(path: str | Path, dataset: Any, start: int, stop: int | None) -> np.ndarray:
    try:
        values: np.ndarray = dataset[start:stop]
    except OSError as error:
        name = dataset.name.lstrip("/")
        problem = f"{name} is damaged or cut off ({error})"
        raise place_error(path, None, problem, "copy the file or make it again") from error
    return values


def _decoded(labels: np.ndarray) -> np.ndarray:
    """Text of labels; a file has few different ones."""
    different, place = np.unique(labels, return_inverse=True)
    texts = [label.decode("utf-8") for label in different.tolist()]
    return np.array(texts, dtype=np.str_)[place]


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    with open_input(path):
        pass  # A missing file or a folder gets our message.
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise place_error(path, None, f"cannot be opened as HDF5 ({error})", _REMEDY) from error
    with file:
        _check_layout(path, file)
        yield file


def _check_layout(path: str | Path, file: h5py.File) -> None:
    """Refuse files whose datasets are not those of jets."""
    names = _datasets(0)
    if missing := [name for name in names if name not in file]:
        problem = f"not a file of jets, {', '.join(missing)} missing"
        raise place_error(path, None, problem, _REMEDY)
    shape = file["constituents"].shape
    most = shape[1] if len(shape) == 3 and 1 <= shape[1] <= MOST_CONSTITUENTS else 1
    lengths = {name: len(file[name]) for name in names}
    for name, (_, inner) in _datasets(most).items():
        if file[name].shape != (lengths["jet"], *inner):
            wanted = f"{lengths['jet']} times {inner}"
            problem = f"{name} has the shape {file[name].shape} instead of {wanted}"
            raise place_error(path, None, problem, _REMEDY)
    if file.attrs.get("jet_from") not in JET_FROM:
        problem = f"the attribute jet_from is not {' or '.join(JET_FROM)}"
        raise place_error(path, None, problem, _REMEDY)
