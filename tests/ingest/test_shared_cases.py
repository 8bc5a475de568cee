"""What happens to each small input of shared/data/cases, all based on public reports."""

from pathlib import Path

import pytest

from hepdensity.ingest.event_file import read_events
from hepdensity.ingest.gluino_csv import ingest_csv
from hepdensity.ingest.lhe import ingest_lhe

BEAMS = r"use gluon beams of fixed energy \(lpp1 = lpp2 = 0"
WIDTH = "set the gluino width to zero in the parameter card"
WHOLE = 1.832189e-4
LHE: dict[str, float | str | None] = {
    "good.lhe": WHOLE,
    "two.lhe": WHOLE,
    "p01_powheg_trailer.lhe": WHOLE,
    "p02_ansi_escape.lhe": WHOLE,
    "p04_weightgroup_mixed.lhe": WHOLE,
    "p05_weightgroup_nested_ok.lhe": WHOLE,
    "p07_two_comments_before_header.lhe": WHOLE,
    "p08_comment_between_header_and_init.lhe": WHOLE,
    "p10_two_comments_no_header.lhe": WHOLE,
    "p14_hash_line_in_init.lhe": WHOLE,
    "p15_blank_line_in_init.lhe": WHOLE,
    "p17_init_last_line_with_tag.lhe": 1e-4,  # all its events are of the first of two processes
    "p18_generator_first_in_init.lhe": WHOLE,
    "p22_init_free_text_before_generator.lhe": WHOLE,
    "p27_latin1_undeclared.lhe": WHOLE,
    "p29_ampersand_banner.lhe": WHOLE,
    "p30_lt_banner.lhe": WHOLE,
    "p45_trailing_comment.lhe": WHOLE,
    "k35_numprocesses_wrong.lhe": None,
    "k01_proton_beams.lhe": f"event 1: the event is not in the centre-of-mass frame; {BEAMS}",
    "k02_proton_beams_unboosted.lhe": rf"event 2: sqrt\(s\) differs from .*; {BEAMS}",
    "k04_breit_wigner_masses.lhe": f"event 1: a gluino mass of 60.* GeV differs from .*; {WIDTH}",
    "k05_pole_mass_column_offshell.lhe": f"event 1: a gluino is off its mass shell .*; {WIDTH}",
    "k27_mass_column_zero.lhe": "event 1: the gluino mass must be positive",
    "c04_bz2.lhe.bz2": WHOLE,
    "c05_xz.lhe.xz": WHOLE,
    "c06.lhe.zst": "this is a Zstandard file; unpack it with `unzstd",
    "c07.lhe.zip": "this is a zip archive; extract it with `unzip",
    "c08.lhe.tar.gz": "this is a tar archive inside a gzip file; extract it with `tar -xf",
    "c09_double.lhe.gz": "this is a gzip file inside a gzip file; unpack it with `gzip -dc",
    "c12_html.lhe.gz": "this is a web page, not data",
    "c15_hdf5_named.hdf5": "this is an HDF5 file",
}
CSV = ["v00_good.csv", "v04_trailing_blank.csv", "v06_bom.csv", "v11.csv.gz"]


@pytest.fixture
def cases(shared_data: Path) -> Path:
    path = shared_data / "cases"
    if not path.is_dir():
        pytest.skip(f"cases not found at {path}")
    return path


@pytest.mark.parametrize(("name", "expected"), LHE.items(), ids=list(LHE))
def test_lhe(cases: Path, tmp_path: Path, name: str, expected: float | str | None) -> None:
    output = tmp_path / "events.h5"
    process = "two_gluino" if name == "two.lhe" else "four_gluino"
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=rf"{name}: {expected}"):
            ingest_lhe([cases / "lhe" / name], output, process, {})
        assert list(tmp_path.iterdir()) == []
        return
    assert ingest_lhe([cases / "lhe" / name], output, process, {})[0].events == 12
    assert read_events(output).cross_section == pytest.approx(expected)


@pytest.mark.parametrize("name", CSV)
def test_csv(cases: Path, tmp_path: Path, name: str) -> None:
    assert ingest_csv(cases / "csv" / name, tmp_path / "events.h5", "four_gluino", {}) == 30


def test_every_case_has_its_outcome(cases: Path) -> None:
    assert {path.name for path in (cases / "lhe").iterdir()} == set(LHE)
    assert {path.name for path in (cases / "csv").iterdir()} == set(CSV)
