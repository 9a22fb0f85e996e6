"""How the library is built, drawn from its code: its packages as rooms that import each other, and journeys by name."""

import ast
import importlib
import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes

LIBRARY = "analysis_lib"
WIDTH, HEIGHT, BESIDE, BELOW = 164, 112, 24, 44
"""Of a room, and of the space beside and below it, in pixels."""
LETTERS = 23
"""Of a line of text in a room."""


def read_rooms(root: Path) -> dict[str, tuple[str, set[str]]]:
    """Package -> the first line of its docstring, and the packages that it imports when it is loaded."""
    names = {path.parent.name for path in root.glob("*/__init__.py")}
    rooms = {}
    for name in sorted(names):
        used = {other for path in (root / name).rglob("*.py") for other in _imported(path, root)}
        said = ast.get_docstring(ast.parse((root / name / "__init__.py").read_text(encoding="utf-8"))) or ""
        rooms[name] = said.partition("\n")[0].replace("`", ""), used & names - {name}
    return rooms


def levels(uses: Mapping[str, set[str]]) -> dict[str, int]:
    """How many rooms stand below each on the longest way down.

    Raises ``ValueError`` where rooms stand on each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(uses):
        free = [name for name in uses if name not in found and uses[name] <= found.keys()]
        if not free:
            raise ValueError(f"these packages import each other in a circle: {', '.join(uses.keys() - found.keys())}")
        found |= {name: max((found[other] + 1 for other in uses[name]), default=0) for name in free}
    return found


def without_detours(uses: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Only what a room does not reach through another one that it uses."""

    def reached(name: str) -> set[str]:
        return uses[name] | {far for other in uses[name] for far in reached(other)}

    return {name: {one for one in own if not any(one in reached(other) for other in own)} for name, own in uses.items()}


def places(uses: Mapping[str, set[str]]) -> dict[str, tuple[int, int]]:
    """Column and row of each room: rows by level, the highest first; a room stands over one that it uses if it can."""
    level = levels(uses)
    above = {name: sum(name in others for others in uses.values()) for name in uses}
    column: dict[str, int] = {}
    for height in range(max(level.values()) + 1):
        taken: set[int] = set()
        row = [name for name in uses if level[name] == height]
        for name in sorted(row, key=lambda name: (len(uses[name]), -above[name], name)):
            wanted = [*sorted({column[other] for other in uses[name]}), *range(len(uses))]
            column[name] = next(place for place in wanted if place not in taken)
            taken.add(column[name])
    return {name: (column[name], max(level.values()) - level[name]) for name in uses}


def draw_rooms(rooms: Mapping[str, tuple[str, set[str]]]) -> str:
    """The rooms as SVG in the page's own colours; an arrow leads to what a room imports, detours left out."""
    uses = {name: used for name, (_, used) in rooms.items()}
    place, direct = places(uses), without_detours(uses)
    columns, rows = (1 + max(one[axis] for one in place.values()) for axis in (0, 1))
    width, height = columns * (WIDTH + BESIDE) + BESIDE, rows * (HEIGHT + BELOW)
    arrows = [(name, other) for name in uses for other in sorted(direct[name])]
    parts = [_arrow(place[name], place[other], number) for number, (name, other) in enumerate(arrows)]
    parts += [_room(name, said, place[name]) for name, (said, _) in rooms.items()]
    words = "; ".join(f"{name} imports {', '.join(sorted(used)) or 'no other package'}" for name, used in uses.items())
    return (
        f'<figure class="rooms"><svg role="img" aria-label="{escape(f"Packages and their imports: {words}.")}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"><defs><marker id="rooms-arrow" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z"/></marker></defs>{"".join(parts)}</svg></figure>'
    )


def _room(name: str, said: str, place: tuple[int, int]) -> str:
    x, y = _corner(place)
    lines = textwrap.wrap(said, LETTERS, max_lines=5, placeholder=" \N{HORIZONTAL ELLIPSIS}")
    spans = "".join(f'<tspan x="{x + 10}" dy="15">{escape(line)}</tspan>' for line in lines)
    return (
        f'<g><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="room" x="{x + 10}" y="{y + 22}">{escape(name)}</text>'
        f'<text x="{x + 10}" y="{y + 26}">{spans}</text></g>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int], number: int) -> str:
    """Straight to the next row; further down through the space beside the column, each arrow on a line of its own."""
    (x, y), (to_x, to_y) = _corner(start), _corner(end)
    x, y, to_x = x + WIDTH // 2, y + HEIGHT, to_x + WIDTH // 2
    way = [(x, y), (to_x, to_y)]
    if end[1] > start[1] + 1:
        beside = to_x + WIDTH // 2 + 4 + 5 * (number % 4)
        way = [(x, y), (beside, y + BELOW // 2), (beside, to_y - BELOW // 2), (to_x + 20, to_y)]
    points = " ".join(f"{one},{other}" for one, other in way)
    return f'<polyline points="{points}" marker-end="url(#rooms-arrow)"/>'


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return place[0] * (WIDTH + BESIDE) + 2, place[1] * (HEIGHT + BELOW) + 2


def _imported(path: Path, root: Path) -> Iterator[str]:
    """Packages that a module imports at its top level; what a function imports later stands on nothing."""
    package = [LIBRARY, *path.relative_to(root).parts[:-1]]
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            found = [alias.name.split(".") for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            base = package[: len(package) - statement.level + 1] if statement.level else []
            home = base + (statement.module.split(".") if statement.module else [])
            found = [home + [alias.name] for alias in statement.names]
        else:
            continue
        yield from (parts[1] for parts in found if parts[0] == LIBRARY and len(parts) > 1)


class Rooms(Directive):
    """The packages of the library and who imports whom, as the code has it when the book is built."""

    def run(self) -> list[nodes.Node]:
        """Return the drawing."""
        root = Path(importlib.import_module(LIBRARY).__path__[0])
        return [nodes.raw("", draw_rooms(read_rooms(root)), format="html")]


class Journey(Directive):
    """Steps by name, one a line, each with the first line of its docstring and a link to the reference.

    A name that the library does not have is an error of the page::

        ```{journey}
        analysis_lib.tasks.load_questions
        ```
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the steps as a list."""
        steps = nodes.enumerated_list(classes=["journey"], enumtype="arabic", prefix="", suffix=".")
        for name in filter(None, map(str.strip, self.content)):
            try:
                said = (find(name).__doc__ or "").strip().partition("\n")[0].replace("`", "")
            except (ImportError, AttributeError) as error:
                raise self.error(f"a journey leads through {name}, which is not there: {error}") from None
            link = addnodes.pending_xref("", refdomain="py", reftype="obj", reftarget=name, refexplicit=True)
            link += nodes.literal(text=name.removeprefix(f"{LIBRARY}."))
            steps += nodes.list_item("", nodes.paragraph("", "", link), nodes.paragraph(text=said))
        return [steps]


def find(name: str) -> Any:
    """What a package's face has under a dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
