"""Jets of HepMC files: those of the energy-flow candidates behind the detector."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hepmc_files import write_hepmc
from particle_events import spray

from hepdensity.ingest.hepmc_jets import read_hepmc_jets
from hepdensity.physics.constituents import ConstituentJets, JetForm, JetWindow, concatenated_jets
from hepdensity.physics.detector.reconstruct import reconstruct
from hepdensity.physics.jet_finding import JetFinding

PARTICLES = spray(6, 11, per_event=40)
SOFT = JetFinding(min_pt=20.0, min_candidate_pt=1.0)


def read(path: Path, **options: object) -> ConstituentJets:
    return concatenated_jets(list(read_hepmc_jets(path, **options)))  # type: ignore[arg-type]


def test_jets_behind_the_detector(tmp_path: Path) -> None:
    path = write_hepmc(tmp_path / "qcd.hepmc", PARTICLES)
    counts: Counter[str] = Counter()
    jets = read(path, finding=SOFT, seed=4, counts=counts)
    assert counts["read"] == counts["kept"] == len(jets) > 5
    assert set(jets.label) == {"qcd"}
    eflow = reconstruct(PARTICLES, 4).eflow
    pt = np.hypot(eflow.px, eflow.py).astype(np.float32)
    for i in range(6):
        candidates = set(pt[eflow.offsets[i] : eflow.offsets[i + 1]].tolist())
        stored = jets.constituents[jets.event_id == i, :, 2]
        assert set(stored[~np.isnan(stored)].tolist()) <= candidates


def test_the_seed_is_that_of_the_detector(tmp_path: Path) -> None:
    path = write_hepmc(tmp_path / "qcd.hepmc", PARTICLES)
    one, again, other = (read(path, finding=SOFT, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.jet, again.jet)
    assert not np.array_equal(one.jet[:5], other.jet[:5])


def test_no_jet_is_kept(tmp_path: Path) -> None:
    path = write_hepmc(tmp_path / "qcd.hepmc", PARTICLES)
    with pytest.raises(ValueError, match=r"qcd\.hepmc: no jet is kept .*outside the window"):
        read(path, finding=SOFT, form=JetForm(window=JetWindow((5e3, 6e3))))
    with pytest.raises(ValueError, match=r"qcd\.hepmc: there are no jets"):
        read(path)


def test_damaged_file(tmp_path: Path) -> None:
    path = write_hepmc(tmp_path / "qcd.hepmc", PARTICLES)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"qcd\.hepmc: "):
        read(path, finding=SOFT)
