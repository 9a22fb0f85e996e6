"""The registry of families: each loads with a processor of its own, and what is not known is refused with what is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from transformers import MllamaConfig, PaliGemmaConfig, Qwen2Config

from analysis_lib.activations import extract
from analysis_lib.activations.decoder import picture_tokens
from analysis_lib.models import load_model, prepare
from analysis_lib.models.families import FAMILIES, REFUSED, families_table
from analysis_lib.models.images import picture_size
from analysis_lib.models.reach import reaches
from tests.unit.models.damaged_checkpoints import edit, settings
from tests.unit.models.families import CASES, build, save

WHOLE = {case.family: name for name, case in reversed(CASES.items()) if case.whole}


@pytest.mark.parametrize("name", WHOLE.values(), ids=WHOLE)
def test_a_checkpoint_of_every_family_loads_and_answers_as_its_own_generate_does(
    name: str, tmp_path: Path, questions: pd.DataFrame
) -> None:
    vlm = load_model(save(name, tmp_path / "model"), device="cpu")  # which asks two questions both ways
    assert vlm.family == FAMILIES[CASES[name].family] and not vlm.assumed
    made = build(name)
    assert vlm.prompt == made.prompt
    one, other = (prepare(each, questions).inputs for each in (vlm, made))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    texts = [vlm.prompt.replace("{question}", question) for question in questions["question"]]
    plain = [len(ids) for ids in vlm.tokenizer(texts)["input_ids"]]
    counted = picture_tokens(vlm, [picture_size(path) for path in questions["image"]])
    assert [text - 1 + picture for text, picture in zip(plain, counted, strict=True)] == prepare(
        vlm, questions
    ).lengths.tolist()
    found = extract(vlm, questions, ["baseline", "strict"])
    assert found["vision"].shape == (len(questions), vlm.n_layers + 1, vlm.hidden_size)


@pytest.mark.parametrize(
    "family", [family for family, name in WHOLE.items() if FAMILIES[family].expected(build(name).model)[0]]
)
def test_a_processor_that_counts_otherwise_is_refused(family: str, tmp_path: Path) -> None:
    folder = save(WHOLE[family], tmp_path / "model")
    counting, _ = FAMILIES[family].expected(build(WHOLE[family]).model)
    name, value = next(iter(counting.items()))
    settings(folder / "processor_config.json", **{name: value + 1})
    with pytest.raises(ValueError, match=f"{name} is {value + 1}, but the model's config.json makes it {value}"):
        load_model(folder, device="cpu")
    if family == "gemma3":  # whose processor writes its pictures' tokens once, when it is made
        return
    edit(folder / "processor_config.json", lambda content: content.pop(name))
    with pytest.warns(UserWarning, match=f"leave out {name}"):
        assert load_model(folder, device="cpu").assumed == {name: value}


def test_a_prompt_says_image_whatever_the_family_writes(tmp_path: Path) -> None:
    folder = save(WHOLE["internvl"], tmp_path / "model")
    vlm = load_model(folder, prompt="USER: look <image>\n{question} ASSISTANT:", device="cpu")
    assert vlm.prompt == "USER: look <IMG_CONTEXT>\n{question} ASSISTANT:"


def test_a_control_token_of_the_family_in_a_question_is_refused(questions: pd.DataFrame) -> None:
    vlm = build(WHOLE["internvl"])
    table = questions.assign(question=[f"{question} <IMG_CONTEXT>" for question in questions["question"]])
    with pytest.raises(ValueError, match="control tokens <IMG_CONTEXT>"):
        prepare(vlm, table)


def test_an_unknown_family_is_refused_with_the_known_ones_and_how_to_add_it(tmp_path: Path) -> None:
    Qwen2Config().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"is a qwen2 model; supported are {', '.join(FAMILIES)}. .*models/families"):
        load_model(tmp_path)


@pytest.mark.parametrize("config", [MllamaConfig, PaliGemmaConfig])
def test_a_family_that_cannot_be_supported_is_refused_with_the_reason(config: type, tmp_path: Path) -> None:
    config().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="not supported: ") as refused:
        load_model(tmp_path)
    assert REFUSED[config.model_type] in str(refused.value)


def test_layers_that_read_in_another_way_are_refused() -> None:
    config = Qwen2Config(num_hidden_layers=2, use_sliding_window=True, sliding_window=8, max_window_layers=1)
    assert [reach.window for reach in reaches(config, False)] == [None, 8]
    config.layer_types = ["full_attention", "chunked_attention"]
    with pytest.raises(ValueError, match="layers of chunked_attention; knockouts know full_attention"):
        reaches(config, False)


def test_the_book_lists_the_families_as_the_registry_does() -> None:
    page = Path(__file__).parents[3] / "book" / "fork_model.md"
    assert families_table() in page.read_text(encoding="utf-8"), f"put this into the page:\n{families_table()}"
