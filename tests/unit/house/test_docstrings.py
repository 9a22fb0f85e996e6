"""Docstrings are numpydoc's. Its linter knows most of it; what it lets pass is held here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted((ROOT / "analysis_lib").rglob("*.py"))
OTHER_STYLE = re.compile(r"^\s*(Arguments|Args|Returns|Yields|Raises|Examples?|Attributes|Notes?):\s*$", re.MULTILINE)
SECTION = re.compile(
    r"^(Parameters|Attributes|Raises|Warns)\n-{3,}\n(?P<body>.*?)(?=\n\n\S[^\n]*\n-{3,}\n|\Z)", re.M | re.S
)
HEADING = re.compile(r"^(\S[^\n]*)\n-{3,}$", re.MULTILINE)
SECTIONS = {"Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "Notes", "Examples"}
ON_ONE_LINE = re.compile(r"^[*\w.]+(, [*\w.]+)*: \S", re.MULTILINE)


def docstrings(source: str) -> Iterator[str]:
    """All docstrings of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def faults(docstring: str) -> list[str]:
    """Headings of another style, and entries whose text is not on a line of its own."""
    found = [match[0].strip() for match in OTHER_STYLE.finditer(docstring)]
    found += [match[1] for match in HEADING.finditer(docstring) if match[1] not in SECTIONS]
    for section in SECTION.finditer(docstring):
        found += [match[0] for match in ON_ONE_LINE.finditer(section["body"])]
    return found


@pytest.mark.parametrize("package", sorted({path.relative_to(ROOT).parts[1] for path in MODULES}))
def test_every_docstring_is_numpydocs(package: str):
    paths = [path for path in MODULES if path.relative_to(ROOT).parts[1] == package]
    found = {
        str(path): [wrong for text in docstrings(path.read_text("utf-8")) for wrong in faults(text)] for path in paths
    }
    assert not {path: wrong for path, wrong in found.items() if wrong}


@pytest.mark.parametrize(
    "wrong",
    [
        "What.\n\nArguments:\n    x: a number",
        "What.\n\nArguments\n---------\nx\n    a number",
        "What.\n\nRaises\n------\nValueError: it is none.\n\nReturns\n-------\nNone",
    ],
)
def test_another_style_is_found(wrong: str):
    assert len(faults(wrong)) == 1


def test_numpydoc_is_not():
    right = (
        "What.\n\nParameters\n----------\nx : int\n    One thing: a number.\n\nReturns\n-------\nA pair: two of them."
    )
    assert not faults(right)
