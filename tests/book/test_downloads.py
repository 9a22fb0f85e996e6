"""Every executed page offers its notebook, its numbers and the table of atoms that it reads; never another run's."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from companion import data

from analysis_lib.records import write_record, write_table
from tests.book.conftest import REPOSITORY, pages_of

LARGEST = 6_000_000  # bytes of one file to download


def offered(page: Path) -> dict[str, Path]:
    """The files that the stamp's data row offers, by the ending of their name."""
    links = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select("details.provenance a[download]")
    return {Path(link["href"]).suffix: (page.parent / link["href"]).resolve() for link in links}


def test_executed_pages_offer_their_notebook_and_their_data(book: Path):
    notebooks = with_numbers = with_atoms = 0
    for path in pages_of(book):
        button = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one(
            "a.btn-download-source-button"
        )
        source = path.parent / button["href"]
        if source.suffix != ".ipynb":
            assert offered(path) == {}, path
            continue
        notebooks += 1
        notebook = nbformat.read(source, as_version=4)
        files = offered(path)
        assert files[".ipynb"] == source.resolve(), path
        assert any(cell.get("outputs") for cell in notebook.cells), path
        assert all(file.stat().st_size <= LARGEST for file in files.values()), path
        if shown := data.glued_texts(notebook):
            assert data.saved_texts(files[".json"]) == shown, path
            with_numbers += 1
        if data.reads_atoms(notebook):
            atoms = pd.read_parquet(files[".parquet"])
            csv = pd.read_csv(files.get(".csv") or files[".gz"])
            assert len(atoms) == len(csv) > 0 and list(csv.columns) == list(atoms.columns), path
            assert "replicates" not in atoms, "a hundred numbers beside each one"
            with_atoms += 1
    assert notebooks and with_numbers and with_atoms


def executed(folder: Path, source: str = "x = 1", **texts: str) -> Path:
    """An executed notebook under a root that holds its results, the glued texts as given."""
    outputs = [
        {
            "output_type": "display_data",
            "data": {"application/papermill.record/text/plain": repr(text)},
            "metadata": {"scrapbook": {"name": key}},
        }
        for key, text in texts.items()
    ]
    cell = {"cell_type": "code", "source": [source], "outputs": outputs}
    parameters = {"results": "results", "profile": "mini"}
    path = folder / "page.ipynb"
    path.write_text(json.dumps({"metadata": {"papermill": {"parameters": parameters}}, "cells": [cell]}))
    numbers = folder / "results" / "mini" / "numbers"
    saved = {key: {"value": 0, "text": text} for key, text in texts.items()}
    write_record(numbers / "page.json", {"numbers": saved}, of="page page of profile mini")
    return path


def test_numbers_of_another_run_are_not_offered(tmp_path: Path):
    page = executed(tmp_path, share="50 %", name="it's \\ 'quoted'")
    assert ".json" in data.data_row(page, tmp_path, tmp_path / "html", "..")
    numbers = tmp_path / "results" / "mini" / "numbers" / "page.json"
    saved = {key: {"value": 0, "text": "51 %"} for key in ("share", "name")}
    write_record(numbers, {"numbers": saved}, of="page page of profile mini")
    row = data.data_row(page, tmp_path, tmp_path / "other", "..")
    assert "another run" in row and "<a" not in row and not (tmp_path / "other").exists()


def test_a_page_whose_results_are_gone_says_so_and_one_without_parameters_says_nothing(tmp_path: Path):
    page = executed(tmp_path, share="50 %")
    (tmp_path / "results" / "mini" / "numbers" / "page.json").unlink()
    assert "run this page again" in data.data_row(page, tmp_path, tmp_path / "html", "..")
    page.write_text(json.dumps({"metadata": {}, "cells": []}))
    assert data.data_row(page, tmp_path, tmp_path / "html", "..") == ""


@pytest.mark.parametrize(("largest", "endings"), [(5_000_000, [".csv", ".parquet"]), (10, [".gz", ".parquet"])])
def test_a_large_table_is_compressed(tmp_path: Path, monkeypatch, largest: int, endings: list[str]):
    monkeypatch.setattr(data, "LARGEST_CSV", largest)
    page = executed(tmp_path, source="atoms = read_atoms(results, profile)")
    table = pd.DataFrame({"task": ["a", "b"], "bits": [1 / 3, 0.0]})
    write_table(table, tmp_path / "results" / "mini" / "atoms" / "model" / "both.parquet")
    row = data.data_row(page, tmp_path, tmp_path / "html", "..")
    written = sorted((tmp_path / "html" / data.FOLDER / "mini").iterdir())
    assert [path.suffix for path in written] == endings
    assert all(f"../{data.FOLDER}/mini/{path.name}" in row for path in written)
    assert pd.read_parquet(written[-1]).equals(table.assign(model="model"))


def test_nothing_published_names_a_place_on_the_machine_that_built_it(book: Path):
    """Neither pages nor notebooks nor data; of the demo book, only its own folder of results was given as a place."""
    places = [str(REPOSITORY), sys.prefix, str(Path.home()), "ipykernel_"]
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(place)}(?![\w-])" for place in places if place != "/"))
    for path in sorted(book.rglob("*")):
        if path.suffix in (".html", ".ipynb", ".json", ".js", ".csv", ".txt", ".md") and path.is_file():
            found = pattern.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{path.relative_to(book)} says {found and found.group()}"
