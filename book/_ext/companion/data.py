"""The data behind a page: its numbers, and the table of atoms where it reads one, to download beside its notebook."""

import ast
import json
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from analysis_lib.results import NUMBERS

FOLDER = "_downloads/data"
# Above this many bytes a table's CSV is offered compressed: a book is carried around.
LARGEST_CSV = 5_000_000
READS_ATOMS = re.compile(r"\bread_atoms\(")


def data_row(notebook: Path, root: Path, built: Path, to_top: str) -> str:
    """Links to the data of an executed notebook, copied into the built book; empty for a page without data.

    ``root`` is the folder that the run's ``results`` counts from, ``built`` that of the HTML, ``to_top`` the way from
    the page to it, for instance ``../..``. Numbers of another run than the page shows are not offered: somebody has run
    the notebook again without building the book.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    parameters = content.get("metadata", {}).get("papermill", {}).get("parameters", {})
    if not {"results", "profile"} <= parameters.keys():
        return ""
    folder = root / str(parameters["results"]) / str(parameters["profile"])
    numbers = folder / NUMBERS.format(page=notebook.stem)
    shown = glued_texts(content)
    if shown and (not numbers.is_file() or saved_texts(numbers) != shown):
        return "not offered: the results hold the numbers of another run; run this page again"
    target = built / FOLDER / folder.name
    target.mkdir(parents=True, exist_ok=True)
    files = [(f"notebook as run, {notebook.suffix}", f"_sources/{notebook.resolve().relative_to(root.resolve())}")]
    if shown:
        (target / numbers.name).write_bytes(numbers.read_bytes())
        files.append(("numbers, .json", f"{FOLDER}/{folder.name}/{numbers.name}"))
    if reads_atoms(content):
        files += [
            (f"table of atoms, {name.suffix}", f"{FOLDER}/{folder.name}/{name.name}")
            for name in write_atoms(folder, target)
        ]
    return ", ".join(f'<a download href="{escape(to_top)}/{escape(file)}">{escape(text)}</a>' for text, file in files)


def glued_texts(notebook: dict[str, Any]) -> dict[str, str]:
    """The numbers that a page shows: key -> text, as `Numbers.glue` put them into the executed notebook."""
    texts = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name is not None:
                # Glue keeps the representation of a text, quotes included.
                texts[name] = ast.literal_eval(output["data"]["application/papermill.record/text/plain"])
    return texts


def saved_texts(numbers: Path) -> dict[str, str]:
    """The same, as the results hold them."""
    from analysis_lib.report.page.numbers import read_numbers

    return {key: entry["text"] for key, entry in read_numbers(numbers).items()}


def reads_atoms(notebook: dict[str, Any]) -> bool:
    """Whether a cell reads the table of atoms."""
    code = ("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    return any(READS_ATOMS.search(source) for source in code)


@cache
def write_atoms(folder: Path, target: Path) -> tuple[Path, ...]:
    """Write the atoms of a profile, all models and tasks in one table, once for all pages; return the files.

    Bootstrap replicates are left out: a hundred numbers beside each one would make a heavy download of a light table.
    """
    from analysis_lib.report.page.tables import without_formulas
    from analysis_lib.results import read_atoms

    atoms = read_atoms(folder.parent, folder.name).drop(columns="replicates", errors="ignore")
    parquet, csv = target / "atoms.parquet", target / "atoms.csv"
    atoms.to_parquet(parquet, index=False)
    atoms = without_formulas(atoms)
    atoms.to_csv(csv, index=False, float_format="%.6g")
    if csv.stat().st_size <= LARGEST_CSV:
        return parquet, csv
    csv.unlink()
    compressed = target / "atoms.csv.gz"
    atoms.to_csv(compressed, index=False, float_format="%.6g")
    return parquet, compressed
