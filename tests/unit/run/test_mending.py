"""What is damaged is found before anything is planned, and no more is taken away than has to be made again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis_lib.activations import open_activations
from analysis_lib.digests import file_digest
from analysis_lib.records import write_record, write_table
from analysis_lib.run.mending import mend
from analysis_lib.stores import atoms_label, digest
from tests.unit.activations import small
from tests.unit.activations.folders import contents
from tests.unit.activations.small import write_small


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_small(tmp_path / "store", made_by="workflow")
    of = atoms_label(tmp_path / "store")
    write_table(pd.DataFrame({"bits": [1.0, 2.0]}), tmp_path / "table.parquet", of=of)
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": []}))
    write_record(tmp_path / "page.json", {"numbers": {}}, of="page page of profile mini")
    return tmp_path


def mended(results: Path, only_say: bool = False) -> list[str]:
    pages = [(results / "page.ipynb", results / "page.json")]
    return list(mend([results / "store"], [results / "table.parquet"], pages, only_say=only_say))


def flip(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 4]) + whole[len(whole) // 2 + 1 :])


GOES = {
    "store/activations.zarr/vision/c/0/0/0": ["store/manifest.json"],
    "store/activations.zarr/vision/zarr.json": ["store/manifest.json"],
    "store/questions.parquet": ["store/manifest.json"],
    "store/settings.json": ["store/manifest.json"],
    "store/progress.json": ["store/manifest.json"],
    "store/manifest.json": ["store/manifest.json"],
    "store/about.json": ["store/manifest.json"],
    "store/pixel_dependence.parquet": ["store/manifest.json"],
    "table.parquet": ["table.parquet"],
    "page.json": ["page.ipynb", "page.json"],
}


def test_what_is_whole_stays(results: Path) -> None:
    before = contents(results)
    assert mended(results) == [] and contents(results) == before


@pytest.mark.parametrize("name", GOES)
@pytest.mark.parametrize("harm", [flip, lambda path: path.write_bytes(b"")], ids=["a bit", "emptied"])
def test_no_more_goes_than_has_to_be_made_again(results: Path, name: str, harm: Callable[[Path], object]) -> None:
    harm(results / name)
    before = contents(results)
    assert any(Path(name).name in line for line in mended(results, only_say=True)) and contents(results) == before
    mended(results)
    assert sorted(before.keys() - contents(results).keys()) == GOES[name]
    if name.startswith("store"):
        write_small(results / "store", replace=True, made_by="workflow")
        open_activations(results / "store")
        assert mended(results) == []


def test_a_cut_page_goes_with_its_numbers(results: Path) -> None:
    (results / "page.ipynb").write_text('{"cells": [')
    assert mended(results)[0].startswith(str(results / "page.ipynb"))
    assert not (results / "page.ipynb").exists() and not (results / "page.json").exists()


def test_a_table_of_another_store_goes(results: Path) -> None:
    write_table(pd.DataFrame({"bits": [3.0]}), results / "table.parquet", of="atoms of activation store 0")
    (line,) = mended(results)
    assert "belongs to atoms of activation store 0, not to" in line and not (results / "table.parquet").exists()


@pytest.mark.parametrize("state", ["unfinished", "somebody's"])
def test_what_is_no_finished_store_is_left_alone(results: Path, state: str) -> None:
    if state == "unfinished":
        (results / "store" / "manifest.json").unlink()
    else:
        for name in ("settings.json", "progress.json", "manifest.json"):
            (results / "store" / name).write_text("{}")
    before = contents(results)
    assert mended(results) == [] and contents(results) == before


def test_an_edited_picture_is_noticed_and_a_lost_one_tells_nothing(
    results: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = small.questions().assign(image=[str(tmp_path / f"{i}.png") for i in range(small.N_SAMPLES)])
    for i, path in enumerate(table["image"]):
        Image.fromarray(np.full((2, 2, 3), i, np.uint8)).save(path)
    monkeypatch.setattr(small, "questions", lambda: table)

    def shown(rows: pd.DataFrame) -> str:
        return digest([file_digest(path) for path in rows["image"]])

    write_small(results / "store", seed=1, replace=True, made_by="workflow", pictures=shown)
    (results / "table.parquet").unlink()
    assert mended(results) == []
    Path(table["image"][0]).unlink()
    assert mended(results) == []
    Image.fromarray(np.full((2, 2, 3), 99, np.uint8)).save(table["image"][3])
    (line,) = mended(results)
    assert "pictures of samples 0 to 1 are not what they were" in line


def test_looking_for_damage_needs_no_pandas(results: Path) -> None:
    """It is done before every run, of which pandas would take longer to load than all of it takes."""
    code = (
        "import sys; from pathlib import Path; from analysis_lib.run.mending import to_mend; "
        "print(*to_mend([Path('store')], [Path('table.parquet')], []), 'pandas' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=results, env=environment, text=True).split() == ["False"]
