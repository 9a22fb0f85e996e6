"""Files that strangers and their tools read first: the citation, the changelog, the forms for issues."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import analysis_lib

ROOT = Path(__file__).resolve().parents[3]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
KINDS_OF_CHANGE = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""What Keep a Changelog calls its sections, in its order."""


def missing_in_citation(citation: dict[str, Any]) -> list[str]:
    """What the Citation File Format 1.2.0 requires and a citation lacks."""
    found = [key for key in ("cff-version", "message", "title", "authors") if not citation.get(key)]
    found += [] if citation.get("cff-version") == "1.2.0" else ["cff-version 1.2.0"]
    found += [] if citation.get("type", "software") in ("software", "dataset") else ["type"]
    for place, work in [("", citation), *((f"reference {n}: ", one) for n, one in enumerate(citation["references"]))]:
        found += [f"{place}{key}" for key in ("title", "authors", "type") if not work.get(key)]
        for author in work.get("authors", []):
            found += [] if author.get("name") or author.get("family-names") else [f"{place}name of an author"]
        for one in work.get("identifiers", []):
            known = one.get("type") in ("doi", "url", "swh", "other") and one.get("value")
            found += [] if known else [f"{place}identifier"]
    return found


def faults_of_form(form: dict[str, Any]) -> list[str]:
    """What GitHub would refuse in a form for issues."""
    found = [key for key in ("name", "description", "body") if not form.get(key)]
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    found += [] if asked else ["nothing is asked"]
    names = [part.get("id") for part in asked]
    found += [f"id {name}" for name in names if names.count(name) > 1 or not re.fullmatch(r"[\w-]+", str(name))]
    for part in form["body"]:
        attributes = part.get("attributes", {})
        wanted = {"markdown": ["value"], "dropdown": ["label", "options"], "checkboxes": ["label", "options"]}
        found += [f"{part['type']} {key}" for key in wanted.get(part["type"], ["label"]) if not attributes.get(key)]
        found += [] if part["type"] in (*wanted, "input", "textarea") else [f"type {part['type']}"]
    return found


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_has_what_its_format_requires():
    assert missing_in_citation(read(ROOT / "CITATION.cff")) == []


def test_the_citation_cites_the_paper_as_the_bibliography_does():
    (paper,) = read(ROOT / "CITATION.cff")["references"]
    entry = re.search(r"@\w+\{wu2026vision,(.*?)\n\}", (ROOT / "book" / "references.bib").read_text("utf-8"), re.DOTALL)
    authors = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    for text in (authors, paper["title"], str(paper["year"]), paper["identifiers"][0]["value"].split(":")[1]):
        assert f"{{{text}}}" in entry[1] or f"= {text}," in entry[1], text


def another_address(citation: dict[str, Any], config: dict[str, Any]) -> bool:
    """Whether the citation names another repository than `_config.yml`, the one place that the book takes it from."""
    return citation.get("repository-code", "") != config["repository"]["url"]


def test_the_citation_has_the_books_one_address_and_a_date_that_is_a_date():
    citation, config = read(ROOT / "CITATION.cff"), read(ROOT / "_config.yml")
    assert not another_address(citation, config)
    assert another_address(
        citation | {"repository-code": "https://example.org/x"}, config | {"repository": {"url": ""}}
    )
    assert isinstance(citation.get("date-released", date.today()), date)


@pytest.mark.parametrize("key", ["message", "title", "authors"])
def test_a_citation_that_lacks_something_is_found(key: str):
    whole = read(ROOT / "CITATION.cff")
    assert key in missing_in_citation({name: value for name, value in whole.items() if name != key})
    assert missing_in_citation(whole | {"authors": [{"alias": "x"}]}) == ["name of an author"]
    assert missing_in_citation(whole | {"references": [{"title": "x"}]}) == [
        "reference 0: authors",
        "reference 0: type",
    ]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_for_issues_is_one_that_can_be_filled_in(path: Path):
    assert faults_of_form(read(path)) == []


def test_a_form_that_would_be_refused_is_found():
    part = {"type": "input", "id": "a", "attributes": {"label": "x"}}
    form = {"name": "x", "description": "y", "body": [part]}
    assert faults_of_form(form) == []
    assert faults_of_form(form | {"body": [part, part]}) == ["id a", "id a"]
    assert faults_of_form(form | {"body": [{**part, "attributes": {}}]}) == ["input label"]
    assert faults_of_form(form | {"body": [part, {"type": "menu", "id": "b", "attributes": {"label": "x"}}]}) == [
        "type menu"
    ]


def test_there_is_a_form_for_each_reason_to_write():
    assert {path.stem for path in FORMS} == {"wrong_number", "fork_that_does_not_run", "authors_answer"}


def test_the_changelog_has_known_sections_and_names_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert versions[0] == "Unreleased" and analysis_lib.__version__ in text
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", part, re.MULTILINE)
        assert kinds == [kind for kind in KINDS_OF_CHANGE if kind in kinds], (
            "sections of Keep a Changelog, in its order"
        )
    assert not re.search(r"#\d", text), "what changed stands here, not where it was discussed"
