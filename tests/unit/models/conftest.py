"""Tiny models on disk, built once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.models import VisionLanguageModel, load_model
from tests.unit.models.tiny import KINDS, questions_table, save_tiny


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    return {kind: save_tiny(folder / kind, kind) for kind in KINDS}


@pytest.fixture(scope="session", params=KINDS)
def tiny(request: pytest.FixtureRequest, tiny_folders: dict[str, Path]) -> VisionLanguageModel:
    return load_model(tiny_folders[request.param], device="cpu")


@pytest.fixture(scope="session")
def questions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return questions_table(tmp_path_factory.mktemp("pictures"))
