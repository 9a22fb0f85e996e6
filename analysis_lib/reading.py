"""Text and YAML that somebody else wrote, read with care: what cannot be meant is refused with file, line and cure.

A leaf: it imports nothing of this package. Nothing waits for a pipe, reads a device or more than it should, and of YAML
only what a person writes by hand is taken: mappings, lists and plain values, each key once.
"""

from __future__ import annotations

import codecs
import errno
import stat
from pathlib import Path
from typing import Any

import yaml

__all__ = ["parse_yaml", "read_text", "read_yaml"]

LARGEST_YAML = 2**18
"""Bytes; a profile takes about five thousand."""
DEEPEST_YAML = 12
"""Lists and mappings inside each other; a profile has three."""

_OTHER_UNICODE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NO_FILE = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
_BY_HAND = "write it as YAML, `key: value` a line, and text with marks in quotes"
_CURES = {
    errno.ELOOP: "its links lead round in a circle: give the file itself",
    errno.ENAMETOOLONG: "the name is too long: shorten it",
    errno.ENOTDIR: "a part of the path is a file, not a folder: give the path of a file that is there",
    errno.EACCES: "this account may not read it: give it the right to, or copy the file",
}


def read_text(path: str | Path, largest: int) -> str:
    """The text of a file in UTF-8, with or without a mark at its beginning that says so.

    Parameters
    ----------
    path
        an ordinary file, or a link to one.
    largest
        bytes that it may have at most.

    Raises
    ------
    FileNotFoundError
        there is none.
    ValueError
        it is no ordinary file, cannot be read, is too large or holds no text in UTF-8.
    """
    name = str(path)
    if "\0" in name:
        raise ValueError(f"the path {name!r} holds a zero byte; give one without")
    try:
        kind = stat.S_IFMT(Path(path).stat().st_mode)
        if kind != stat.S_IFREG:
            raise ValueError(f"{name} is {_NO_FILE.get(kind, 'a device')}; give a file of text")
        with Path(path).open("rb") as file:
            content = file.read(largest + 1)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {name}; give the path of one that is there") from None
    except OSError as error:
        cure = _CURES.get(error.errno or 0, f"{error.strerror}: give a file that can be read")
        raise ValueError(f"{name} cannot be read: {cure}") from None
    if len(content) > largest:
        raise ValueError(f"{name} has more than {largest:,} bytes, the most for a file of its kind; give a smaller one")
    return _decoded(content, name)


def _decoded(content: bytes, name: str) -> str:
    if content.startswith(_OTHER_UNICODE):
        raise ValueError(f"{name} is text in UTF-16 or UTF-32; save it as UTF-8")
    if (zero := content.find(b"\0")) >= 0:
        raise ValueError(f"{name} is no text: byte {zero} is zero; if it was written as UTF-16, save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{name}, line {line}: byte 0x{content[error.start]:02x} is no text in UTF-8 (in Latin-1 it would be "
            f"{content[error.start : error.start + 1].decode('latin-1')!r}); save the file as UTF-8"
        ) from None


def read_yaml(path: str | Path, *, typed: bool = False) -> Any:
    """Read a YAML file that a person wrote; parameters and errors as of `read_text` and `parse_yaml`."""
    return parse_yaml(read_text(path, LARGEST_YAML), str(path), typed=typed)


def parse_yaml(text: str, where: str, *, typed: bool = False) -> Any:
    """The content of a YAML text.

    Parameters
    ----------
    text
        one document.
    where
        what an error calls it.
    typed
        read numbers, truths and absence as such; otherwise every value stays the text that was written, so that
        ``1e3``, ``2024_11`` and ``yes`` reach whoever knows what they mean.

    Raises
    ------
    ValueError
        it is no YAML, or says a key twice, repeats itself by aliases, asks for objects by tags, or is nested
        too deeply; with the line.

    Examples
    --------
    >>> parse_yaml("seed: 0123\\ntasks: [yes, 1e3]", "here")
    {'seed': '0123', 'tasks': ['yes', '1e3']}
    >>> parse_yaml("seed: 1\\nseed: 2", "here")
    Traceback (most recent call last):
    ValueError: here, line 2: the key 'seed' stands twice; leave one of them
    """
    try:
        return yaml.load(text, Loader=_TypedLoader if typed else _TextLoader)  # noqa: S506 - neither makes objects
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        cure = "" if isinstance(error, _RefusedError) else f"; {_BY_HAND}"
        raise ValueError(f"{where}{line}: {error.problem or error.context}{cure}") from None
    except yaml.YAMLError as error:
        problem = getattr(error, "reason", str(error))
        character = getattr(error, "character", None)
        which = f" ({ascii(chr(character))})" if isinstance(character, int) else ""
        raise ValueError(f"{where} is no YAML: {problem}{which}; remove what no editor shows") from None
    except (ValueError, OverflowError) as error:  # a date or a number that there is not
        raise ValueError(f"{where} has a value that cannot be read ({error}); put it in quotes or change it") from None


class _RefusedError(yaml.MarkedYAMLError):
    """YAML allows it; a person does not write it."""


class _Strict:
    """What a loader of PyYAML does not do by itself: refuse aliases, tags, depth and repeated keys."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[attr-defined]
        if isinstance(event, yaml.AliasEvent):
            raise self.refusal(f"the alias *{event.anchor} repeats another part; write that part out", event)
        if (tag := event.tag) is not None and tag != "!":
            raise self.refusal(f"the tag {tag!r} asks for an object; remove it, or put the value in quotes", event)
        self.depth += 1
        if self.depth > DEEPEST_YAML:
            raise self.refusal(f"nested deeper than {DEEPEST_YAML} levels; write it flat", event)
        node = super().compose_node(parent, index)  # type: ignore[misc]
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise self.refusal(f"the key {key.value!r} stands twice; leave one of them", key)
                seen.add(key.value)
                if key.tag == "tag:yaml.org,2002:merge":
                    raise self.refusal("the key '<<' takes over another part; write that part out", key)
        return super().construct_mapping(node, deep)  # type: ignore[misc]

    def refusal(self, problem: str, place: Any) -> _RefusedError:
        return _RefusedError(problem=problem, problem_mark=place.start_mark)


class _TextLoader(_Strict, yaml.BaseLoader):
    """Makes nothing but strings, lists and mappings."""


class _TypedLoader(_Strict, yaml.SafeLoader):
    """Makes plain values as well: numbers, truths, dates, absence."""
