"""Read what a page of the book tells its reader to do, and do it.

A block with a caption that names a file is that file; one whose language is ``diff`` changes the file; a block of
``bash`` is run. Other blocks are for reading.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<fence>`{3,})(?:\{code-block\} *)?(?P<language>\w+)\n(?P<body>.*?)^(?P=fence)$", re.M | re.S)
CAPTION = re.compile(r"\A:caption: (\S+)\n\n")
COPIED = ("analysis_lib", "book", "notebooks", "workflow", "tests/unit/models")
FILES = ("pyproject.toml", "requirements.lock", "Makefile", "_config.yml", "_toc.yml", "CONTRIBUTING.md")


@dataclass(frozen=True)
class Step:
    """One thing to do: a file to write, a change to a file, or commands to run."""

    kind: str
    body: str
    file: str = ""


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in order."""
    for block in FENCE.finditer(page):
        language, body = block["language"], block["body"]
        caption = CAPTION.match(body)
        if caption:
            yield Step("change" if language == "diff" else "write", body[caption.end() :], caption[1])
        elif language == "bash":
            yield Step("run", body)


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository in which a reader follows a page."""

    root: Path

    @classmethod
    def of(cls, repository: Path, root: Path) -> "Checkout":
        """Copy what a page needs, with an environment that is ready: the one that runs the tests."""
        ignore = shutil.ignore_patterns("pages", "vendor")
        for name in COPIED:
            shutil.copytree(repository / name, root / name, ignore=ignore)
        for name in FILES:
            shutil.copy(repository / name, root / name)
        (root / ".venv").mkdir()
        for part in Path(sys.prefix).iterdir():
            if part.name != ".installed":
                (root / ".venv" / part.name).symlink_to(part)
        (root / ".venv" / ".installed").touch()
        return cls(root)

    def follow(self, step: Step) -> str:
        """Do one step; returns what its commands printed."""
        path = self.root / step.file
        if step.kind == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.body, encoding="utf-8")
            return ""
        if step.kind == "change":
            lines = step.body.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] != "+")
            after = "".join(line[1:] for line in lines if line[0] != "-")
            content = path.read_text(encoding="utf-8")
            assert content.count(before) == 1, f"{step.file} does not hold these lines once:\n{before}"
            path.write_text(content.replace(before, after), encoding="utf-8")
            return ""
        done = self.run(step.body)
        assert done.returncode == 0, f"{step.body}\n{(done.stdout + done.stderr)[-4000:]}"
        return done.stdout

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run commands from the root, as in a shell with the environment active and this copy's library in front."""
        path = os.pathsep.join([str(self.root / ".venv" / "bin"), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(self.root)}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], cwd=self.root, env=environment, capture_output=True, text=True
        )
