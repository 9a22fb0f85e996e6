"""An archive holds every file with its checksum, goes on where it stopped, and tells of any damage."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

MEMBERS = [
    "README.txt",
    "SHA256SUMS",
    "book/index.html",
    "book/pages/a.html",
    "environment.txt",
    "results/tiny/contents.json",
]
MEMBERS += ["results/tiny/atoms/a.parquet", "source/LICENSE", "source/analysis_lib/weights.safetensors"]
TEXTS = {"README.txt": "about\n", "environment.txt": "numpy==2\n"}


@pytest.fixture(scope="module")
def archive(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("archive", repository / "workflow" / "deposit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout in small, with a built book, results, and what belongs into no archive."""
    root, rng = tmp_path / "tree", np.random.default_rng(0)
    for name in (
        "_build/html/index.html", "_build/html/pages/a.html", "LICENSE", "analysis_lib/weights.safetensors",
        "results/tiny/contents.json", "results/tiny/atoms/a.parquet", "results/tiny/atoms/.a.parquet.lock",
        "results/other/contents.json", "not-tracked.txt",
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.bytes(5000))
    for command in (["init", "-q"], ["add", "LICENSE", "analysis_lib"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_it_holds_book_results_sources_and_weights_and_their_checksums(archive: ModuleType, tree: Path, tmp_path: Path):
    target = archive.pack(archive.gather(tree, "tiny"), TEXTS, tmp_path / "out" / "it.zip")
    with zipfile.ZipFile(target) as opened:
        assert sorted(opened.namelist()) == sorted(MEMBERS)
        listed = dict(reversed(line.split("  ")) for line in opened.read("SHA256SUMS").decode().splitlines())
        for name in set(MEMBERS) - {"SHA256SUMS"}:
            assert listed[name] == hashlib.sha256(opened.read(name)).hexdigest()
        assert (
            opened.read("source/analysis_lib/weights.safetensors")
            == (tree / "analysis_lib/weights.safetensors").read_bytes()
        )
    assert archive.check(target) == len(MEMBERS) - 1
    beside = (tmp_path / "out" / "it.zip.sha256").read_text()
    assert beside == f"{hashlib.sha256(target.read_bytes()).hexdigest()}  it.zip\n"
    assert {path.name for path in target.parent.iterdir()} <= {"it.zip", "it.zip.sha256", ".it.zip.lock"}


@pytest.mark.parametrize("stops_at", range(1, 6))
@pytest.mark.parametrize("every", [1, 12_000])
def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_bytes(
    archive: ModuleType, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops_at: int, every: int
):
    files = archive.gather(tree, "tiny")
    whole = archive.pack(files, TEXTS, tmp_path / "whole.zip").read_bytes()
    monkeypatch.setattr(archive, "_EVERY", every)
    add, packed = archive._add, []

    def counted(opened: zipfile.ZipFile, name: str, path: Path) -> str:
        if len(packed) == stops_at:
            opened.fp.write(b"half a member")  # what a killed run leaves behind
            opened.fp.flush()
            opened.close = lambda: None
            raise KeyboardInterrupt
        packed.append(name)
        return add(opened, name, path)

    monkeypatch.setattr(archive, "_add", counted)
    target = tmp_path / "it.zip"
    with pytest.raises(KeyboardInterrupt):
        archive.pack(files, TEXTS, target)
    assert not target.exists()
    first, stops_at = list(packed), 10**6
    packed.clear()
    archive.pack(files, TEXTS, target)
    assert target.read_bytes() == whole
    assert packed == list(files)[len(first) if every == 1 else len(first) // 3 * 3 :], "what was done is not done again"


def test_a_file_that_is_another_since_the_stop_is_packed_as_it_is_now(
    archive: ModuleType, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archive, "_EVERY", 1)
    files, target = archive.gather(tree, "tiny"), tmp_path / "it.zip"
    missing = {**files, "source/zz": tree / "nowhere"}
    with pytest.raises(FileNotFoundError):
        archive.pack(missing, TEXTS, target)
    (tree / "_build/html/index.html").write_text("another")
    archive.pack(files, TEXTS, target)
    with zipfile.ZipFile(target) as opened:
        assert opened.read("book/index.html") == b"another" and len(opened.namelist()) == len(set(opened.namelist()))


@given(data=st.data())
def test_any_changed_byte_of_an_archive_is_told(
    archive: ModuleType, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    folder = tmp_path_factory.mktemp("damage")
    content = folder / "a"
    content.write_bytes(np.random.default_rng(0).bytes(300))
    target = archive.pack({"a": content}, {}, folder / "it.zip")
    whole = target.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1), label="at")
    target.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
    if 31 <= at < 31 + 256:  # behind the member's head; elsewhere a changed byte may be a date that nobody reads
        with pytest.raises(ValueError, match="fetch or pack it again"):
            archive.check(target)
    else:
        with suppress(ValueError):
            archive.check(target)
    target.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1), label="cut")])
    with pytest.raises(ValueError, match="fetch or pack it again"):
        archive.check(target)


def test_what_is_not_there_is_told_with_what_makes_it(archive: ModuleType, tree: Path):
    with pytest.raises(FileNotFoundError, match="run `make book PROFILE=none` first"):
        archive.gather(tree, "none")
    (tree / "_build/html/index.html").unlink()
    with pytest.raises(FileNotFoundError, match=r"index\.html is not there; run `make book PROFILE=tiny` first"):
        archive.gather(tree, "tiny")


def test_the_command_checks_and_refuses(repository: Path, archive: ModuleType, tree: Path, tmp_path: Path):
    target = archive.pack(archive.gather(tree, "tiny"), TEXTS, tmp_path / "it.zip")
    (tmp_path / "no.zip").write_bytes(b"PK")
    for name, code, said in (("it.zip", 0, "8 files as their checksums say"), ("no.zip", 2, "no whole archive")):
        command = [sys.executable, repository / "workflow" / "deposit.py", "check", target.with_name(name)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == code and said in done.stdout + done.stderr, done.stderr
