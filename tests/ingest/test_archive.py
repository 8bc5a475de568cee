"""Members of tar archives: plain and compressed, named in full or in part."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Literal

import pytest

from hepdensity.ingest.archive import open_member

MODES: list[Literal["w", "w:gz"]] = ["w", "w:gz"]
MEMBERS = {
    "files/chan1/background.csv": b"one",
    "files/chan1/signal.csv": b"two",
    "files/chan3/background.csv": b"three",
    "files/chan3/packed.csv.gz": gzip.compress(b"four"),
    "files/chan3/empty.csv": b"",
}


@pytest.fixture(params=MODES)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "files.tar"
    mode: Literal["w", "w:gz"] = request.param
    with tarfile.open(path, mode) as file:
        folder = tarfile.TarInfo("files/chan1")
        folder.type = tarfile.DIRTYPE
        file.addfile(folder)
        for name, content in MEMBERS.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def content_of(path: Path, member: str | None) -> bytes:
    with open_member(path, member) as file:
        return file.read()


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("files/chan1/background.csv", b"one"),
        ("chan3/background.csv", b"three"),
        ("signal.csv", b"two"),
        ("packed.csv.gz", b"four"),
    ],
)
def test_members(archive: Path, member: str, content: bytes) -> None:
    assert content_of(archive, member) == content


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (None, r"this is a tar archive with files/chan1/background\.csv, files/chan1/sig.*; name"),
        ("none.csv", r"the archive has no file 'none\.csv', but files/chan1/background\.csv, "),
        ("ground.csv", "the archive has no file"),
        ("chan1", "the archive has no file 'chan1'"),
        ("background.csv", r"has 2 files 'background\.csv', but files/chan1/background\.csv, "),
    ],
)
def test_wrong_members(archive: Path, member: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=f"{archive.name}: .*{message}"):
        content_of(archive, member)


def test_empty_member(archive: Path) -> None:
    with pytest.raises(ValueError, match=r" \(files/chan3/empty\.csv\): the file is empty"):
        content_of(archive, "files/chan3/empty.csv")


def test_folder_named_in_full(archive: Path) -> None:
    with pytest.raises(ValueError, match="has no file 'files/chan1'"):
        content_of(archive, "files/chan1")


def test_plain_files(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"one")
    assert content_of(path, None) == b"one"
    with pytest.raises(ValueError, match=r"a\.csv: this is not a tar archive; give it without"):
        content_of(path, "b.csv")
    path.write_bytes(gzip.compress(b"two"))
    assert content_of(path, None) == b"two"
    with pytest.raises(ValueError, match="no such file"):
        content_of(tmp_path / "none.tar", "b.csv")


@pytest.mark.parametrize("mode", MODES)
def test_truncated_archive(tmp_path: Path, mode: Literal["w", "w:gz"]) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode) as file:
        for i in range(200):
            info = tarfile.TarInfo(f"{i}.csv")
            info.size = 3000
            file.addfile(info, io.BytesIO(f"{i * i}".encode() * 3000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 700])
    with pytest.raises(ValueError, match=r"the archive is truncated or damaged .*; copy"):
        content_of(path, "199.csv")
