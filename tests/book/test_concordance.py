"""The concordance has every claim and every place of the paper that we know of, and no number but the paper's."""

import re

import pytest
import yaml

from analysis_lib.compare import read_claims
from tests.book.conftest import REPOSITORY

PAGE = (REPOSITORY / "book" / "concordance.md").read_text(encoding="utf-8")
CONTENTS = yaml.safe_load((REPOSITORY / "_toc.yml").read_text(encoding="utf-8"))
PAPER = read_claims()
SETTINGS = {900.0, 0.95}
"""What the paper says of its method in numbers: questions per task and model, share of the variance kept."""

LINK = re.compile(r"{doc}`(?:[^`<]*<)?([^`>]+)>?`")
TYPED = re.compile(r"{paper}`([\d.,]+)( %)?`")


def entry(title: str) -> str:
    """The text under the heading that begins so."""
    (found,) = re.findall(rf"^### {re.escape(title)}[^\n]*\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return found


def printed_numbers(text: str) -> list[float]:
    """The paper's numbers in a text, per cent as shares."""
    return [float(number.replace(",", "")) / (100 if percent else 1) for number, percent in TYPED.findall(text)]


def known_numbers() -> set[float]:
    """The numbers that claims and printed values of `book/claims.yml` have from the paper."""
    claimed = {c.value for claim in PAPER.claims.values() for c in claim.criteria if c.source == "paper"}
    return claimed | {one.value for one in PAPER.printed.values()}


@pytest.mark.parametrize("name", PAPER.claims)
def test_a_claim_has_an_entry_that_leads_to_where_it_is_measured(name: str):
    claim = PAPER.claims[name]
    assert f"pages/{claim.page}" in LINK.findall(entry(f"{name}: "))
    assert re.search(rf"^\| abstract, {name} \| {{doc}}`[^`]*<pages/{claim.page}>` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, claim in PAPER.claims.items() if claim.criteria[0].source == "paper"])
def test_the_entry_of_a_claim_has_the_number_that_the_paper_prints(name: str):
    assert printed_numbers(entry(f"{name}: ")) == [PAPER.claims[name].criteria[0].value]


def test_every_printed_value_stands_in_the_entry_of_its_table():
    for one in PAPER.printed.values():
        assert one.value in printed_numbers(entry(one.section))


def test_no_number_is_another_than_the_papers():
    assert set(printed_numbers(PAGE)) == known_numbers() | SETTINGS
    assert PAGE.count("{paper}") == len(printed_numbers(PAGE)), "a value between {paper}`...` is no number"


def test_every_place_that_claims_come_from_is_at_a_glance():
    sections = {part for claim in PAPER.claims.values() for part in claim.section.split(", ")}
    sections |= {one.section for one in PAPER.printed.values()}
    for section in sections:
        assert re.search(rf"^\| {section}\b", PAGE, re.MULTILINE), section


def test_every_link_leads_to_a_page_of_the_book():
    files = {chapter["file"] for part in CONTENTS["parts"] for chapter in part["chapters"]}
    links = LINK.findall(PAGE)
    assert len(links) > 40 and {f"book/{link}" for link in links} <= files


def test_it_stands_beside_the_claims():
    (part,) = (part for part in CONTENTS["parts"] if {"file": "book/concordance"} in part["chapters"])
    files = [chapter["file"] for chapter in part["chapters"]]
    assert files.index("book/concordance") == files.index("book/pages/claims") + 1


def test_every_status_is_one_of_those_explained():
    explained = set(re.findall(r"^([\w -]+)\n: ", PAGE, re.MULTILINE))
    rows = re.findall(r"^\| (?!In the paper|-).* \| ([\w -]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) > 15 and set(rows) == explained


def test_there_is_a_place_for_the_authors_answer_and_a_form_for_it():
    answer = PAGE.split("## The authors' answer\n")[1]
    (form,) = re.findall(r"with the form \*([^*]+)\*", answer)
    forms = (REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    assert form in {yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in forms if path.stem != "config"}
    assert not re.search(r"@|https?://", answer), "no address is known, so none is given"
