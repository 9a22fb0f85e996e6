"""A miniature of the repository: the real workflow and library, with notebooks that take no time."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Miniature:
    """A checkout whose notebooks note in `ran.txt` that they ran."""

    root: Path

    def snakemake(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Call snakemake as a reader does, from the root of the checkout."""
        process = self.start(*options)
        stdout, stderr = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start such a call without waiting for it."""
        command = [sys.executable, "-m", "snakemake", "--config", "profile=tiny", *options]
        # Without the path of the tests: the miniature must run its own copy of the library.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def would_run(self) -> list[str]:
        """The stages of the jobs that a call would run now, sorted, without running them."""
        done = self.snakemake("--dry-run")
        assert done.returncode == 0, done.stderr + done.stdout
        return sorted(re.findall(r"^Job \d+: (\w+):", done.stdout + done.stderr, re.MULTILINE))

    def ran(self) -> list[str]:
        """What the notebooks noted since the last question, sorted."""
        diary = self.root / "ran.txt"
        lines = sorted(diary.read_text().splitlines()) if diary.exists() else []
        diary.unlink(missing_ok=True)
        return lines


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Miniature:
    root = tmp_path_factory.mktemp("checkout")
    unneeded = shutil.ignore_patterns("checkpoints", ".snakemake")
    for folder in ("analysis_lib", "workflow"):
        shutil.copytree(repository / folder, root / folder, ignore=unneeded)
    shutil.copy(repository / "pyproject.toml", root)
    shutil.copytree(HERE / "miniature", root, dirs_exist_ok=True)
    (root / "profile.yaml").rename(root / "workflow" / "profiles" / "tiny.yaml")
    return Miniature(root)
