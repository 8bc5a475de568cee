"""A full disk ends a job with one line, and leaves nothing half-written.

The tests use a limit on file size instead: writing fails in the same way, with another error
number.
"""

import errno
import pickle
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from hepdensity.checkpoint import save, save_weights
from hepdensity.disk import DiskFull, is_disk_full, naming
from hepdensity.evaluation.scores import Scores, write_scores
from hepdensity.files import atomic_h5, atomic_path, write_json, write_table
from hepdensity.ingest.lhe import ingest_lhe
from hepdensity.plotting.style import save_figure

LIMIT = 200_000
NUMBERS = np.random.default_rng(1).uniform(size=100_000)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files cannot grow beyond a limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def picture() -> Figure:
    figure = Figure(figsize=(10, 10))
    figure.figimage(NUMBERS[:90_000].reshape(300, 300), resize=False)
    figure.subplots().plot(NUMBERS, ".")
    return figure


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.csv": lambda path: write_table(path, [{"a": value} for value in NUMBERS]),
    "a.json": lambda path: write_json(path, NUMBERS),
    "a.h5": lambda path: write_scores(path, Scores({"a": NUMBERS}, {}), {}),
    "a.pdf": lambda path: save_figure(picture(), path, path.with_suffix(".png")),
    "a.safetensors": lambda path: save_weights(path, torch.nn.Linear(300, 300), {}),
    "c.safetensors": lambda path: save(path, {"a": {"b": torch.from_numpy(NUMBERS)}}, {}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.usefixtures("full_disk")
def test_every_writer_names_its_file_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "results"
    with pytest.raises(DiskFull) as caught:
        WRITERS[name](folder / name)
    message = str(caught.value)
    assert message.startswith(f"{folder / name}: file too large")
    assert message.endswith("free some space or choose a results folder on another disk")
    assert "\n" not in message
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("full_disk")
def test_growing_file_says_so_at_once(tmp_path: Path) -> None:
    # This is more than HDF5 keeps in memory before it writes.
    wanted, pieces = 40, 0
    with pytest.raises(DiskFull, match=r"a\.h5: file too large"), atomic_h5(tmp_path / "a.h5") as f:
        data = f.create_dataset("x", (0,), maxshape=(None,), chunks=NUMBERS.shape, dtype=float)
        for _ in range(wanted):
            data.resize(len(data) + len(NUMBERS), axis=0)
            data[-len(NUMBERS) :] = NUMBERS
            pieces += 1
            f.check_space()
    assert pieces < wanted
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("full_disk")
def test_errors_of_hdf5_that_follow_do_not_hide_the_reason(tmp_path: Path) -> None:
    """With thousands of groups, HDF5 reads data again that it could not write."""
    with pytest.raises(DiskFull, match=r"a\.h5: file too large"), atomic_h5(tmp_path / "a.h5") as f:
        for i in range(6000):
            f.create_dataset(f"group{i}/x", data=NUMBERS[:20])
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stays(tmp_path: Path, full_disk: None) -> None:
    path = tmp_path / "a.h5"
    write_scores(path, Scores({"a": NUMBERS[:10]}, {}), {})
    with pytest.raises(DiskFull):
        write_scores(path, Scores({"a": NUMBERS}, {}), {})
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["a"][:], NUMBERS[:10])


def test_hdf5_file_is_an_ordinary_one(tmp_path: Path) -> None:
    with atomic_h5(tmp_path / "deep" / "a.h5") as file:
        file["x"] = NUMBERS
        file.attrs["a"] = "b" * 1000
        file.check_space()
    with h5py.File(tmp_path / "deep" / "a.h5") as file:
        np.testing.assert_array_equal(file["x"][:], NUMBERS)
        assert file.attrs["a"] == "b" * 1000
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.h5"]


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="wrong"), atomic_h5(tmp_path / "a.h5") as file:
        file["x"] = NUMBERS
        raise KeyError("wrong")
    with pytest.raises(PermissionError), atomic_path(tmp_path / "a.csv"):
        raise PermissionError(errno.EACCES, "not allowed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "no space left on device"), (errno.EDQUOT, "disk quota exceeded")],
)
def test_reasons(tmp_path: Path, number: int, reason: str) -> None:
    with (
        pytest.raises(DiskFull, match=rf"a\.csv: {reason}; free some space") as caught,
        atomic_path(tmp_path / "a.csv"),
    ):
        raise OSError(number, "told by the system")
    assert is_disk_full(caught.value)
    # As it comes from a worker process.
    copied = pickle.loads(pickle.dumps(caught.value))
    assert str(copied) == str(caught.value)
    assert is_disk_full(copied)
    assert not is_disk_full(OSError("no number"))
    assert not is_disk_full(None)


def test_the_file_that_is_wanted_is_named() -> None:
    """The name of a temporary file would not help users."""
    with pytest.raises(DiskFull, match=r"^outer: no space"), naming("outer"), naming("inner"):
        raise OSError(errno.ENOSPC, "full")


@pytest.mark.usefixtures("full_disk")
def test_ingestion_names_the_event_file(tmp_path: Path, shared_data: Path) -> None:
    """The part files are in a hidden folder, which is removed."""
    path, output = shared_data / "madgraph" / "gg_4gluino_2k.lhe.gz", tmp_path / "events.h5"
    with pytest.raises(DiskFull, match=r"/events\.h5: file too large"):
        ingest_lhe([path], output, "four_gluino", {}, source="lhe", workers=1)
    assert list(tmp_path.iterdir()) == []


JOB = """
import resource, sys
import numpy as np
from hepdensity import logs
from hepdensity.files import atomic_h5
logs.configure(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
with atomic_h5(sys.argv[1]) as file:
    data = file.create_dataset("x", shape=(0,), maxshape=(None,), chunks=(1000,), dtype=float)
    for start in range(0, 100_000, 1000):
        data.resize(start + 1000, axis=0)
        data[start:] = np.ones(1000)
"""


@pytest.mark.parametrize("log", ["job.log", "/dev/full"])
def test_a_job_ends_with_one_line(tmp_path: Path, log: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    path = tmp_path / "events.h5"
    command = [sys.executable, "-c", JOB, str(path), str(tmp_path / log)]
    job = subprocess.run(command, capture_output=True, text=True, check=False)
    assert job.returncode == 1
    first, *others = job.stderr.splitlines()
    message = first.partition("CRITICAL ")[2]
    assert message.startswith(f"{path}: file too large")
    if log == "/dev/full":
        assert len(others) == 1 and others[0].startswith("/dev/full: the log ends here")
        assert list(tmp_path.iterdir()) == []
    else:
        assert not others
        text = (tmp_path / log).read_text()
        assert message in text and "Traceback" not in text
        assert [found.name for found in tmp_path.iterdir()] == [log]
