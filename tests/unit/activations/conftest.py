"""Tiny models of both architectures under both attentions, and a padded batch of questions for each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis_lib.activations import forward_condition
from analysis_lib.models import Batch, VisionLanguageModel, load_model, prepare
from tests.unit.activations.sample_conditions import CONDITIONS, States, with_other_pixels
from tests.unit.models.tiny import KINDS, questions_table, save_tiny

# Both architectures and both attentions; the other two pairs where there is time.
PAIRS = [
    ("llava", "sdpa"),
    ("llava_next", "eager"),
    pytest.param(("llava", "eager"), marks=pytest.mark.slow),
    pytest.param(("llava_next", "sdpa"), marks=pytest.mark.slow),
]


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tiny")
    return {kind: save_tiny(folder / kind, kind) for kind in KINDS}


@pytest.fixture(scope="session", params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture(scope="session")
def kind(pair: tuple[str, str]) -> str:
    return pair[0]


@pytest.fixture(scope="session")
def attention(pair: tuple[str, str]) -> str:
    return pair[1]


@pytest.fixture(scope="session")
def vlm(tiny_folders: dict[str, Path], kind: str, attention: str) -> VisionLanguageModel:
    return load_model(tiny_folders[kind], attention=attention, device="cpu")


@pytest.fixture(scope="session")
def one_model(tiny_folders: dict[str, Path]) -> VisionLanguageModel:
    """For what does not depend on architecture or attention."""
    return load_model(tiny_folders["llava"], device="cpu")


@pytest.fixture(scope="session")
def questions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return questions_table(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def batch(vlm: VisionLanguageModel, questions: pd.DataFrame) -> Batch:
    prepared = prepare(vlm, questions)
    assert len(set(prepared.lengths.tolist())) > 1, "some prompts are padded"
    return prepared


@pytest.fixture(scope="session")
def states(vlm: VisionLanguageModel, batch: Batch) -> dict[str, States]:
    return {condition.name: forward_condition(vlm, batch, condition) for condition in CONDITIONS}


@pytest.fixture(scope="session")
def elsewhere(vlm: VisionLanguageModel, batch: Batch) -> dict[str, States]:
    """The same with random pixels in."""
    other = with_other_pixels(batch)
    return {condition.name: forward_condition(vlm, other, condition) for condition in CONDITIONS}
