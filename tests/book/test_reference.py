"""The reference shows every package's face, and what a docstring says reaches the page in sections."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from bs4 import BeautifulSoup
from companion.docstrings import TITLES, as_fields, value_docstring
from docutils import core, nodes

import analysis_lib
import analysis_lib.pid
from tests.book.conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "book" / "reference").glob("*.md"))
MODULE = re.compile(r"^\.\. face:: (\S+)$", re.MULTILINE)
SHOWN = [module for page in PAGES for module in MODULE.findall(page.read_text(encoding="utf-8"))]


def docstrings_of(module: ModuleType) -> dict[str, str]:
    """What the module, its face's names and their methods say."""
    found = {module.__name__: module.__doc__ or ""}
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        found[f"{module.__name__}.{name}"] = value.__doc__ or ""
        for inner, method in vars(value).items() if inspect.isclass(value) else ():
            method = getattr(method, "__func__", getattr(method, "fget", method))
            if inspect.isfunction(method) and not inner.startswith("_"):
                found[f"{module.__name__}.{name}.{inner}"] = method.__doc__ or ""
    return found


def read(text: str) -> nodes.document:
    """The text as reStructuredText, or the first complaint about it."""
    settings = {"report_level": 2, "halt_level": 2, "_disable_config": True}
    return core.publish_doctree(text, settings_overrides=settings)


def test_every_package_has_its_page_and_every_page_its_place():
    packages = {path.parent.name for path in Path(analysis_lib.__path__[0]).glob("*/__init__.py")}
    assert {page.stem for page in PAGES} == packages
    assert {module.split(".")[1] for module in SHOWN} == packages and len(SHOWN) == len(set(SHOWN))
    contents = yaml.safe_load((REPOSITORY / "_toc.yml").read_text(encoding="utf-8"))
    (chapter,) = [one for part in contents["parts"] for one in part["chapters"] if one["file"] == "book/reference"]
    assert {section["file"] for section in chapter["sections"]} == {f"book/reference/{page.stem}" for page in PAGES}


@pytest.mark.parametrize("name", SHOWN)
def test_docstrings_of_a_face_are_sound_and_none_is_missing(name: str):
    module = importlib.import_module(name)
    assert set(getattr(module, "__all__", ())) <= set(dir(module)), "names that autodoc does not see"
    for where, text in docstrings_of(module).items():
        assert text.strip(), f"{where} says nothing"
        read(as_fields(text))
        assert not re.search(r"^-{4,}$", as_fields(text), re.MULTILINE), f"{where} has a section that nobody reads"


WRITTEN = """Sum up.

    More of it.

    Parameters
    ----------
    first, second
        what is added;
        both of one shape.
    **more
        passed on.

    Returns
    -------
    The sum ``(n,)``.

    Raises
    ------
    ValueError
        shapes differ.
    KeyError, OSError
        as
        `other`.

    Examples
    --------
    >>> 1 + 1
    2
    """


def test_sections_become_fields_and_their_entries_lists_of_definitions():
    document = read(as_fields(WRITTEN))
    fields = {one[0].astext(): one[1] for one in document.findall(nodes.field)}
    assert list(fields) == ["Parameters", "Returns", "Raises", "Examples"]

    def entries(field: str) -> dict[str, str]:
        items = fields[field].findall(nodes.definition_list_item)
        return {item[0].astext(): " ".join(item[1].astext().split()) for item in items}

    assert entries("Parameters") == {"first, second": "what is added; both of one shape.", "**more": "passed on."}
    assert entries("Raises") == {"ValueError": "shapes differ.", "KeyError, OSError": "as other."}
    assert fields["Returns"].astext() == "The sum (n,)."
    assert len(list(fields["Examples"].findall(nodes.doctest_block))) == 1


@pytest.mark.parametrize("text", ["One line.", "Two.\n\nParagraphs: with a colon.", "Returns what `it` got.", ""])
def test_a_docstring_without_sections_stays_as_it_is(text: str):
    assert as_fields(text) == text


@pytest.mark.parametrize("name", SHOWN)
def test_no_word_is_lost(name: str):
    for text in docstrings_of(importlib.import_module(name)).values():
        said = set(re.findall(r"\w+", text)) - set(TITLES)
        assert said <= set(re.findall(r"\w+", as_fields(text)))


def test_a_value_is_explained_where_it_is_assigned():
    assert value_docstring("analysis_lib.worlds.mini", "EMBEDDED_MODELS").startswith("The models that ship with")
    assert (
        value_docstring("analysis_lib.compare", "RANDOM_EDGES")
        == value_docstring("analysis_lib.compare", "nobody")
        == ""
    )


def test_the_built_page_shows_the_face_with_links_within_it(demo_book: Path):
    page = BeautifulSoup((demo_book / "book" / "reference" / "pid.html").read_text(encoding="utf-8"), "html.parser")
    anchors = {term["id"] for term in page.select("dt.sig[id]")}
    shown = {f"analysis_lib.pid.{name}" for name in analysis_lib.pid.__all__}
    assert shown <= anchors
    assert any(link["href"].startswith("#analysis_lib.pid.") for link in page.select("dd p a"))
    assert "Parameters" in {term.get_text().strip(":") for term in page.select("dl.field-list > dt")}
