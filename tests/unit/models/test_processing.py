"""Processors: the model's own, complete or completed from its configuration, never in contradiction to it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis_lib.activations import extract
from analysis_lib.models import load_model, prepare
from tests.unit.models.damaged_checkpoints import copy, edit, settings
from tests.unit.models.tiny import PINPOINTS

COUNTING = ("patch_size", "vision_feature_select_strategy", "num_additional_image_tokens")
PROCESSOR, TOKENIZER = "processor_config.json", "tokenizer.json"
Fault = Callable[[Path], object]


def processor(**values: object) -> Fault:
    return lambda folder: settings(folder / PROCESSOR, **values)


def pictures(**values: object) -> Fault:
    return lambda folder: edit(folder / PROCESSOR, lambda content: content["image_processor"].update(values))


def config(**values: object) -> Fault:
    return lambda folder: settings(folder / "config.json", **values)


def swap_words(one: str, other: str) -> Fault:
    def change(content: dict) -> None:
        words = content["model"]["vocab"]
        words[one], words[other] = words[other], words[one]

    return lambda folder: edit(folder / TOKENIZER, change)


def without_image_token(folder: Path) -> None:
    def change(content: dict) -> None:
        content["model"]["vocab"].pop("<image>")
        content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] != "<image>"]

    edit(folder / TOKENIZER, change)
    settings(folder / "tokenizer_config.json", image_token=None)


def image_is_no_special_token(folder: Path) -> None:
    edit(
        folder / TOKENIZER,
        lambda content: content.update(added_tokens=[t for t in content["added_tokens"] if t["content"] != "<image>"]),
    )
    settings(folder / "tokenizer_config.json", image_token=None)


def text_of(name: str, text: str) -> Fault:
    return lambda folder: (folder / name).write_text(text)


def cut(name: str) -> Fault:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-30])


def gone(*names: str) -> Fault:
    return lambda folder: [(folder / name).unlink(missing_ok=True) for name in names]


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 1234\n"


def broken_link(name: str) -> Fault:
    return lambda folder: ((folder / name).unlink(), (folder / name).symlink_to(folder / "blobs" / "1"))


FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "another patch size": (processor(patch_size=14), ("patch_size is 14", "8")),
    "patch size as text": (processor(patch_size="8"), ("patch_size is '8'",)),
    "the other strategy": (
        processor(vision_feature_select_strategy="full"),
        ("vision_feature_select_strategy is 'full'", "'default'"),
    ),
    "no class token": (processor(num_additional_image_tokens=0), ("num_additional_image_tokens is 0", "1")),
    "a bool for a number": (processor(num_additional_image_tokens=True), ("num_additional_image_tokens is True",)),
    "no such strategy": (
        lambda folder: [change(vision_feature_select_strategy="best")(folder) for change in (config, processor)],
        ("best",),
    ),
    "another picture size": (
        pictures(crop_size={"height": 64, "width": 64}, size={"shortest_edge": 64}),
        ("64", "trial question"),
    ),
    "pictures smaller than the tower's": (pictures(size={"shortest_edge": 16}), ("size", "16", "tower for 32 pixels")),
    "a flat picture": (pictures(size={"height": 64, "width": 8}), ("size", "8", "tower for 32 pixels")),
    "no such layer of the tower": (config(vision_feature_layer=-9), ("trial question",)),
    "another class": (processor(processor_class="LlavaNextProcessor"), ("LlavaNextProcessor", "LlavaProcessor")),
    "nothing for pictures": (gone(PROCESSOR), ("processor",)),
    "no tokenizer": (gone(TOKENIZER, "tokenizer_config.json"), ("processor", TOKENIZER)),
    "no image token": (without_image_token, ("tokenizer", "<image>")),
    "image is a word in pieces": (image_is_no_special_token, ("<image>",)),
    "another image token": (
        lambda folder: settings(folder / "tokenizer_config.json", image_token="<picture>"),
        ("<picture>", "image_token"),
    ),
    "image token elsewhere": (config(image_token_index=7), ("<image> is token 4", "image_token_index 7")),
    "words beyond the vocabulary": (
        lambda folder: edit(folder / TOKENIZER, lambda content: content["model"]["vocab"].update(zebra=500)),
        ("tokens up to 500", "79"),
    ),
    "a cut tokenizer": (cut(TOKENIZER), (TOKENIZER, "JSON")),
    "a cut config": (cut("config.json"), ("config.json", "JSON")),
    "a cut processor": (cut(PROCESSOR), (PROCESSOR, "JSON")),
    "an empty tokenizer_config": (text_of("tokenizer_config.json", ""), ("tokenizer_config.json", "JSON")),
    "a list for a config": (text_of("config.json", "[]"), ("config.json", "list")),
    "deep nesting": (text_of("generation_config.json", "[" * 100_000), ("generation_config.json",)),
    "not text": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe{\x00}\x00"), ("config.json",)),
    "weights behind a broken link": (broken_link("model.safetensors"), ("model.safetensors", "leads nowhere")),
    "words behind a broken link": (broken_link(TOKENIZER), (TOKENIZER, "leads nowhere")),
    "a folder for a file": (
        lambda folder: ((folder / TOKENIZER).unlink(), (folder / TOKENIZER).mkdir()),
        (TOKENIZER, "cannot be read"),
    ),
    "quantised": (
        config(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
        ("config.json", "quantization_config"),
    ),
    "another architecture": (config(model_type="llava_next"), ("image_newline",)),
    "no architecture": (config(model_type=None), ("config.json",)),
    "an unknown architecture": (config(model_type="llavva"), ("config.json", "llavva")),
    **{f"a pointer for {name}": (text_of(name, POINTER), (name, "git lfs pull")) for name in (
        "model.safetensors", TOKENIZER, "config.json", PROCESSOR, "chat_template.jinja", "tokenizer_config.json",
    )},
}  # fmt: skip


@pytest.fixture
def folder(tiny_folders: dict[str, Path], tmp_path: Path) -> Path:
    return copy(tiny_folders["llava"], tmp_path / "model")


@pytest.mark.parametrize("name", FAULTS)
def test_files_that_do_not_fit_the_model_are_refused_by_name(name: str, folder: Path) -> None:
    fault, told = FAULTS[name]
    fault(folder)
    with pytest.raises(ValueError) as refused:
        load_model(folder, device="cpu")
    assert str(folder) in str(refused.value)
    assert [part for part in told if part not in str(refused.value)] == [], str(refused.value)


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
@pytest.mark.parametrize("missing", [*[(name,) for name in COUNTING], COUNTING])
def test_what_an_older_processor_leaves_out_is_the_models(
    kind: str, missing: tuple[str, ...], tiny_folders: dict[str, Path], tmp_path: Path, questions: pd.DataFrame
) -> None:
    folder = copy(tiny_folders[kind], tmp_path / "model")
    edit(folder / PROCESSOR, lambda content: [content.pop(name) for name in missing])
    with pytest.warns(UserWarning, match=f"leave out {', '.join(missing)}; taken from the model's configuration"):
        vlm = load_model(folder, device="cpu")
    assert tuple(vlm.assumed) == missing
    whole = load_model(tiny_folders[kind], device="cpu")
    one, other = (prepare(model, questions).inputs for model in (vlm, whole))
    assert all(torch.equal(one[name], other[name]) for name in other)
    assert not whole.assumed


def test_pinpoints_come_from_the_model_or_agree_with_it(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copy(tiny_folders["llava_next"], tmp_path / "model")
    edit(folder / PROCESSOR, lambda content: content["image_processor"].pop("image_grid_pinpoints"))
    with pytest.warns(UserWarning, match="leave out image_grid_pinpoints"):
        vlm = load_model(folder, device="cpu")
    assert vlm.processor.image_processor.image_grid_pinpoints == PINPOINTS
    pictures(image_grid_pinpoints=PINPOINTS[:2])(folder)
    with pytest.raises(ValueError, match="image_grid_pinpoints is .* config.json makes it"):
        load_model(folder, device="cpu")


def as_older_files(folder: Path) -> None:
    """The files that llava-hf's checkpoints came with before processors were saved as one."""
    whole = json.loads((folder / PROCESSOR).read_text())
    parts = whole.pop("image_processor")
    (folder / "preprocessor_config.json").write_text(json.dumps(parts | {"processor_class": whole["processor_class"]}))
    (folder / PROCESSOR).write_text(json.dumps(whole))
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    (folder / "chat_template.jinja").unlink()
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "added_tokens.json").write_text(json.dumps({"<image>": 4}))


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
def test_older_files_make_the_same_inputs(
    kind: str, tiny_folders: dict[str, Path], tmp_path: Path, questions: pd.DataFrame
) -> None:
    folder = copy(tiny_folders[kind], tmp_path / "model")
    as_older_files(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        vlm = load_model(folder, device="cpu")
    whole = load_model(tiny_folders[kind], device="cpu")
    one, other = (prepare(model, questions).inputs for model in (vlm, whole))
    assert vlm.prompt == whole.prompt
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_a_store_tells_what_was_assumed(folder: Path, questions: pd.DataFrame, tmp_path: Path) -> None:
    processor(num_additional_image_tokens=None)(folder)
    with pytest.warns(UserWarning, match="num_additional_image_tokens=1"):
        vlm = load_model(folder, device="cpu")
    extract(vlm, questions.head(1), ["baseline"], store=tmp_path / "store")
    kept = json.loads((tmp_path / "store" / "settings.json").read_text())
    assert kept["assumed"] == {"num_additional_image_tokens": 1}


TEXT_ONLY = "{% for m in messages %}USER: {{ m['content'] }} {% endfor %}ASSISTANT:"
TEMPLATES = {
    "text alone": TEXT_ONLY,
    "no picture": "{% for m in messages %}{{ m['content'][1]['text'] }}{% endfor %} ASSISTANT:",
    "no question": "USER: <image>\nASSISTANT:",
    "the picture last": "{{ messages[0]['content'][1]['text'] }} <image> ASSISTANT:",
    "two pictures": "<image><image>\n{{ messages[0]['content'][1]['text'] }} ASSISTANT:",
    "not a template": "{% for m in messages %}",
    "an error of its own": "{{ raise_exception('roles must alternate') }}",
    "capitals": "<image>\n{{ messages[0]['content'][1]['text'] | upper }} ASSISTANT:",
    "empty": "",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_chat_template_that_makes_no_prompt_is_refused_and_prompt_is_the_cure(name: str, folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(TEMPLATES[name])
    with pytest.raises(ValueError, match="chat template.*prompt=.*llava-1.5"):
        load_model(folder, device="cpu")
    assert load_model(folder, prompt="llava-1.5", device="cpu").prompt.endswith("ASSISTANT:")


def test_no_chat_template_is_refused_and_prompt_is_the_cure(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match="no chat template.*prompt=.*llava-1.5"):
        load_model(folder, device="cpu")
    assert load_model(folder, prompt="llava-1.5", device="cpu").prompt.endswith("ASSISTANT:")


def test_a_start_token_in_the_template_is_not_doubled(folder: Path, questions: pd.DataFrame) -> None:
    plain = load_model(folder, device="cpu")
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text("{{ bos_token }}" + template)
    vlm = load_model(folder, device="cpu")
    one, other = (prepare(model, questions).inputs["input_ids"] for model in (vlm, plain))
    assert torch.equal(one, other) and (one == vlm.tokenizer.bos_token_id).sum(1).tolist() == [1] * len(questions)


@pytest.mark.parametrize("prompt", ["{question} ASSISTANT:", "<image> ASSISTANT:", "", "<image>", 3, b"<image>"])
def test_a_prompt_without_its_parts_is_refused(prompt: object, tiny_folders: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="prompt"):
        load_model(tiny_folders["llava"], prompt=prompt, device="cpu")


HIDDEN_SYSTEM = (
    "{% if 'photo' in messages[0]['content'][1]['text'] %}Be brief. {% endif %}"
    "USER: <image>\n{{ messages[0]['content'][1]['text'] }} ASSISTANT:"
)
TWO_WAYS: dict[str, Fault] = {
    "a template that looks at the question": text_of("chat_template.jinja", HIDDEN_SYSTEM),
    "a generation_config that suppresses words": lambda folder: settings(
        folder / "generation_config.json", suppress_tokens=list(range(5, 70))
    ),
    "a template that rewrites the question": text_of(
        "chat_template.jinja",
        "USER: <image>\n{{ messages[0]['content'][1]['text'].replace('left', 'right') }} ASSISTANT:",
    ),
}


@pytest.mark.parametrize("name", TWO_WAYS)
def test_a_checkpoint_that_answers_in_two_ways_is_refused_with_both(name: str, folder: Path) -> None:
    TWO_WAYS[name](folder)
    with pytest.raises(ValueError, match="answers in two ways.*own generate it says.*prompt=") as refused:
        load_model(folder, device="cpu")
    assert any(question in str(refused.value) for question in ("Is the ball red?", "What is on the left"))


def test_words_in_another_order_are_another_model(folder: Path, tiny_folders: dict[str, Path]) -> None:
    swap_words("red", "blue")(folder)
    one, other = (load_model(path, device="cpu").fingerprint() for path in (folder, tiny_folders["llava"]))
    assert one != other
