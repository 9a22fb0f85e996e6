"""A tiny book made of a page that uses everything, beside the real book where one has been built."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page, expect, sync_playwright

from analysis_lib.run import run_notebook

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "book" / "_ext"))  # where Sphinx finds the book's own extension
from companion import pdf  # noqa: E402

TOC = """\
format: jb-book
root: book/pages/demo
chapters:
  - file: book/rerun
  - file: book/elsewhere
  - file: book/fork_task
  - file: book/fork_model
  - file: book/fork_definition
  - file: book/fork_knockout
  - file: book/reproduce_7b
  - file: book/activation_store
  - file: book/dependencies
  - file: book/how_it_is_built
    sections:
      - file: book/reference/pid
  - file: book/theory
  - file: book/glossary
  - file: book/bibliography
{linked}"""
STANDS_FOR = "Stands for a page of the whole book."
LINK = re.compile(r"{doc}`(?:[^`]*<)?pages/(\w+)>?`")
PATIENCE = 60_000  # milliseconds; a busy machine is slow, not wrong
LOCAL = ("file:", "data:", "blob:", "about:")


@dataclass
class Visit:
    """An opened page and what happened while it opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def demo_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built demo book, its notebook executed by the entry point that executes every page; workers share one."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo-book"
    with FileLock(root.with_suffix(".lock")):
        if not (root / "_build" / "html" / "book" / "pages" / "demo.html").exists():
            shutil.rmtree(root, ignore_errors=True)
            write_demo(root)
    return root / "_build" / "html"


def write_demo(root: Path) -> None:
    root.mkdir()
    for name in ("_config.yml", "CONTRIBUTING.md", "book", "notebooks"):
        source = REPOSITORY / name
        ignore = shutil.ignore_patterns("pages", "__pycache__", "*.ipynb")
        shutil.copytree(source, root / name, ignore=ignore) if source.is_dir() else shutil.copy(source, root / name)
    (root / "book" / "pages").mkdir()
    linked = sorted({name for path in (root / "book").glob("*.md") for name in LINK.findall(path.read_text())})
    for name in linked:  # pages of the real book are made by its workflow; here empty ones stand for them
        (root / "book" / "pages" / f"{name}.md").write_text(f"# {name.replace('_', ' ')}\n\n{STANDS_FOR}\n")
    (root / "_toc.yml").write_text(TOC.format(linked="".join(f"  - file: book/pages/{name}\n" for name in linked)))
    shutil.copy(Path(__file__).with_name("demo.md"), root / "notebooks" / "demo.md")
    run_notebook(
        root / "notebooks" / "demo.md",
        {"results": str(root / "results")},
        root / "book" / "pages" / "demo.ipynb",
        numbers=root / "results" / "mini" / "numbers" / "demo.json",
    )
    build(root)


def build(root: Path, *options: str) -> None:
    """Build the book in a folder, warnings being errors."""
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", ".", "-W", "-n", "--all", "--keep-going", *options]
    paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths.rstrip(os.pathsep)}
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture(scope="session", params=["demo", "built"])
def book(request: pytest.FixtureRequest) -> Path:
    """The HTML of the demo book, then of the book that `make book` built (or that BOOK_HTML names)."""
    if request.param == "demo":
        return request.getfixturevalue("demo_book")
    path = Path(os.environ.get("BOOK_HTML", REPOSITORY / "_build" / "html"))
    if not (path / "index.html").is_file():
        pytest.skip(f"no built book at {path}; `make book` builds it, BOOK_HTML names another place")
    return path


def pages_of(book: Path) -> list[Path]:
    """Every page with text: not the search page, not the redirect, none that only stands for another."""
    return [path for path in sorted((book / "book").rglob("*.html")) if STANDS_FOR not in path.read_text("utf-8")]


def altered(book: Path, folder: Path, name: str, text: str) -> Path:
    """A page of another text where the book's pages stand, in a book of its own that shares the built one's files.

    The built book is shared by tests that run side by side: nothing is ever written into it.
    """
    for path in book.iterdir():
        if path.name != "book":
            (folder / path.name).symlink_to(path)
    page = folder / "book" / "pages" / f"{name}.html"
    page.parent.mkdir(parents=True)
    page.write_text(text, encoding="utf-8")
    return page


def page_of_charts(book: Path) -> Path:
    """The page with the most charts."""
    return max(pages_of(book), key=lambda page: page.read_text(encoding="utf-8").count('class="vl-figure"'))


@pytest.fixture(params=["some", pytest.param("all", marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def pages(request: pytest.FixtureRequest, book: Path) -> list[Path]:
    """What a browser is shown: the page with the most charts, the longest one and the first; then every page."""
    every = pages_of(book)
    if request.param == "all":
        return every
    return sorted({page_of_charts(book), max(every, key=lambda page: page.stat().st_size), every[0]})


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium or Chrome executable, for tests marked `browser`."""
    path = pdf.find_browser()
    if path is None:
        pytest.skip(f"needs a browser; none of {', '.join(pdf.BROWSERS)} is on PATH")
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium without a network."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        launched = playwright.chromium.launch(executable_path=chromium, args=pdf.OFFLINE)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open pages: ``visit(path, scheme="dark", width=390, javascript=False)``; they are closed after the test.

    A ``script`` runs in the page before its own.
    """
    with visiting(browser) as open_page:
        yield open_page


@contextmanager
def visiting(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Such visits, which end with the context."""
    contexts = []

    def open_page(
        path: Path,
        scheme: str = "light",
        width: int = 1280,
        javascript: bool = True,
        query: str = "",
        script: str = "",
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if script:
            context.add_init_script(script)
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on(
            "console", lambda entry: seen.complaints.append(entry.text) if entry.type in ("error", "warning") else None
        )
        seen.page.goto(path.as_uri() + query, wait_until="load")
        if javascript:
            seen.page.wait_for_function(
                "[...document.querySelectorAll('img.vl-static')].every(picture => picture.hidden)", timeout=PATIENCE
            )
        return seen

    yield open_page
    for context in contexts:
        context.close()
