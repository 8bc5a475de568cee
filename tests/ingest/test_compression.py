"""Files are identified by their first bytes, and read or rejected with a command to unpack them."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from lhe_texts import EVENTS, document

from hepdensity.ingest.compression import open_plain
from hepdensity.ingest.lhe import ingest_lhe

CONTENT = document().encode()


def tar(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("events.lhe")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("events.lhe", content)
    return packed.getvalue()


def hdf5(content: bytes) -> bytes:
    packed = io.BytesIO()
    with h5py.File(packed, "w") as file:
        file["events"] = len(content)
    return packed.getvalue()


def lzma_alone(content: bytes) -> bytes:
    return lzma.compress(content, format=lzma.FORMAT_ALONE)


READ: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lzma_alone,
}


@pytest.mark.parametrize("name", ["a.lhe", "a.lhe.gz", "a.dat"])
@pytest.mark.parametrize("pack", READ.values(), ids=list(READ))
def test_read_whatever_the_name(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pack(CONTENT))
    with open_plain(path) as file:
        assert file.read() == CONTENT
    assert ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})[0].events == EVENTS


PAGE = b"\n<!DOCTYPE html>\n<html><body>log in</body></html>\n"
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "zstd": ("a.lhe.zst", b"\x28\xb5\x2f\xfd$X<Les", "a Zstandard file; .*`unzstd -c {} > {}`"),
    "lz4": ("a.lhe.lz4", b"\x04\x22\x4d\x18dp", "an lz4 file; unpack it with `lz4 -dc {} > {}`"),
    "compress": ("a.lhe.Z", b"\x1f\x9d\x90<", "a compress file; .*`gzip -dc {} > {}`"),
    "zip": ("a.lhe.zip", zipped(CONTENT), "a zip archive; extract it with `unzip {}` and give"),
    "7-zip": ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4", "a 7-zip archive; extract it with `7z x {}`"),
    "tar": ("a.tar", tar(CONTENT), "a tar archive; extract it with `tar -xf {}` and give the"),
    "tar.gz": ("a.tar.gz", gzip.compress(tar(CONTENT)), "a tar archive inside a gzip file; .*`tar"),
    "tar.xz": ("a.tar.xz", lzma.compress(tar(CONTENT)), "a tar archive inside an xz file; .*`tar"),
    "gzip in gzip": (
        "a.lhe.gz",
        gzip.compress(gzip.compress(CONTENT)),
        "a gzip file inside a gzip file; unpack it with `gzip -dc {} > {}` and give {}",
    ),
    "zip in bzip2": (
        "a.lhe.bz2",
        bz2.compress(zipped(CONTENT)),
        "a zip archive inside a bzip2 file; unpack it with `bzip2 -dc {} > {}` and give {}",
    ),
    "HDF5": ("a.lhe", hdf5(CONTENT), "an HDF5 file; give the events as a text file"),
    "HDF5 in gzip": ("a.lhe.gz", gzip.compress(hdf5(CONTENT)), "an HDF5 file inside a gzip file"),
    "ROOT": ("a.lhe", b"root\0\0\xf7\x18", "a ROOT file; give the events as a text file"),
    "UTF-16": ("a.lhe", CONTENT.decode().encode("utf-16"), "UTF-16 text; .*`iconv -f UTF-16"),
    "web page": ("a.lhe.gz", PAGE, "a web page, not data: the download failed .*; download the"),
    "packed web page": ("a.lhe.gz", gzip.compress(PAGE), "a web page, not data"),
    "Git LFS": (
        "a.lhe",
        b"version https://git-lfs.github.com/spec/v1\n",
        "Git LFS.*`git lfs pull`",
    ),
}


@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path, output = tmp_path / name, tmp_path / "out" / "events.h5"
    path.write_bytes(content)
    places = [str(path), *[str(path.with_suffix(""))] * 2][: message.count("{}")]
    with pytest.raises(ValueError, match=rf"{name}: this is .*{message.format(*places)}"):
        ingest_lhe([path], output, "two_gluino", {})
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["my file.lhe.gz", "my file.lhe"])
def test_the_remedy_works(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(gzip.compress(CONTENT)))
    with pytest.raises(ValueError, match="inside a gzip file") as caught:
        ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})
    subprocess.run(str(caught.value).split("`")[1], shell=True, check=True)
    unpacked = path.with_suffix("") if name.endswith(".gz") else tmp_path / f"{name}.unpacked"
    assert ingest_lhe([unpacked], tmp_path / "events.h5", "two_gluino", {})[0].events == EVENTS


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_damaged(tmp_path: Path, pack: Callable[[bytes], bytes], damage: str) -> None:
    path = tmp_path / "a.lhe"
    packed = pack(CONTENT)
    middle = len(packed) // 2
    flipped = packed[:middle] + bytes([packed[middle] ^ 255]) + packed[middle + 1 :]
    path.write_bytes(packed[:-20] if damage == "cut" else flipped)
    with pytest.raises(ValueError, match=r"a\.lhe: .*(truncated|damaged|invalid|cannot be read)"):
        ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"this is a folder; give the path of a file in it"):
        ingest_lhe([tmp_path], tmp_path / "events.h5", "two_gluino", {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")
def test_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.lhe"
    path.write_bytes(CONTENT)
    path.chmod(0)
    with pytest.raises(ValueError, match=r"a\.lhe: cannot be read \(Permission denied\); check"):
        ingest_lhe([path], tmp_path / "events.h5", "two_gluino", {})
