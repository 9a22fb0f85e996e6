"""What a page stands on beside the library: it says so itself, in its front matter.

```yaml
needs: [stores, atoms, claims]
```

The workflow makes these before it runs the page, and runs the page again when one of them has changed. A page that
compares may need two tasks or models of the profile; one that has too few is refused before anything runs.
"""

from __future__ import annotations

import re
from pathlib import Path

from analysis_lib.reading import parse_yaml, read_text
from analysis_lib.run.parameters import ParameterError

__all__ = ["NEEDS", "page_needs"]

NEEDS = {
    "stores": "the activation stores of all models and tasks of the profile",
    "atoms": "their tables of atoms",
    "seeds": "the tables of atoms of other seeds of the models",
    "pages": "all other pages, executed",
    "claims": "the paper's claims, book/claims.yml",
    "gqa_answers": "how often answers occur in GQA, book/gqa_answers.yml",
    "benchmarks": "the benchmarks, tests/benchmarks",
    "faults": "what was tried to break this, book/faults.json and tests/faults",
    "tasks": "two tasks in the profile, to be compared",
    "others": "two tasks or two models in the profile, to be compared",
}
"""What a page may say that it needs, and what that is."""

FRONT_MATTER = re.compile(r"\A---\n(.*?)^---$", re.DOTALL | re.MULTILINE)
LARGEST_PAGE = 2**20
"""Bytes of a page's source."""


def page_needs(path: str | Path) -> list[str]:
    """What a page declares as ``needs``, in its order; an empty list where it stands on the library alone.

    Parameters
    ----------
    path
        A page's source, jupytext MyST Markdown.

    Raises
    ------
    ParameterError
        It has no front matter, declares nothing, not a list, or what is not known; with what is.

    Examples
    --------
    >>> page_needs("notebooks/small_world.md")
    ['stores', 'atoms']
    """
    known = "; ".join(f"{name}, {meaning}" for name, meaning in NEEDS.items())
    cure = (
        f"write what it reads into its front matter, as in `needs: [stores, atoms]`, or `needs: []`. There is: {known}"
    )
    found = FRONT_MATTER.search(read_text(path, LARGEST_PAGE))
    content = parse_yaml(found[1], str(path), typed=True) if found else None
    if not isinstance(content, dict) or "needs" not in content:
        raise ParameterError(f"{path} does not say what it needs; {cure}")
    needs = content["needs"]
    if not isinstance(needs, list) or any(not isinstance(name, str) or name not in NEEDS for name in needs):
        raise ParameterError(f"{path} needs {needs!r}, which is no list of what there is; {cure}")
    if len(set(needs)) < len(needs):
        raise ParameterError(f"{path} needs {needs}, which names one thing twice; leave one of them")
    return needs
