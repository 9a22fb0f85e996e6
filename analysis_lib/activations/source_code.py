"""Which code decided what a store holds: a hash of what it does, whatever is said about it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["code_digest"]

PACKAGE = Path(__file__).resolve().parents[1]
STANDS_ON = ("activations", "models", "pictures.py", "answers.py")
"""What a store stands on: how a picture is read decides on what a model sees, how answers compare on what is right."""


def code_digest(package: Path = PACKAGE, stands_on: Sequence[str] = STANDS_ON) -> str:
    """A short hash of the code that decides what is stored: a change of it makes a store one of other settings.

    ``stands_on`` names the folders and files of ``package`` that the code lies in. How a model came about does not
    count, its fingerprint tells which it is. Nor do comments, docstrings and layout, or files that nothing imports:
    hidden ones, and the copies that editors and other systems lay beside them.

    Raises
    ------
    RuntimeError
        no source code in ``package``.
    """
    named = [package / part for part in stands_on]
    files = [path for part in named for path in (part, *sorted(part.rglob("*.py"))) if path.is_file()]
    modules = {path.relative_to(package).with_suffix("").parts: path for path in files}
    read = {parts: _read(path.read_bytes()) for parts, path in modules.items() if all(map(str.isidentifier, parts))}
    if not read:
        raise RuntimeError(f"no source code in {package}, by which a store tells what wrote it; install it unpacked")
    imported = {"__init__"}.union(*(imports for imports, _ in read.values()))
    hashed = hashlib.sha256()
    for parts, (_, meaning) in read.items():
        if parts[-1] in imported:
            hashed.update(f"{'.'.join(parts)}\n{meaning}\n".encode())
    return hashed.hexdigest()[:16]


@lru_cache(maxsize=1024)
def _read(source: bytes) -> tuple[set[str], str]:
    """What a file imports and what it does, read once in a process as long as it stays the same."""
    tree = ast.parse(source)
    return _imports(tree), str(_meaning(tree))


def _imports(tree: ast.AST) -> set[str]:
    """The last words of all modules and names that are imported."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [name.name for node in nodes for name in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.rpartition(".")[2] for name in names}


def _meaning(node: object) -> object:
    """A tree of source code without strings that stand alone, the same under every version of Python."""
    if isinstance(node, ast.AST):
        fields = ((name, _meaning(value)) for name, value in ast.iter_fields(node))
        return (type(node).__name__, *[(name, value) for name, value in fields if value not in ("None", [])])
    if isinstance(node, list):
        return [_meaning(each) for each in node if not _stands_alone(each)]
    return repr(node)


def _stands_alone(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
