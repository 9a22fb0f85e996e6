"""Files are whole or not there, and what the killed leave behind goes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis_lib import files
from analysis_lib.files import (
    checksum,
    crc32c,
    file_checksum,
    hidden_neighbour,
    is_litter,
    lay_beside,
    new_folder,
    remove_litter,
    replacing,
    write_atomically,
)


def gone_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def litter_of(path: Path, process: int) -> Path:
    own = hidden_neighbour(path)
    return own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{process}-"))


def test_the_checksum_is_the_published_one(tmp_path: Path) -> None:
    assert crc32c(b"123456789") == "e3069283"  # the check value of CRC-32C
    assert checksum(b"1234567890123") == "e306928330313233"


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 100, 2**22 + 3, 2**22 + 4, 2**22 + 5])
def test_a_file_has_the_checksum_of_its_bytes(tmp_path: Path, length: int) -> None:
    (tmp_path / "f").write_bytes(bytes(range(256)) * (length // 256) + bytes(range(length % 256)))
    assert file_checksum(tmp_path / "f") == checksum((tmp_path / "f").read_bytes())


def test_files_that_end_in_their_own_checksum_are_told_apart() -> None:
    """Their CRC-32C is one and the same number."""
    files = [content + int(crc32c(content), 16).to_bytes(4, "little") for content in (b"one", b"six")]
    assert len({crc32c(file) for file in files}) == 1 and len({checksum(file) for file in files}) == 2


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_written_is_read_back_and_nothing_else_stays(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "made" / "on the way" / "é.json"
    for content in ("ä", b"\x00\xff", ""):
        write_atomically(path, content, durable=durable)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_after_an_error_the_old_content_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "f"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically(path, "new", durable=True)
    assert caught.value.filename == str(path) and caught.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["a folder", "below a file"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    path = tmp_path / "folder" if kind == "a folder" else tmp_path / "file" / "f"
    with pytest.raises(OSError, match=r".") as caught:
        write_atomically(path, "new")
    assert caught.value.filename == str(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "kept"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "real")
    write_atomically(tmp_path / "link", "content")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "disk" / "real").read_text() == "content"


def test_names_as_long_as_the_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 120)
    write_atomically(path, "content")
    assert path.read_text() == "content"


def test_litter_of_the_dead_goes_with_the_next_write_and_nothing_else_does(tmp_path: Path) -> None:
    path, gone = tmp_path / "f", gone_process()
    dead, dead_folder = litter_of(path, gone), litter_of(path, gone)
    alive, elsewhere = litter_of(path, os.getppid()), litter_of(tmp_path / "other", gone)
    another_machine = dead.with_name(dead.name.replace(files._machine(), "00000000"))
    foreign = [tmp_path / name for name in (".f.aside", ".f.partial", ".f", "f.partial", f".f.{gone}.tmp")]
    for each in (dead, alive, elsewhere, another_machine, *foreign):
        each.write_text("x")
    dead_folder.mkdir()
    (dead_folder / "half").write_text("x")
    write_atomically(path, "content")
    assert set(tmp_path.iterdir()) == {path, alive, elsewhere, another_machine, *foreign}
    assert is_litter(elsewhere) and not is_litter(alive)
    remove_litter(tmp_path)
    assert set(tmp_path.iterdir()) == {path, alive, another_machine, *foreign}
    remove_litter(tmp_path / "nowhere")


def test_a_killed_writer_leaves_the_old_content_and_its_litter_goes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    program = (
        "import sys, time; from analysis_lib.files import replacing\n"
        "with replacing(sys.argv[1]) as partial: partial.write_text('half'); print('there', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"there\n"
    assert len(list(tmp_path.iterdir())) == 2
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert path.read_text() == "old"
    write_atomically(path, "new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "to" / "folder"
    with pytest.raises(ZeroDivisionError), new_folder(target) as building:
        (building / "f").write_text("half")
        raise ZeroDivisionError
    assert list(target.parent.iterdir()) == []
    with new_folder(target) as building:
        (building / "f").write_text("whole")
        assert not target.exists()
    assert list(target.parent.iterdir()) == [target] and (target / "f").read_text() == "whole"
    with pytest.raises(FileExistsError, match="folder exists already; choose another folder"), new_folder(target):
        pass


def test_a_new_folder_never_takes_anothers_place(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with pytest.raises(FileExistsError, match="folder exists already"), new_folder(target) as building:
        (building / "f").write_text("mine")
        target.mkdir()
        (target / "thesis").write_text("somebody's")
    assert (target / "thesis").read_text() == "somebody's"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("can_link", [True, False])
def test_a_file_laid_elsewhere_is_the_same_until_one_of_both_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_link: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "on another disk")

    if not can_link:
        monkeypatch.setattr(os, "link", refuse)
    here, there = tmp_path / "here", tmp_path / "new" / "there"
    write_atomically(here, b"content")
    lay_beside(here, there)
    lay_beside(here, there)
    assert there.read_bytes() == b"content" and there.samefile(here) == can_link
    write_atomically(there, b"other")
    assert here.read_bytes() == b"content" and {path.name for path in tmp_path.rglob("*")} == {"here", "new", "there"}
