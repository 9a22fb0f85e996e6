"""The stamp and the banner: who gets one, what it says, and a command that can be run as it stands."""

import json
import re
import shlex
from pathlib import Path

import jupytext
import pytest
from companion import stamp
from nbformat.v4 import new_code_cell, new_notebook

from analysis_lib.run import read_parameters
from analysis_lib.run.__main__ import once, parse
from tests.book.conftest import REPOSITORY


def run_of(**parameters: object) -> dict:
    return {"parameters": parameters, "profile": parameters.get("profile"), "notebook": "notebooks/page.md"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"profile": "mini"}, []),
        ({"profile": "smoke"}, []),
        ({"profile": "mini", "models": None, "model": None}, []),
        ({"profile": "llava", "models": None}, None),
        ({"profile": "mine", "model": "mini-llava-1.5"}, ["mini-llava-1.5"]),
        ({"profile": "llava", "models": ["mini-llava-1.6", "llava-hf/llava-1.5-7b-hf"]}, ["mini-llava-1.6"]),
        ({"profile": "llava", "model": "llava-hf/llava-1.5-7b-hf"}, None),
        ({}, None),
    ],
)
def test_the_banner_is_for_runs_on_a_stand_in_model_only(parameters: dict, expected: list | None):
    assert stamp.stand_in_models(run_of(**parameters)) == expected
    assert bool(stamp.banner_html(run_of(**parameters))) == (expected is not None)


@pytest.mark.parametrize("notebook", sorted((REPOSITORY / "notebooks").glob("*.md")), ids=lambda path: path.stem)
def test_a_notebook_declares_that_it_needs_no_model_when_it_reads_none(notebook: Path):
    """A page about known systems must not pass for a measurement of a model, nor the other way round."""
    declared = jupytext.read(notebook).metadata.get("made_with")
    if declared is not None:
        said = stamp.banner_html({**run_of(profile="mini"), "made_with": declared})
        if declared in stamp.SHIPPED:
            of_llava = stamp.banner_html({**run_of(profile="llava-7b"), "made_with": declared})
            assert "small stand-in models" in said and said == of_llava  # whatever book it stands in
        else:
            assert "without a trained model" in said and "stand-in" not in said
        assert not re.search(r"store_folders|read_atoms|load_model", notebook.read_text())


def test_the_banner_stands_under_the_title_once():
    body = "<section><h1>One</h1><p>text</p><h1>Two</h1></section>"
    assert stamp.with_banner(body, "<b>!</b>") == "<section><h1>One</h1><b>!</b><p>text</p><h1>Two</h1></section>"
    assert stamp.with_banner("<p>no title</p>", "<b>!</b>").startswith("<b>!</b>")


def test_markup_in_parameters_and_model_names_is_text():
    run = run_of(profile="mini", model="mini-<script>", note="<img src=x>")
    assert "<script>" not in stamp.banner_html(run)
    assert "<img" not in "".join(text for _, text in stamp._run_rows(run))


def test_the_command_of_a_stamp_gives_the_runner_the_same_parameters():
    cell = """
profile: str = "x"  # a word
tasks: list[str] = []  # several
seed: int = 0  # a number
note: str = ""  # a sentence
limit: int | None = 5  # maybe a number
rate: float = 1.0  # a fraction
flag: bool = False  # a truth
"""
    declared = read_parameters(new_notebook(cells=[new_code_cell(cell, metadata={"tags": ["parameters"]})]))
    parameters = {
        "profile": "mini", "tasks": ["A b", "C"], "seed": 3, "note": "it's", "limit": None, "rate": 1e-3, "flag": True,
    }  # fmt: skip
    command = shlex.split(stamp.command_of(run_of(**parameters)))
    assert command[:4] == ["python", "-m", "analysis_lib.run", "notebooks/page.md"]
    given = once(parse(command[3:]).parameter)
    assert {name: declared[name].read(text) for name, text in given.items()} == parameters


def test_a_plain_papermill_run_gets_a_stamp_as_well(tmp_path: Path):
    notebook = tmp_path / "page.ipynb"
    record = {"parameters": {"profile": "smoke"}, "duration": 2.5, "start_time": "2026-01-01", "input_path": "page.md"}
    notebook.write_text(json.dumps({"metadata": {"papermill": record}, "cells": []}))
    run = stamp.notebook_run(notebook)
    assert (run["profile"], run["seconds"], run["notebook"]) == ("smoke", 2.5, "page.md")
