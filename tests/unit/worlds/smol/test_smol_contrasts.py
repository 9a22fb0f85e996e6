"""Pictures that differ in one thing's colour alone, balanced so that guessing is right in a tenth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis_lib.worlds.smol.color_contrasts import write_color_contrasts
from analysis_lib.worlds.smol.things import COLORS, NAMES, NATURAL


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return write_color_contrasts(tmp_path_factory.mktemp("block"), 3)


def test_every_color_is_shown_as_often_as_natural_and_as_contrary_one(block: pd.DataFrame) -> None:
    for _, some in block.groupby(["task", "is_natural"]):
        assert sorted(some["answer"]) == sorted(COLORS) == sorted(some["natural"])
    assert (block["natural"] != block["contrary"]).all() and block["question_id"].is_unique
    named = block["thing"].map(lambda thing: COLORS[NATURAL[NAMES.index(thing)]])
    assert (named == block["natural"]).all()


def test_a_pair_of_pictures_differs_where_one_thing_stands(block: pd.DataFrame) -> None:
    for thing, rows in block[block["task"] == "QueryAttr"].groupby("thing"):
        one, other = (np.asarray(Image.open(path), dtype=int) for path in rows["image"])
        changed = np.argwhere((one != other).any(-1))
        assert len(changed) > 100, thing
        assert (np.ptp(changed, axis=0) <= 50).all(), f"more than the {thing} has changed"
        assert rows["question"].nunique() == 1


def test_blocks_share_no_thing_and_there_are_ten(block: pd.DataFrame, tmp_path: Path) -> None:
    assert not set(block["thing"]) & set(write_color_contrasts(tmp_path, 4)["thing"])
    with pytest.raises(ValueError, match="blocks 0 to 9"):
        write_color_contrasts(tmp_path, 10)
