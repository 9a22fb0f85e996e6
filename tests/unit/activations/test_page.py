"""The page about the store: what it says is what is written, and its snippets run."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr

from analysis_lib.activations import extract, under
from analysis_lib.models import VisionLanguageModel

STORE = "results/mini/activations/mini-llava-1.5/ChooseCat"


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "book/activation_store.md").read_text(encoding="utf-8")


@pytest.fixture
def activations(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> xr.Dataset:
    """A store where the page's reader has one; the folder is the current one."""
    monkeypatch.chdir(tmp_path)
    kept = ["baseline", "paper", "strict"]
    return extract(one_model, questions, [*kept, "strict@0-1"], store=STORE, states_of=kept)


def table(page: str, heading: str) -> list[list[str]]:
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


def test_its_snippets_open_the_store_with_and_without_this_library(page: str, activations: xr.Dataset) -> None:
    alone, labelled, library, read = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(ast.parse(alone).body) == 2 and "analysis_lib" not in alone + labelled
    found: dict[str, Any] = {}
    exec(alone, found)
    assert set(found["store"].data_vars) == set(activations.data_vars)
    exec(labelled, found)
    for row, position in enumerate(found["questions"]["position"]):
        here, there = found["store"].isel(sample=row), activations.isel(sample=position)
        assert found["questions"]["question"][row] == str(there["question"].values)
        for name in ("vision", "language", "answer_logits"):
            along = "condition" if "condition" in here[name].dims else "kept"
            one = here[name] if name == "vision" else here[name].sel({along: "strict"})
            assert (one.values == under(there, "strict")[name].values).all()
    exec(library, found)
    exec(read, found)
    assert found["activations"].load().identical(activations.load())


def test_its_tables_are_what_is_written(page: str, activations: xr.Dataset) -> None:
    described = {name: (tuple(dims.split(", ")), dtype) for name, dims, dtype, _ in table(page, "Arrays")}
    assert described == {str(name): (array.dims, str(array.dtype)) for name, array in activations.data_vars.items()}
    assert all(array.attrs.get("long_name") for array in (*activations.data_vars.values(), activations["layer"]))
    assert activations["answer_logits"].attrs["units"] == "nat"
    assert {name for name, _ in table(page, "Files")} == {path.name for path in Path(STORE).iterdir()}
