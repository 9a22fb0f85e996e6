"""The whole book as one PDF: every page printed by a browser, in the order of the contents, links between them kept.

``python book/_ext/companion/pdf.py _build/html _build/book.pdf`` needs Chromium or Chrome, pypdf and Playwright (which
drives the browser that is there and brings none). Nothing is fetched: pages are read from disk.
"""

import shutil
import sys
from html import escape
from io import BytesIO
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No name resolves, so nothing can be reached; the rest keeps the browser from trying.
OFFLINE = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND",
]  # fmt: skip
DRAWN = "[...document.querySelectorAll('img.vl-static')].every(picture => picture.hidden)"
FOOT = (
    '<div style="font: 8px sans-serif; width: 100%; margin: 0 15mm; display: flex; justify-content: space-between">'
    '<span>{title}</span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)
MARGINS = {"top": "14mm", "bottom": "16mm", "left": "15mm", "right": "15mm"}


def find_browser() -> str | None:
    """The path of a Chromium or Chrome, if there is one."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def pages_in_order(html: Path) -> dict[Path, str]:
    """Every page of a built book and its title, first page first, as the sidebar lists them.

    Raises ``FileNotFoundError`` where no book has been built.
    """
    index = html / "index.html"
    if not index.is_file():
        raise FileNotFoundError(f"there is no built book in {html}; `make book` builds one")
    # The index is a redirect to the first page, whose sidebar holds the contents.
    refresh = BeautifulSoup(index.read_text(encoding="utf-8"), "html.parser").select_one("meta[http-equiv=Refresh]")
    first = html / str(refresh["content"]).partition("url=")[2]
    page = BeautifulSoup(first.read_text(encoding="utf-8"), "html.parser")
    titles = {first.resolve(): page.h1.get_text().rstrip("#").strip()}
    for link in page.select("nav.bd-links a.reference.internal"):
        path = (first.parent / urldefrag(str(link["href"])).url).resolve() if link["href"] != "#" else first.resolve()
        titles.setdefault(path, link.get_text().strip())
    return titles


def print_book(html: Path, target: Path) -> int:
    """Print a built book into one PDF with an outline; returns the number of sheets.

    Raises ``FileNotFoundError`` where there is no book or no browser.
    """
    browser, titles = find_browser(), pages_in_order(html)
    if browser is None:
        raise FileNotFoundError(f"a PDF needs a browser; none of {', '.join(BROWSERS)} is on PATH")
    writer, first_sheet = PdfWriter(), {}
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser, args=OFFLINE)
        page = launched.new_page(color_scheme="light")
        for path, title in titles.items():
            page.goto(path.as_uri(), wait_until="load")
            page.wait_for_function(DRAWN)
            page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            foot = FOOT.format(title=escape(title))
            sheets = page.pdf(
                format="A4", scale=0.75, margin=MARGINS, display_header_footer=True, header_template="<span></span>",
                footer_template=foot,
            )  # fmt: skip
            first_sheet[path.as_uri()] = len(writer.pages)
            writer.append(BytesIO(sheets), outline_item=title)
        launched.close()
    for sheet in writer.pages:
        keep_links(sheet, writer, first_sheet)
    target.parent.mkdir(parents=True, exist_ok=True)
    writer.write(target)
    return len(writer.pages)


def keep_links(sheet: DictionaryObject, writer: PdfWriter, first_sheet: dict[str, int]) -> None:
    """Turn links between pages of the book into links inside the PDF, and drop those to files beside it."""
    kept = ArrayObject()
    for reference in sheet.get("/Annots", ()):
        link = reference.get_object()
        address = urldefrag(str(link.get("/A", {}).get("/URI", ""))).url
        if address in first_sheet:
            place = ArrayObject([writer.pages[first_sheet[address]].indirect_reference, NameObject("/Fit")])
            del link["/A"]
            link[NameObject("/Dest")] = place
        if address in first_sheet or urlsplit(address).scheme != "file":
            kept.append(reference)
    sheet[NameObject("/Annots")] = kept


def main(arguments: list[str]) -> int:
    """Command line: the folder of the built book and the file to write."""
    html, target = (Path(argument) for argument in arguments)
    try:
        sheets = print_book(html, target)
    except FileNotFoundError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{target}: {sheets} sheets\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
