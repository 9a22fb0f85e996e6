"""A package as an installer leaves it: a module, and beside it what says its name, version and entry points."""

from __future__ import annotations

from pathlib import Path

MODULE = """
from analysis_lib.pid.atoms import Atoms
from analysis_lib.pid.definitions import Definition
from analysis_lib.tasks import Task

VERIFY = Task("VerifyAttr", "verify", "attr", ("verifyAttr",), "Does a named object have an attribute?", False)


def decompose(told):
    redundancy = (told.vision + told.language - told.total).clamp(min=0)
    return Atoms.from_redundancy(redundancy, told.vision, told.language, told.total)


LEAST = Definition("least", "as little as can be", "the tests", decompose, from_informations=True)
NOT_ONE = 3
"""
ENTRIES = {"analysis_lib.tasks": {"VerifyAttr": "VERIFY"}, "analysis_lib.definitions": {"least": "LEAST"}}


def install(
    site: Path,
    entries: dict[str, dict[str, str]] = ENTRIES,
    name: str = "their-package",
    version: str = "1.0",
    source: str = MODULE,
) -> Path:
    """Lay a package into a folder that Python looks into; entries are group -> name -> object of its module."""
    module = name.replace("-", "_")
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    about = site / f"{module}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [
        line
        for group, brought in entries.items()
        for line in (f"[{group}]", *(f"{key} = {module}:{attribute}" for key, attribute in brought.items()), "")
    ]
    (about / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return site
