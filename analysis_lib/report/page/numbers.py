"""The numbers of a page: each is computed by a cell, shown in the prose by its key, and kept in a file.

Prose says ``{glue:text}`accuracy_baseline` `` and never a typed number; the same values lie in
``results/{profile}/numbers/{page}.json``, which the page offers to its readers and which two runs can be compared by.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from analysis_lib.records import read_record, write_record
from analysis_lib.results import NUMBERS
from analysis_lib.shown import Shown, Summary
from analysis_lib.text import visible

_KEY = re.compile(r"[a-z][a-z0-9_]*")


class Numbers:
    """Collect, glue and save the numbers of one page.

    Parameters
    ----------
    page
        Name of the page, as in ``book/pages/{page}.ipynb``.
    results
        Folder of all results.
    profile
        Profile of the run; the file is ``{results}/{profile}/numbers/{page}.json``, unless who runs the page
        names another in ``ANALYSIS_LIB_NUMBERS``, as `analysis_lib.run` does.

    Raises
    ------
    ValueError
        The page or the profile is not a plain name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     numbers = Numbers("setup", results=folder, profile="smoke")
    ...     shown = numbers.glue("accuracy", 0.9512, ".1%")
    >>> shown
    '95.1%'
    """

    def __init__(self, page: str, results: str | Path = "results", profile: str = "mini") -> None:
        for name, value in (("page", page), ("profile", profile)):
            if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", value):
                raise ValueError(f"{name} must be a plain name such as 'trajectories', got {value!r}")
        self.page, self.profile = page, profile
        given = os.environ.get("ANALYSIS_LIB_NUMBERS")
        self.path = Path(given) if given else Path(results) / profile / NUMBERS.format(page=page)
        self._entries: dict[str, dict[str, Any]] = {}

    def glue(
        self,
        key: str,
        value: float | int | str,
        format: str = "",
        *,
        interval: tuple[float, float] | None = None,
        unit: str = "",
    ) -> str:
        """Make a value available to the prose, which shows it by the role ``glue:text``, and save it.

        Parameters
        ----------
        key
            Name of the number: lower-case letters, digits and underscores, unique on the page.
        value
            The number, or a word that a computation chose (a task's name).
        format
            Format of a number, for instance ``".2f"``, ``".0%"``, ``",d"``.
        interval
            Lower and upper end; shown in brackets after the value, in the same format.
        unit
            Unit of the number, shown after it (``"bits"``).

        Returns
        -------
        The text that the prose shows.

        Raises
        ------
        ValueError
            The key is malformed, a number is not finite, or the value lies outside its interval.
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"a key is made of a-z, 0-9 and _ and starts with a letter, got {key!r}")
        plain = visible(value) if isinstance(value, str) else _finite(key, value)
        if interval is not None:
            low, high = interval = (_finite(key, interval[0]), _finite(key, interval[1]))
            if isinstance(plain, str) or not low <= plain <= high:
                raise ValueError(f"{key!r}: the value {plain!r} lies outside its interval [{low}, {high}]")
        text = Shown(plain, format, interval, unit).text
        entry: dict[str, Any] = {"value": plain, "text": text}
        if interval is not None:
            entry["interval"] = [*interval]
        if unit:
            entry["unit"] = unit
        self._entries[key] = entry
        self._save()
        _show(key, text)
        return text

    def glue_all(self, summary: Summary) -> None:
        """Glue a whole summary, each value under its name; raises as `glue` does."""
        for key, shown in summary.items():
            if isinstance(shown, Shown):
                self.glue(key, shown.value, shown.format, interval=shown.interval, unit=shown.unit)
            else:
                self.glue(key, shown)

    def _save(self) -> None:
        content = {"page": self.page, "profile": self.profile, "numbers": dict(sorted(self._entries.items()))}
        write_record(self.path, content, of=_label(self.page, self.profile))


def read_numbers(path: str | Path) -> dict[str, dict[str, Any]]:
    """The numbers that a page saved, by key: each with ``value`` and ``text``, some with ``interval`` and ``unit``.

    Among the results the file has to be of the page and profile that its place tells; a copy lies anywhere.

    Raises
    ------
    FileNotFoundError
        there is no such file. DamagedError: it is not what the page saved.
    """
    page, profile = Path(path).stem, Path(path).parent.parent.name
    among_results = Path(path).parent.name == "numbers"
    cure = f"delete it and run the page {page} again, or `make book`"
    return read_record(path, cure=cure, of=_label(page, profile) if among_results else None)["numbers"]


def _label(page: str, profile: str) -> str:
    return f"page {page} of profile {profile}"


def _finite(key: str, value: Any) -> float | int:
    """A plain Python number, refused when it is not finite: a page shows no NaN."""
    number = value.item() if getattr(value, "size", 0) == 1 else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= sys.float_info.max:
        shown = visible(repr(value))[:80]
        raise ValueError(f"{key!r} must be a finite number or a word, got {shown}; mend what gave it")
    return number


def _show(key: str, text: str) -> None:
    """Hand the text to the notebook; outside a notebook there is nobody to hand it to."""
    from IPython.core.getipython import get_ipython

    if get_ipython() is not None:
        from myst_nb import glue  # type: ignore[import-untyped]

        glue(key, text, display=False)
