"""Pages are prose with thin calls: no cell holds a programme, and what is imported comes from a package's face."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

MOST_LINES = 25
"""Lines of code in a cell, blank ones and comments not counted."""

CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<tags>(?::[^\n]*\n)*)(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
PARAMETERS = re.compile(r"^:tags:.*\bparameters\b", re.MULTILINE)
ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "notebooks").glob("*.md"))


def cells(markdown: str) -> Iterator[str]:
    """The code of all cells but that of the parameters."""
    for cell in CELL.finditer(markdown):
        if not PARAMETERS.search(cell["tags"]):
            yield cell["code"]


def length(code: str) -> int:
    """Lines of code."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in code.splitlines())


def long_cells(markdown: str) -> list[int]:
    """Lengths of the cells that are too long."""
    return [found for found in map(length, cells(markdown)) if found > MOST_LINES]


def deep_imports(markdown: str) -> list[str]:
    """Modules behind a package's face that are imported from."""
    found = []
    for code in cells(markdown):
        for node in ast.walk(ast.parse(code)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [name for name in names if name.startswith("analysis_lib.") and not is_face(name)]
    return found


def is_face(name: str) -> bool:
    """Whether a module is a package's face, or a leaf that stands by itself."""
    return name.count(".") == 1 or (ROOT / name.replace(".", "/")).is_dir()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_cell_holds_a_programme(page: Path):
    found = long_cells(page.read_text(encoding="utf-8"))
    assert not found, f"cells of {found} lines; at most {MOST_LINES}: what they compute belongs to the library"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_imports_from_faces(page: Path):
    found = deep_imports(page.read_text(encoding="utf-8"))
    assert not found, f"import these from their package's face: {found}"


def test_what_breaks_the_rules_is_found():
    long = "\n".join(f"x{i} = {i}" for i in range(MOST_LINES + 1))
    short = "\n\n".join(f"x{i} = {i}  # a number\n# said" for i in range(MOST_LINES))
    page = "```{{code-cell}} ipython3\n:tags: [{tags}]\n\n{code}\n```\n"
    assert long_cells(page.format(tags="remove-cell", code=long)) == [MOST_LINES + 1]
    assert not long_cells(page.format(tags="remove-cell", code=short))
    assert not long_cells(page.format(tags="parameters, remove-cell", code=long))
    deep = (
        "from analysis_lib.report.lines import x\nimport analysis_lib.pid.gaussian\nfrom analysis_lib.report import y"
    )
    assert deep_imports(page.format(tags="", code=deep)) == ["analysis_lib.report.lines", "analysis_lib.pid.gaussian"]
