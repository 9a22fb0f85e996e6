"""Digests of files: the known algorithm, and never what a file held before."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis_lib import digests
from analysis_lib.digests import file_digest


@pytest.fixture
def old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has lain long enough to be remembered."""
    monkeypatch.setattr(digests, "_SETTLED_SECONDS", 0.0)
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100_000)
    time.sleep(0.02)
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_it_is_sha256_of_the_whole_file(tmp_path: Path) -> None:
    for content in (b"", b"a", bytes(range(256)) * 5000):
        (tmp_path / "file").write_bytes(content)
        assert file_digest(tmp_path / "file") == sha256(content) == file_digest(str(tmp_path / "file"))


def test_a_settled_file_is_read_once(old_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = file_digest(old_file)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert file_digest(old_file) == first


def test_a_file_that_has_just_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for number in range(50):  # faster than the clock of some file systems
        content = f"{number:3}".encode()
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
        assert file_digest(path) == sha256(content)


def edit_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5000)
        file.write(b"b")


def replace_by_another(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"a" * 99_999 + b"b")
    other.replace(path)


@pytest.mark.parametrize("change", [edit_in_place, replace_by_another])
def test_neither_equal_size_nor_a_time_set_back_hides_a_change(old_file: Path, change: Callable[[Path], None]) -> None:
    before, times = file_digest(old_file), old_file.stat()
    time.sleep(0.02)
    change(old_file)
    os.utime(old_file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert old_file.stat().st_size == times.st_size and old_file.stat().st_mtime_ns == times.st_mtime_ns
    assert file_digest(old_file) == sha256(old_file.read_bytes()) != before


def test_a_link_is_followed_to_where_it_leads_now(old_file: Path) -> None:
    other, link = old_file.with_name("other"), old_file.with_name("link")
    other.write_bytes(b"other")
    time.sleep(0.02)
    for target in (old_file, other, old_file):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert file_digest(link) == sha256(target.read_bytes())


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "nowhere")
    with pytest.raises(OSError):
        file_digest(tmp_path)
