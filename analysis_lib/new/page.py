"""Write a page and its test from templates, and enter it where pages are listed."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template
from typing import Any

from analysis_lib.files import write_atomically
from analysis_lib.reading import parse_yaml, read_text

__all__ = ["new_page"]

_TEMPLATES = Path(__file__).parent
_LARGEST = 2**20
"""Bytes of a list of pages."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_IN_CONTENTS = re.compile(r"^( *)- file: book/pages/\w+\n", re.MULTILINE)
_IN_PROFILE = re.compile(r"^pages:\n(?:(?:  .*|#.*|[ ]*)\n)*", re.MULTILINE)


def new_page(root: Path, name: str, title: str | None = None, profile: str = "mini") -> list[Path]:
    """Write a page, ``notebooks/NAME.md``, and its test, and enter it in a profile and in ``_toc.yml``.

    Everything is looked at before anything is written.

    Parameters
    ----------
    root
        the checkout.
    name
        of the page.
    title
        its heading; by default the name in words.
    profile
        by name, the one of ``workflow/profiles`` that gets the page.

    Returns
    -------
    What was written, the notebook first.

    Raises
    ------
    ValueError
        the name is none, a page or test of that name is there, or a list cannot be added to without a hand.
    FileNotFoundError
        the profile or the contents are not there.

    Examples
    --------
    >>> new_page(Path("."), "my page")
    Traceback (most recent call last):
    ...
    ValueError: a page is called by a word of small letters, digits and _, got 'my page'; try my_page
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        better = re.sub(r"\W+", "_", name.strip().lower(), flags=re.ASCII).strip("_0123456789")
        hint = f"; try {better}" if _NAME.fullmatch(better) and not keyword.iskeyword(better) else ""
        raise ValueError(f"a page is called by a word of small letters, digits and _, got {name!r}{hint}")
    heading = name.replace("_", " ").capitalize() if title is None else title.strip()
    if not heading or len(heading.splitlines()) > 1:
        raise ValueError(f"a title is one line of text, got {title!r}")
    notebook, test = root / "notebooks" / f"{name}.md", root / "tests" / "unit" / "pages" / f"test_{name}.py"
    if there := [path for path in (notebook, test) if path.exists()]:
        raise ValueError(f"{there[0].relative_to(root)} is there already; give another name, or remove it first")
    values = {"name": name, "title": heading, "profile": profile}
    files = {
        notebook: Template((_TEMPLATES / "page.md.txt").read_text(encoding="utf-8")).substitute(values),
        test: Template((_TEMPLATES / "test_page.py.txt").read_text(encoding="utf-8")).substitute(values),
        **_entered(root / "workflow" / "profiles" / f"{profile}.yaml", root / "_toc.yml", name),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    return list(files)


def _entered(profile: Path, contents: Path, name: str) -> dict[Path, str]:
    """Both lists with the page in them, everything else as it was: the text is added to, never written anew."""
    before = _pages(read_text(profile, _LARGEST), profile)
    if name in before:
        raise ValueError(f"{profile} has a page {name} already; give another name")
    with_page = _insert(profile, _IN_PROFILE, f"  {name}:\n", f"`{name}:` under `pages:`")
    listed = _insert(contents, _IN_CONTENTS, f"- file: book/pages/{name}\n", f"`- file: book/pages/{name}`")
    if _pages(with_page, profile) != [*before, name]:
        raise ValueError(f"{profile} lists its pages in a way of its own: add `{name}:` under `pages:` by hand")
    return {profile: with_page, contents: listed}


def _insert(path: Path, last: re.Pattern[str], line: str, what: str) -> str:
    """The text of a file with a line behind the last place that matches, indented as that is."""
    text = read_text(path, _LARGEST)
    text = text if text.endswith("\n") else f"{text}\n"
    found = list(last.finditer(text))
    if not found:
        raise ValueError(f"{path} lists no page yet; add {what} to it by hand")
    indent = found[-1].group(1) if last.groups else ""
    end = found[-1].start() + len(found[-1].group().rstrip()) + 1
    return text[:end] + indent + line + text[end:]


def _pages(text: str, path: Path) -> list[Any]:
    content = parse_yaml(text, str(path))
    return list((content or {}).get("pages") or {}) if isinstance(content, dict) else []
