"""Books that are built otherwise: of chosen pages alone, and with the address of a repository."""

from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from companion.chosen_contents import chosen_contents
from companion.elsewhere import services

from tests.book.conftest import REPOSITORY, build

CONTENTS = yaml.safe_load((REPOSITORY / "_toc.yml").read_text(encoding="utf-8"))
ADDRESS = "https://github.com/someone/companion"


def files_of(contents: dict) -> list[str]:
    return [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]


def test_chosen_contents_hold_the_chosen_pages_in_order_and_all_texts():
    texts = [file for file in files_of(CONTENTS) if not file.startswith("book/pages/")]
    assert len(texts) > 3
    chosen = chosen_contents(CONTENTS, ["definitions", "claims", "method"])
    kept = {*texts, *(f"book/pages/{page}" for page in ("method", "claims", "definitions"))}
    assert files_of(chosen) == [file for file in files_of(CONTENTS) if file in kept]
    with_root = chosen_contents(CONTENTS, ["claims", "introduction"])
    assert files_of(with_root) == ["book/pages/introduction", "book/pages/claims", *texts]
    assert all(part["chapters"] for part in with_root["parts"])


def test_a_page_that_the_contents_do_not_hold_is_refused():
    with pytest.raises(ValueError, match="no book/pages/klaims; its pages are .*claims"):
        chosen_contents(CONTENTS, ["method", "klaims"])


@pytest.fixture(scope="module")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole book's folder, of whose pages one has been executed, and one text to link to."""
    tmp_path = tmp_path_factory.mktemp("small")
    for name in ("_config.yml", "_toc.yml", "book/_ext", "book/_static", "book/references.bib"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "book" / "pages").mkdir()
    (tmp_path / "book" / "rerun.md").write_text(
        "# Run again\n\nSee {doc}`pages/method` and {doc}`pages/claims`.\n\n```{elsewhere}\n```\n"
    )
    write_page(tmp_path, "See {doc}`claims`, {doc}`the glue <knockouts_information>` and {doc}`../rerun`.")
    contents = chosen_contents(CONTENTS, ["method"]) | {
        "parts": [{"caption": "Texts", "chapters": [{"file": "book/rerun"}]}]
    }
    (tmp_path / "chosen.yml").write_text(yaml.safe_dump(contents))
    return tmp_path


def write_page(root: Path, text: str) -> None:
    html = '<a href="claims.html#x">its verdict</a> <a href="method.html">itself</a>'
    shown = nbformat.v4.new_output("display_data", {"text/html": html})
    cells = [nbformat.v4.new_markdown_cell(f"# Method\n\n{text}"), nbformat.v4.new_code_cell("1", outputs=[shown])]
    metadata = {"language_info": {"name": "python"}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), root / "book" / "pages" / "method.ipynb")


@pytest.fixture(scope="module")
def small_book(small_root: Path) -> Path:
    """The HTML of the chosen page and the text, of a repository that has an address."""
    settings = yaml.safe_load((small_root / "_config.yml").read_text(encoding="utf-8"))
    assert set(settings["repository"]) == {"url", "branch"}
    settings["repository"]["url"] = ADDRESS
    (small_root / "_config.yml").unlink()
    (small_root / "_config.yml").write_text(yaml.safe_dump(settings))
    build(small_root, "--toc", "chosen.yml", "--path-output", "_build/chosen")
    return small_root / "_build" / "chosen" / "_build" / "html"


def test_a_book_of_chosen_pages_has_words_for_links_to_the_others(small_book: Path):
    page = small_book / "book" / "pages" / "method.html"
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("article")
    assert [words.get_text() for words in article.select("abbr")] == ["claims", "the glue", "its verdict"]
    assert {"../rerun.html", "method.html"} <= {link["href"] for link in article.select("a[href]")}


def test_a_page_that_promises_what_is_not_there_breaks_the_build(small_book: Path, small_root: Path):
    promises = [
        "See {doc}`nowhere`.",
        "```{parameters} notebooks/none.md\n```",
        "```{parameters} notebooks/empty.md\n```",
        "{glue:text}`lost`",
    ]
    write_page(small_root, "\n\n".join(promises))
    (small_root / "notebooks").mkdir()
    (small_root / "notebooks" / "empty.md").write_text("# Nothing to ask for\n")
    with pytest.raises(AssertionError) as failure:
        build(small_root, "--toc", "chosen.yml", "--path-output", "_build/broken")
    for complaint in (
        "nowhere",
        "there is no notebook notebooks/none.md",
        "empty.md has no cell tagged 'parameters'",
        "'lost'",
    ):
        assert complaint in str(failure.value)


def test_the_address_of_the_repository_brings_every_button(small_book: Path):
    page = small_book / "book" / "pages" / "method.html"
    header = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one(".header-article-items__end")
    links = [link["href"] for link in header.select("a[href]")]
    assert ADDRESS in links
    assert any(link.startswith(f"{ADDRESS}/issues/new") for link in links)
    assert any(link.startswith("https://mybinder.org/v2/gh/someone/companion/") for link in links)
    assert any(link.startswith("https://colab.research.google.com/github/someone/companion/") for link in links)
    assert all("book/pages/method.ipynb" in link for link in links if "mybinder" in link or "colab" in link)
    text = BeautifulSoup((small_book / "book" / "rerun.html").read_text(encoding="utf-8"), "html.parser")
    assert not text.select(".header-article-items__end a[href*=mybinder]")  # there is nothing to launch
    said = text.select_one("article")
    assert {link["href"] for link in said.select("a.external")} == set(services(ADDRESS, "main").values())
    assert f"git clone --depth 1 {ADDRESS} companion" in said.get_text()
