"""The bundle: its parts join to an archive whose code runs with torch, transformers, numpy and pillow alone."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from analysis_lib.worlds.smol.training import bundle

ALONE = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name + " is not there")
sys.meta_path.insert(0, Absent())
import analysis_lib.worlds.smol.training.recipe as recipe
import analysis_lib.worlds.smol.pretrained_decoder, importlib.metadata
print(recipe.__file__, importlib.metadata.version("filelock"))
"""
ABSENT = ("zarr", "altair", "FrEIA", "google_crc32c", "papermill", "jupytext", "snakemake", "nbformat")


@pytest.fixture
def decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the decoder's place that cannot be compressed, and another package in the reader's."""
    monkeypatch.setattr(bundle, "check_decoder", lambda path: None)
    monkeypatch.setattr(bundle, "_READER", "filelock")
    path = tmp_path / "decoder.gguf"
    path.write_bytes(b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(60_000)))
    return path


def test_the_parts_join_to_code_that_runs_alone(tmp_path: Path, decoder: Path) -> None:
    parts = bundle.write_bundle(tmp_path / "bundle", decoder, part_megabytes=1)
    sizes = [path.stat().st_size for path in parts]
    assert len(parts) > 2 and max(sizes) <= 1_000_000 and max(sizes) - min(sizes) < len(parts)
    assert len({path.parent for path in parts}) == len(parts), "each can be carried by itself"
    readme = (tmp_path / "bundle" / "README").read_text(encoding="utf-8")
    joined = b"".join(path.read_bytes() for path in parts)
    assert re.search(r'echo "([0-9a-f]{64})', readme)[1] == hashlib.sha256(joined).hexdigest()
    assert all(path.name in readme for path in parts) and "decoder.gguf \\\n" in readme
    archive = tmp_path / "joined.zip"
    archive.write_bytes(joined)
    place = tmp_path / "place"
    zipfile.ZipFile(archive).extractall(place)
    assert (place / "decoder.gguf").read_bytes() == decoder.read_bytes()
    code = ALONE.format(absent=ABSENT)
    environment = {"PYTHONPATH": str(place), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(place)), "the bundle's code, not the repository's"


def test_bad_requests_are_refused(tmp_path: Path, decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        bundle.write_bundle(tmp_path / "bundle", decoder, part_megabytes=0)
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="exists already"):
        bundle.write_bundle(tmp_path / "there", decoder)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "argv", ["bundle", str(tmp_path / "new"), "--gguf", str(tmp_path / "absent")])
    with pytest.raises(SystemExit, match="make install-smol"):
        bundle.main()
    assert not (tmp_path / "new").exists()
