"""A tiny model of every family, and questions of different lengths about two pictures each of one size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis_lib.interventions import Rerun
from analysis_lib.models import Batch, VisionLanguageModel, prepare
from tests.unit.models.families import CASES, build
from tests.unit.models.tiny import questions_table

build_once = cache(build)


@dataclass(frozen=True)
class Runs:
    """A model's runs of the same questions about these pictures and about others."""

    vlm: VisionLanguageModel
    batch: Batch
    host: Rerun
    donor: Rerun


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three questions, two of them about one picture; and the same about other pictures of the same sizes."""
    folder: Path = tmp_path_factory.mktemp("pictures")
    table = questions_table(folder / "host", 4)
    table = table.iloc[[0, 2, 3]].assign(image=[table["image"].iloc[row] for row in (0, 2, 2)])
    others, rng = [], np.random.default_rng(7)
    for path in table["image"]:
        size = np.asarray(Image.open(path)).shape
        others.append(str(folder / f"other-{len(others)}.png"))
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(others[-1])
    return table, table.assign(image=others)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if case.also else name for name, case in CASES.items()],
)
def runs(request: pytest.FixtureRequest, tables: tuple[pd.DataFrame, pd.DataFrame]) -> Runs:
    return run_both(build_once(request.param), tables)


@pytest.fixture(scope="module")
def some(tables: tuple[pd.DataFrame, pd.DataFrame]) -> Runs:
    """One family, for what does not depend on it."""
    return run_both(build_once("llava, Llama 3"), tables)


def run_both(vlm: VisionLanguageModel, tables: tuple[pd.DataFrame, pd.DataFrame]) -> Runs:
    batches = [prepare(vlm, table) for table in tables]
    return Runs(vlm, batches[0], *(Rerun(vlm, batch) for batch in batches))
