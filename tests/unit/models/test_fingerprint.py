"""What tells a model from another: every value of every weight, and all that makes inputs of questions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analysis_lib.activations import extract
from analysis_lib.models import VisionLanguageModel, load_model, prepare
from tests.unit.models.damaged_checkpoints import copy, edit, with_tensors
from tests.unit.models.tiny import save_tiny


@pytest.fixture(scope="module")
def one(tiny_folders: dict[str, Path]) -> VisionLanguageModel:
    return load_model(tiny_folders["llava"], device="cpu")


def test_the_fingerprint_is_the_checkpoints_wherever_it_lies(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    here = load_model(tiny_folders["llava"], device="cpu").fingerprint()
    shutil.copytree(tiny_folders["llava"], tmp_path / "moved")
    assert load_model(tmp_path / "moved", device="cpu").fingerprint() == here
    assert load_model(save_tiny(tmp_path / "other", "llava", seed=1), device="cpu").fingerprint() != here
    assert load_model(tiny_folders["llava_next"], device="cpu").fingerprint() != here


@pytest.mark.gpu
def test_the_fingerprint_is_the_same_on_a_gpu(tiny_folders: dict[str, Path]) -> None:
    here, there = (load_model(tiny_folders["llava"], device=device) for device in ("cpu", "cuda"))
    there.model.to(next(here.model.parameters()).dtype)
    assert there.fingerprint() == here.fingerprint()


@pytest.mark.parametrize("part", ["vision_tower", "multi_modal_projector", "language_model", "lm_head"])
def test_the_fingerprint_notices_another_value_in_any_part(tiny_folders: dict[str, Path], part: str) -> None:
    vlm = load_model(tiny_folders["llava"], device="cpu")
    before = vlm.fingerprint()
    weight = next(weight for name, weight in vlm.model.named_parameters() if part in name and weight.ndim == 2)
    with torch.no_grad():
        weight.mul_(1.001)
    assert vlm.fingerprint() != before


@given(data=st.data())
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_notices_any_value_of_any_weight(one: VisionLanguageModel, data: st.DataObject) -> None:
    """By the least change a number can make, in memory, by whatever way; undone, the model is the old one."""
    before, held = one.fingerprint(), one.model.state_dict()
    weight = held[data.draw(st.sampled_from(sorted(held)))].view(-1)
    place = data.draw(st.integers(0, len(weight) - 1))
    old = weight[place].clone()
    weight[place] = torch.nextafter(old, torch.tensor(float("inf")))
    changed = one.fingerprint()
    weight[place] = old
    assert changed != before == one.fingerprint()


def test_it_notices_values_that_changed_places(one: VisionLanguageModel) -> None:
    before, weight = one.fingerprint(), one.model.lm_head.weight.data
    weight[[3, 4]] = weight[[4, 3]]
    changed = one.fingerprint()
    weight[[3, 4]] = weight[[4, 3]]
    assert changed != before == one.fingerprint()


def test_running_the_model_changes_nothing(one: VisionLanguageModel, questions: pd.DataFrame) -> None:
    before = one.fingerprint()
    one.model(**prepare(one, questions).inputs)
    one.tokenizer(["a", "a b"], padding="max_length", truncation=True, max_length=9)
    assert one.fingerprint() == before


def one_weight(folder: Path) -> None:
    def change(held: dict[str, torch.Tensor]) -> None:
        held["language_model.model.layers.2.mlp.up_proj.weight"][17, 5] += 1e-3

    with_tensors(change)(folder)


def template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text().replace("ASSISTANT:", "ASSISTANT: "))


def two_words(folder: Path) -> None:
    def change(content: dict) -> None:
        words = content["model"]["vocab"]
        words["kite"], words["tent"] = words["tent"], words["kite"]

    edit(folder / "tokenizer.json", change)


def picture_mean(folder: Path) -> None:
    edit(folder / "processor_config.json", lambda content: content["image_processor"].update(image_mean=[0.4] * 3))


def configuration(folder: Path) -> None:
    edit(folder / "config.json", lambda content: content["text_config"].update(rms_norm_eps=1e-3))


EDITS: list[Callable[[Path], None]] = [one_weight, template, two_words, picture_mean, configuration]


@pytest.fixture(scope="module")
def store(one: VisionLanguageModel, questions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two questions as the checkpoint answered them before any edit."""
    folder = tmp_path_factory.mktemp("edited") / "store"
    extract(one, questions.head(2), ["baseline"], store=folder)
    return folder


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_checkpoint_is_another_and_gets_no_store_of_the_old_one(
    change: Callable[[Path], None],
    one: VisionLanguageModel,
    store: Path,
    tiny_folders: dict[str, Path],
    questions: pd.DataFrame,
    tmp_path: Path,
) -> None:
    folder = copy(tiny_folders["llava"], tmp_path / "model")
    change(folder)
    new = load_model(folder, device="cpu")
    assert new.fingerprint() != one.fingerprint()
    with pytest.raises(ValueError, match="fingerprint"):
        extract(new, questions.head(2), ["baseline"], store=store)
