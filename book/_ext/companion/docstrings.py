"""Docstrings as the reference shows them: the library writes numpydoc's sections, Sphinx reads field lists.

Sphinx's own reader of sections takes a sentence under *Returns* for a type, and here it is what is returned.
"""

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from functools import cache, cached_property
from inspect import cleandoc
from pathlib import Path
from textwrap import indent
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

NAMED = ("Parameters", "Attributes", "Raises", "Warns")
"""Sections of names, each with what is said of it in the lines below, indented."""
TITLES = (*NAMED, "Returns", "Yields", "Notes", "Examples")

HEADING = re.compile(rf"^({'|'.join(TITLES)})[ ]*\n-{{3,}}[ ]*$", re.MULTILINE)
NAMES = re.compile(r"^\*{0,2}\w+(?:, \*{0,2}\w+)*$", re.MULTILINE)


def as_fields(docstring: str) -> str:
    """The docstring with a field for each of its sections; what comes before them stays as it is."""
    before, *rest = HEADING.split(cleandoc(docstring))
    parts = [before.strip()]
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        text = body.strip("\n")
        if heading in NAMED:  # with its names marked, so that stars are no markup, it is a list of definitions
            text = NAMES.sub(lambda names: ", ".join(f"``{one}``" for one in names[0].split(", ")), text)
        parts.append(f":{heading}:\n{indent(text, '    ')}")
    return "\n\n".join(filter(None, parts))


class Face(Directive):
    """What a package's face has: its docstring, its classes and functions, and its values, which autodoc passes over.

    It writes reStructuredText, so it stands in ``eval-rst``.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of the package."""
        name = self.arguments[0]
        lines = [f".. automodule:: {name}", *(f".. autodata:: {name}.{one}" for one in values_of(name))]
        found = nodes.section()
        found.document = self.state.document
        self.state.nested_parse(StringList("\n\n".join(lines).splitlines(), name), self.content_offset, found)
        return found.children


def values_of(name: str) -> list[str]:
    """Names at a package's face that are neither functions, classes nor modules."""
    module = importlib.import_module(name)
    known = (inspect.isroutine, inspect.isclass, inspect.ismodule)
    return [one for one in getattr(module, "__all__", ()) if not any(kind(getattr(module, one)) for kind in known)]


def rewrite(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """What autodoc read, as fields; of a value, which has no docstring of its own, the string under its assignment."""
    if what in ("data", "attribute"):
        lines[:] = value_docstring(*name.rpartition(".")[::2]).splitlines()
    lines[:] = [*as_fields("\n".join(lines)).splitlines(), ""]


def leave_out(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Values: a class tells of its fields in its own docstring, and `Face` names those of a package."""
    kept = inspect.isroutine(obj) or inspect.isclass(obj) or isinstance(obj, property | cached_property)
    return None if kept else True


def value_docstring(module: str, name: str) -> str:
    """The string under the assignment of a name that a module holds or hands on; empty where there is none."""
    source = _source(module)
    if source is None:
        return ""
    body = ast.parse(source.read_text(encoding="utf-8")).body
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    home = "." * statement.level + (statement.module or "")
                    return value_docstring(importlib.util.resolve_name(home, _package(module, source)), alias.name)
        if name in _assigned(statement):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    return cleandoc(text)
    return ""


def _assigned(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for target in targets:
        for one in ast.walk(target) if target else ():
            if isinstance(one, ast.Name):
                yield one.id


@cache
def _source(module: str) -> Path | None:
    spec = importlib.util.find_spec(module) if module else None
    return Path(spec.origin) if spec and spec.origin else None


def _package(module: str, source: Path) -> str:
    return module if source.name == "__init__.py" else module.rpartition(".")[0]
