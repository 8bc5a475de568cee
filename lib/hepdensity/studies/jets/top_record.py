"""Top quarks in the event records of Pythia, and what the file keeps of them."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from hepdensity.physics.jagged import offsets_of, owners
from hepdensity.physics.tops import W_BOSON, HadronicTops, hadronic_decays


class TopRecord:
    """The hadronic tops of a batch of events.

    Attributes:
        tops: The top quarks with their directions.
    """

    def __init__(self, record: Any) -> None:
        """Find the top quarks.

        Args:
            record: Result of `nextBatch` of Pythia.
        """
        flat = ak.flatten(record.prt)
        self._n = len(record)
        self._offsets = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(record.prt.id)))])
        self._code, self._status = (ak.to_numpy(flat[name]) for name in ("id", "status"))
        self._mother = ak.to_numpy(flat["mother1"])
        self._mass = ak.to_numpy(flat["m"])
        self._found = hadronic_decays(self._code, self._mother, self._offsets)
        px, py, pz = (ak.to_numpy(flat["p"][name]) for name in ("px", "py", "pz"))
        found = self._kept()
        pt = np.hypot(px[found], py[found])
        self._pt, self._eta = pt, np.arcsinh(pz[found] / pt)
        self._phi = np.arctan2(py[found], px[found])
        event = owners(self._offsets)[self._found[:, 0]]
        rows = np.delete(np.arange(5), 1)
        self.tops = HadronicTops(event, self._eta[:, rows], self._phi[:, rows])

    def _kept(self) -> np.ndarray:
        """Indices of each top quark, its W boson and its quarks, shape (tops, 5)."""
        top, quarks = self._found[:, :1], self._found[:, 1:]
        first = self._offsets[owners(self._offsets)[quarks]]
        mothers = first + self._mother[quarks]
        of_w = np.abs(self._code[mothers]) == W_BOSON
        boson = np.where(of_w, mothers, -1).max(axis=1, keepdims=True)
        return np.concatenate([top, boson, quarks], axis=1)

    def particles(self) -> ak.Array:
        """Collection `Particle` as Delphes names it: tops, W bosons and quarks, event by event."""
        kept = self._kept()
        event = owners(self._offsets)[kept[:, 0]]
        counts = np.diff(offsets_of(event, self._n)) * kept.shape[1]
        top_row = np.arange(len(kept)) * kept.shape[1]
        top_row -= np.concatenate([[0], np.cumsum(counts)])[event]
        of_w = self._mother[kept] + self._offsets[event][:, None] == kept[:, 1:2]
        mother = top_row[:, None] + np.where(of_w, 1, 0)
        mother[:, 0] = -1
        columns = {
            "PID": self._code[kept].astype(np.int32),
            "Status": self._status[kept].astype(np.int32),
            "M1": mother.astype(np.int32),
            "Mass": self._mass[kept].astype(np.float32),
            "PT": self._pt.astype(np.float32),
            "Eta": self._eta.astype(np.float32),
            "Phi": self._phi.astype(np.float32),
        }
        return ak.unflatten(ak.zip({name: of.ravel() for name, of in columns.items()}), counts)
