"""A file's name stands once in the tree, so that who hears of ``estimate.py`` opens the right one."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

STANDARD = {
    r".*/(__init__|__main__|conftest)\.py": "python and pytest call these so in every folder",
    r"analysis_lib/worlds/\w+/checkpoints?/.*": "transformers and its kin call a model's files so",
    r"(.*/)?README\.md": "whoever looks at a folder is shown this file, and model hubs take it for the card",
    r"workflow/(profiles|executors)/\w+/profile\.yaml": "snakemake looks for its options under this name",
    r".*/miniature/.*": "the workflow's tests run on a copy of the repository in small",
}
"""Files that may be called as others are, and why."""

TWINS = {
    r"(?<=/training)/(stacked/)?": "the same steps of training, for many models side by side",
    r"^analysis_lib/worlds/(mini|smol)/": "two worlds of the same rooms: who knows one finds the way in the other",
    r"^analysis_lib/pid/(maps|modes)/": "a mode is the map of its name, made an estimator",
    r"^(book/reference|notebooks)/": "a page of the reference is called as the package or notebook that it describes",
}
"""Rooms of which the files in the same place answer each other, and why."""


def tracked(repository: Path) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    return [path for path in listed.stdout.split("\0") if path and (repository / path).exists()]


def place(path: str) -> str:
    """Where a file stands, the same for twins."""
    for number, room in enumerate(TWINS):
        path = re.sub(room, f"<{number}>", path)
    return path


def alike(paths: Iterable[str]) -> dict[str, list[str]]:
    """Files of one name that are neither standard ones nor twins of each other, by name."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if not any(re.fullmatch(kind, f"/{path}") or re.fullmatch(kind, path) for kind in STANDARD):
            named[path.rpartition("/")[2]].append(path)
    return {name: places for name, places in named.items() if len({*map(place, places)}) > 1}


def test_no_name_stands_twice(repository: Path) -> None:
    found = alike(tracked(repository))
    assert not found, f"say in each name what is in the file: {found}"


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["analysis_lib/plan/shapes.py", "analysis_lib/rehearsal/shapes.py"], "shapes.py"),
        (["analysis_lib/files.py", "analysis_lib/worlds/mini/files.py"], "files.py"),
        (["analysis_lib/worlds/mini/loop.py", "analysis_lib/worlds/smol/training/loop.py"], "loop.py"),
        (["tests/unit/models/test_families.py", "tests/unit/activations/test_families.py"], "test_families.py"),
        (["notebooks/extract.md", "book/extract.md"], "extract.md"),
    ],
)
def test_a_second_one_is_found(paths: list[str], name: str) -> None:
    assert alike(paths) == {name: paths} and alike(paths[:1]) == {}


@pytest.mark.parametrize("exception", [*STANDARD, *TWINS])
def test_an_exception_that_excuses_nothing_is_gone(repository: Path, exception: str, monkeypatch) -> None:
    paths = tracked(repository)
    for kinds in (STANDARD, TWINS):
        monkeypatch.delitem(kinds, exception, raising=False)
    assert alike(paths)
