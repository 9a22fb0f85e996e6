"""What other packages bring: an object under a name, by an entry point, beside what the library has itself.

A package says in its ``pyproject.toml`` what it brings::

    [project.entry-points."analysis_lib.tasks"]
    VerifyAttr = "my_package:VERIFY_ATTR"

Names are read from what is installed, without importing anything; an object is imported when it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

__all__ = ["DEFINITIONS", "TASKS", "Registry", "registered"]

TASKS, DEFINITIONS = "analysis_lib.tasks", "analysis_lib.definitions"
"""The groups of entry points that there are."""

T = TypeVar("T")


def registered(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group that installed packages have, by name.

    Raises
    ------
    ValueError
        two packages bring the same name.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, brought_by(point))):
        if (first := found.setdefault(point.name, point)) is not point:
            both = f"{brought_by(first)} and {brought_by(point)}"
            raise ValueError(f"{both} both bring {point.name!r} for {group}; uninstall one of them")
    return found


def brought_by(point: EntryPoint) -> str:
    """The package that an entry point belongs to, with its version: ``"my-package 1.0"``."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


class Registry(MutableMapping[str, T], Generic[T]):
    """Objects by their ``name``: the library's own first, then those that other packages bring.

    One that is put in by hand holds in this process, as if it were the library's own.

    Parameters
    ----------
    own
        the library's own objects.
    group
        the entry points' group.
    kind
        the class that all of them are of.

    Raises
    ------
    ValueError
        when names are listed, a package brings one that is there already; when an object is asked for, what its entry
        point leads to cannot be imported, is of another class, or calls itself otherwise. Objects of the library's own
        can be had all the same.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> plain = Registry({"one": SimpleNamespace(name="one")}, "analysis_lib.examples", SimpleNamespace)
    >>> list(plain), "two" in plain, plain.origin("one")
    (['one'], False, '')
    """

    def __init__(self, own: Mapping[str, T], group: str, kind: type[T]) -> None:
        self._own, self._group, self._kind = dict(own), group, kind
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name in self._own:
            return self._own[name]
        if name not in self._loaded:
            self._loaded[name] = self._load(self._brought[name])
        return self._loaded[name]

    def __setitem__(self, name: str, value: T) -> None:
        self._own[name] = value

    def __delitem__(self, name: str) -> None:
        del self._own[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from self._brought

    def __len__(self) -> int:
        return len(self._own) + len(self._brought)

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._brought

    def origin(self, name: str) -> str:
        """Which package brings a name, with its version; empty for the library's own."""
        return "" if name in self._own else brought_by(self._brought[name])

    @cached_property
    def _brought(self) -> dict[str, EntryPoint]:
        found = registered(self._group)
        if taken := sorted(found.keys() & self._own.keys()):
            raise ValueError(
                f"{brought_by(found[taken[0]])} brings {taken[0]!r} for {self._group}, a name that analysis_lib has "
                "itself; give it another name there, or uninstall the package"
            )
        return found

    def _load(self, point: EntryPoint) -> T:
        where = f"{point.value}, which {brought_by(point)} brings as {point.name!r} for {self._group}"
        cure = "mend or uninstall that package"
        try:
            found = point.load()
        except Exception as error:  # another's code may raise anything
            raise ValueError(f"{where}, cannot be imported ({type(error).__name__}: {error}); {cure}") from error
        if not isinstance(found, self._kind):
            raise ValueError(f"{where}, is a {type(found).__name__}, and no {self._kind.__name__}; {cure}")
        if (name := getattr(found, "name", None)) != point.name:
            raise ValueError(f"{where}, calls itself {name!r}; both names must be the same: {cure}")
        return found
