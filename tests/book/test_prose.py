"""No page holds a typed result: numbers come from cells, from the paper (marked), or are fixed by choice (marked)."""

from pathlib import Path

import pytest

from tests.book.prose import broken_glue, typed_results

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*REPOSITORY.glob("notebooks/*.md"), *REPOSITORY.glob("book/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_hold_no_typed_result(page: Path):
    assert typed_results(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_glued_number_is_read_as_one(page: Path):
    assert broken_glue(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Synergy is 1.7 bits.",
        "about 82 % of it",
        "about 82% of it",
        "a correlation of 0.97, as",
        "a correlation of 0.97.",
        "it took 14 bits",
        "all 5,525 questions",
        "below 1e-6 everywhere",
        "fell by 12 points",
        "**It is 3.5**",
        "| a | b |\n|---|---|\n| x | 2.5 |",
        "# Gains of 7 %",
        "```{note}\n:class: tip\nIt is 2.5.\n```",
        ":::{admonition} It is 2.5\nx\n:::",
        "```{code-cell} python\n---\nmystnb:\n  figure:\n    caption: It is 2.5.\n---\nx\n```",
        "---\ntitle: x\n---\n\nIt is 2.5.",
        "- one\n- two: 0.5",
    ],
)
def test_a_typed_result_is_found(text: str):
    assert len(typed_results(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "It is {glue:text}`share` of it.",
        "The paper prints {paper}`14.18 bits`.",
        "PCA keeps {given}`95 %` of the variance.",
        "`seed = 0.5` and $x = 0.5$",
        "$$ x = 0.5 $$",
        "```python\nx = 0.5\n```",
        "```{code-cell} python\nx = 0.5\n```",
        "LLaVA-1.5-7B, Python 3.11, Table 3.2, Eq. 16-17, App. C.2, arXiv:2602.15580",
        "bands are 90 % intervals, the 95 % bootstrap interval, the 95th percentile",
        "six tasks, layer 8, 1000 questions",
        "[a page](https://example.org/1.5/2.5)",
        "{cite:p}`wu2026vision`",
    ],
)
def test_what_is_no_typed_result_passes(text: str):
    assert typed_results(text) == []


def test_a_finding_names_its_line():
    assert typed_results("---\na: 1\n---\n\ntext\n\nmore\nand 2.5 here")[0].line == 8


def test_glue_inside_backticks_is_told():
    assert broken_glue("fine {glue:text}`a`\n\nnot fine: `{glue:text}`a``") == [3]
