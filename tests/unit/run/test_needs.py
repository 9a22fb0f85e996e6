"""A page says what it stands on, and says all of it."""

import re
from pathlib import Path

import pytest

from analysis_lib.run.needs import NEEDS, page_needs
from analysis_lib.run.parameters import ParameterError

ROOT = Path(__file__).resolve().parents[3]
STAGES = ("extract", "extract_shard", "decompose")
PAGES = sorted(path for path in (ROOT / "notebooks").glob("*.md") if path.stem not in STAGES)
READERS = {
    "stores": r"\b(store_folders|summarise_run)\(",
    "atoms": r"\b(read_atoms|summarise_run)\(",
    "seeds": r"\bread_atoms\([^)]*seeds|\bsummarise_run\(",
    "pages": r"\bsummarise_run\(",
    "claims": r"\bread_claims\(",
    "gqa_answers": r"gqa_answers\.yml",
    "benchmarks": r"\btests\.benchmarks\b",
    "faults": r"\btests\.faults\b|faults\.json",
    "tasks": r"\bfingerprints_by_model\(",
    "others": r"\bcompare_models\(",
}
"""What in a page's source reads what it may need."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_needs_what_its_source_reads(page: Path):
    source = page.read_text(encoding="utf-8")
    assert set(page_needs(page)) == {name for name, reader in READERS.items() if re.search(reader, source)}


def test_the_workflow_knows_a_file_for_every_need():
    rules = (ROOT / "workflow" / "rules" / "book.smk").read_text(encoding="utf-8")
    table = rules[rules.index("NEEDED = {") : rules.index("\n}", rules.index("NEEDED = {"))]
    assert re.findall(r'^    "(\w+)": lambda', table, re.MULTILINE) == list(NEEDS) == list(READERS)
    # No page is a case of its own.
    assert not re.search(r"page\s*[!=]=\s*[\"']|[\"']\s*[!=]=\s*(wildcards\.)?page", rules)


@pytest.mark.parametrize(
    ("front_matter", "complaint"),
    [
        ("", "does not say what it needs"),
        ("---\nkernelspec: {name: python3}\n---\n", "does not say what it needs.*`needs: \\[\\]`"),
        ("---\nneeds: atoms\n---\n", "needs 'atoms', which is no list"),
        ("---\nneeds:\n---\n", "needs None"),
        ("---\nneeds: [atoms, tables]\n---\n", "needs .*'tables'.*There is: stores"),
        ("---\nneeds: [1]\n---\n", "needs \\[1\\]"),
        ("---\nneeds: [atoms, atoms]\n---\n", "names one thing twice"),
    ],
)
def test_what_cannot_be_needed_is_refused_with_the_file_and_what_can(tmp_path, front_matter, complaint):
    page = tmp_path / "own.md"
    page.write_text(f"{front_matter}\n# Own\n")
    with pytest.raises(ParameterError, match=complaint) as error:
        page_needs(page)
    assert str(page) in str(error.value)


def test_nothing_may_be_needed(tmp_path):
    page = tmp_path / "own.md"
    page.write_text("---\nneeds: []\n---\n# Own\n")
    assert page_needs(page) == []
