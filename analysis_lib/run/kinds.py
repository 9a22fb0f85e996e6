"""Values that are looked up or tried before anything runs: names, places to read from, places to write to.

A parameter says in its comment what its values are, ``<task>`` or ``<file to write>``; `KINDS` has the words.
"""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

from analysis_lib.contents import contents
from analysis_lib.files import check_space
from analysis_lib.registered import DEFINITIONS, registered
from analysis_lib.tasks.registry import get_task
from analysis_lib.vocabulary import ASSEMBLED_MODELS, EMBEDDED_MODELS, EMBEDDED_SOURCES, PROMPTS, parse_condition

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[A-Za-z0-9][\w./-]*)?", re.ASCII)
LEAST_FREE = 2**26
"""Bytes that a place to write to must have free; an executed notebook takes a few million."""
_OWN_MODELS = (*EMBEDDED_MODELS, *ASSEMBLED_MODELS)
BESIDE = {"file to write": ".parquet", "folder to write": ".store"}
"""Endings of what is written beside an executed notebook when no place was given."""

_WRITE_ERRORS = {
    errno.ENAMETOOLONG: "the name is too long: shorten it",
    errno.ELOOP: "its links lead round in a circle: give another place",
    errno.ENOTDIR: "a part of its path is a file, not a folder: give another folder",
    errno.EACCES: "this account may not look there: give another folder",
}


def check_kind(kind: str, value: str, root: Path) -> None:
    """Try a value of a kind.

    Parameters
    ----------
    kind
        A key of `KINDS`.
    value
        What was asked for.
    root
        The folder that relative paths count from.

    Raises
    ------
    ValueError
        It cannot be used, and what could be.
    """
    KINDS[kind](value, root)


def check_writable(path: Path, *, folder: bool, least_free: int = LEAST_FREE) -> None:
    """Refuse a place that could not be written at the end of the work; nothing is made or changed.

    Parameters
    ----------
    path
        What is to be written.
    folder
        Whether that is a folder or a file.
    least_free
        Bytes that have to be free there.

    Raises
    ------
    ValueError
        It is the other of the two, lies on no folder or on one that cannot be written, its name is too long, or too
        little is free.
    """
    try:
        there = _kind_there(path)
        if there and there != ("a folder" if folder else "a file"):
            raise ValueError(f"{path} is {there}, not {'a folder' if folder else 'a file'}; give another name")
        parent = path.parent
        while not _kind_there(parent):
            parent = parent.parent
        if not parent.is_dir():
            raise ValueError(f"{path} cannot be written, as {parent} is no folder; give another place")
    except OSError as error:
        cure = _WRITE_ERRORS.get(error.errno or 0, f"{error.strerror}: give another place")
        raise ValueError(f"{_short(path)} cannot be written: {cure}") from None
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(
            f"{path} cannot be written: this account may not write into {parent}, or its disk is read-only; give "
            "another place"
        )
    check_space(path, least_free)


def _kind_there(path: Path) -> str:
    """What lies at a path; nothing where there is none. Errors other than absence are raised."""
    try:
        path.stat()
    except FileNotFoundError:
        return ""
    return "a folder" if path.is_dir() else "a file" if path.is_file() else "a device or a pipe"


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else f"{text[:90]}...{text[-90:]}"


def _placed(value: str, root: Path) -> Path:
    """The place that a value stands for, taken as it is written."""
    if not value.strip():
        raise ValueError("a place is expected, got nothing; give a path")
    if value == "~" or value.startswith("~/"):
        raise ValueError(f"{value} begins with ~, which nothing has replaced; write the path of the home folder out")
    if not os.path.lexists(root / value) and os.path.lexists(value):
        raise ValueError(
            f"{value} lies in the folder you are in, but parameters count from {root}; give {Path.cwd() / value}"
        )
    return root / value


def _task(value: str, root: Path) -> None:
    get_task(value)


def _definition(value: str, root: Path) -> None:
    # By the modules' names, which are the definitions': the registry itself takes seconds to load.
    modules = contents(Path(__file__).parents[1] / "pid" / "definitions", "*.py")
    known = [path.stem for path in modules if path.stem not in ("__init__", "base")]
    known += sorted(registered(DEFINITIONS))
    if value not in known:
        raise ValueError(f"unknown definition {value!r}: choose one of {', '.join(known)}")


def _condition(value: str, root: Path) -> None:
    parse_condition(value)


def _prompt(value: str, root: Path) -> None:
    if value not in PROMPTS and not all(value.count(part) == 1 for part in ("<image>", "{question}")):
        raise ValueError(
            f"the prompt {value!r} is none of {', '.join(PROMPTS)}; a template of your own must contain <image> and "
            "{question} once each"
        )


def _model(value: str, root: Path) -> None:
    if value in _OWN_MODELS or (_placed(value, root) / "config.json").is_file():
        return
    if _placed(value, root).exists():
        raise ValueError(f"{value} has no config.json; give a model's folder in transformers format")
    if not HUB_NAME.fullmatch(value):
        raise ValueError(
            f"no model {value!r}; give {' or '.join(_OWN_MODELS)}, a folder in transformers format that is there, "
            "or a hub name like llava-hf/llava-1.5-7b-hf, perhaps with @REVISION"
        )


def _source(value: str, root: Path) -> None:
    if value in EMBEDDED_SOURCES:
        return
    folder = _placed(value, root)
    if not folder.is_dir():
        raise ValueError(
            f"{value} is not a folder; give {' or '.join(EMBEDDED_SOURCES)}, or one with *_questions.json and images/"
        )
    if not contents(folder, "*_questions.json"):
        raise ValueError(f"{value} has no *_questions.json; give a folder in GQA's layout")


def _folder(value: str, root: Path) -> None:
    if _kind_there(folder := _placed(value, root)) not in ("", "a folder"):
        raise ValueError(f"{folder} is not a folder; give one")


def _store(value: str, root: Path) -> None:
    if not _placed(value, root).is_dir():
        raise ValueError(f"there is no store {value}; run notebooks/extract.md first, or give the folder that it wrote")


def _file_to_write(value: str, root: Path) -> None:
    check_writable(_placed(value, root), folder=False)


def _folder_to_write(value: str, root: Path) -> None:
    check_writable(_placed(value, root), folder=True)


KINDS: dict[str, Callable[[str, Path], None]] = {
    "task": _task,
    "condition": _condition,
    "definition": _definition,
    "prompt": _prompt,
    "model": _model,
    "source": _source,
    "folder": _folder,
    "store": _store,
    "file to write": _file_to_write,
    "folder to write": _folder_to_write,
}
