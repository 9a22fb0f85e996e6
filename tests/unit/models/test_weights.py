"""Weights: all of them and nothing else, whole, finite, in floating point, or a refusal that names file and tensor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from analysis_lib.models import load_model
from tests.unit.models.damaged_checkpoints import (
    INDEX,
    WEIGHTS,
    copy,
    edit,
    renamed,
    settings,
    shard,
    tensors,
    with_tensors,
)

Fault = Callable[[Path], object]
ANY = "language_model.model.layers.1.mlp.up_proj.weight"


def without(part: str) -> Fault:
    return with_tensors(lambda held: {name: value for name, value in held.items() if part not in name})


def replaced(name: str, value: Callable[[torch.Tensor], torch.Tensor]) -> Fault:
    return with_tensors(lambda held: held.update({name: value(held[name]).contiguous()}))


def text_config(**values: object) -> Fault:
    return lambda folder: edit(folder / "config.json", lambda config: config["text_config"].update(values))


def vision_config(**values: object) -> Fault:
    return lambda folder: edit(folder / "config.json", lambda config: config["vision_config"].update(values))


def one_value(number: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(value: torch.Tensor) -> torch.Tensor:
        value = value.clone()
        value.view(-1)[value.numel() // 2] = number
        return value

    return change


def cut(name: str, keep: float) -> Fault:
    def fault(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * keep)])

    return fault


def flip_header(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[20] ^= 0x80
    (folder / WEIGHTS).write_bytes(bytes(content))


def too_large(folder: Path) -> None:
    """Every value is finite, but products of queries and keys are not."""
    huge = ("q_proj.weight", "k_proj.weight")
    with_tensors(lambda held: {name: value * 1e30 if name.endswith(huge) else value for name, value in held.items()})(
        folder
    )


def pickled_only(folder: Path) -> None:
    torch.save(tensors(folder), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def sharded(change: Callable[[Path, list[str]], object]) -> Fault:
    return lambda folder: change(folder, shard(folder))


def twice(folder: Path, files: list[str]) -> None:
    one, other = (load_file(folder / file) for file in files[:2])
    save_file(other | {next(iter(one)): next(iter(one.values()))}, folder / files[1], metadata={"format": "pt"})


def in_two_places(folder: Path, files: list[str]) -> None:
    twice(folder, files)
    (folder / INDEX).unlink()
    (folder / files[0]).rename(folder / WEIGHTS)


def index(**where: str | None) -> Callable[[Path, list[str]], None]:
    def change(folder: Path, files: list[str]) -> None:
        edit(folder / INDEX, lambda content: content["weight_map"].update(where))

    return change


FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "no projector": (without("multi_modal_projector"), ("lack", "multi_modal_projector.linear_1.bias")),
    "no vision tower": (without("vision_tower"), ("lack", "vision_tower.embeddings.class_embedding", "more")),
    "no head": (without("lm_head"), ("lack", "lm_head.weight")),
    "no final norm": (without("language_model.model.norm"), ("lack", "language_model.norm.weight")),
    "no layer": (without("layers.3"), ("lack", "layers.3")),
    "one bias gone": (without("layers.1.self_attn.q_proj.bias"), ("lack", "encoder.layers.1.self_attn.q_proj.bias")),
    "the language model alone": (
        with_tensors(lambda held: {name: value for name, value in held.items() if name.startswith("language_model")}),
        ("lack", "vision_tower"),
    ),
    "another project's names": (
        renamed(lambda name: name.replace("multi_modal_projector", "mm_projector").replace("language_model.", "")),
        ("no place for", "mm_projector", "lack"),
    ),
    "one name too many": (
        with_tensors(lambda held: held.update({"adapter.down.weight": torch.ones(2, 2)})),
        ("no place for adapter.down.weight",),
    ),
    "fewer layers": (text_config(num_hidden_layers=3), ("no place for", "layers.3")),
    "more layers": (text_config(num_hidden_layers=6), ("lack", "layers.4")),
    "more layers of the tower": (vision_config(num_hidden_layers=4), ("lack", "encoder.layers.2")),
    "wider vocabulary": (text_config(vocab_size=4096), ("shapes differ", "embed_tokens", "4096")),
    "wider": (text_config(hidden_size=64), ("shapes differ", "lm_head.weight ((79, 32) in the files, (79, 64)")),
    "narrower feed-forward": (text_config(intermediate_size=24), ("shapes differ", "mlp")),
    "fewer heads for keys": (text_config(num_key_value_heads=1), ("shapes differ", "k_proj")),
    "another patch": (vision_config(patch_size=4), ("shapes differ", "patch_embedding")),
    "impossible heads": (text_config(num_attention_heads=5, head_dim=None), ("config.json",)),
    "no such activation": (text_config(hidden_act="swish-swash"), ("config.json", "swish-swash")),
    "a transposed matrix": (replaced(ANY, lambda value: value.T), ("shapes differ", "up_proj", "(32, 48)", "(48, 32)")),
    "a row too few": (replaced(ANY, lambda value: value[:-1]), ("shapes differ", "up_proj")),
    "int8": (replaced(ANY, lambda value: (value * 100).to(torch.int8)), (WEIGHTS, "up_proj.weight (I8)")),
    "int64": (replaced(ANY, lambda value: value.long()), (WEIGHTS, "up_proj.weight (I64)")),
    "bool": (replaced(ANY, lambda value: value > 0), (WEIGHTS, "up_proj.weight (BOOL)")),
    "float8": (replaced(ANY, lambda value: value.to(torch.float8_e4m3fn)), (WEIGHTS, "up_proj.weight (F8_E4M3)")),
    "NaN": (replaced(ANY, one_value(float("nan"))), ("not finite", "layers.1.mlp.up_proj.weight")),
    "infinity": (replaced(ANY, one_value(float("inf"))), ("not finite", "layers.1.mlp.up_proj.weight")),
    "minus infinity in a bias": (
        replaced("multi_modal_projector.linear_1.bias", one_value(float("-inf"))),
        ("not finite", "multi_modal_projector.linear_1.bias"),
    ),
    "a matrix of zeros": (replaced(ANY, torch.zeros_like), ("all zero", "layers.1.mlp.up_proj.weight")),
    "a norm of zeros": (
        replaced("language_model.model.norm.weight", torch.zeros_like),
        ("all zero", "language_model.norm.weight"),
    ),
    "too large to compute with": (too_large, ("logits that are not finite",)),
    "cut in the header": (cut(WEIGHTS, 0.01), (WEIGHTS, "cut off or damaged")),
    "cut in the middle": (cut(WEIGHTS, 0.5), (WEIGHTS, "cut off or damaged")),
    "cut by one byte": (cut(WEIGHTS, 0.999999), (WEIGHTS, "cut off or damaged")),
    "empty": (cut(WEIGHTS, 0), (WEIGHTS, "cut off or damaged")),
    "a bit of the header": (flip_header, (WEIGHTS,)),
    "a web page": (lambda folder: (folder / WEIGHTS).write_text("<html>404</html>" * 99), (WEIGHTS, "damaged")),
    "nothing but a pickle": (pickled_only, ("pytorch_model.bin", "safetensors")),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), (WEIGHTS, INDEX)),
    "a folder in its place": (
        lambda folder: ((folder / WEIGHTS).unlink(), (folder / WEIGHTS).mkdir()),
        (WEIGHTS,),
    ),
    "a shard gone": (sharded(lambda folder, files: (folder / files[1]).unlink()), ("model-00002-of-00003", "missing")),
    "a shard cut": (
        sharded(lambda folder, files: cut(files[2], 0.7)(folder)),
        ("model-00003-of-00003", "cut off or damaged"),
    ),
    "one shard twice": (
        sharded(lambda folder, files: (folder / files[0]).write_bytes((folder / files[1]).read_bytes())),
        ("model-00001-of-00003", "index expects"),
    ),
    "a tensor in two shards": (sharded(twice), ("model-00002-of-00003", "index expects")),
    "an index of names that are nowhere": (
        sharded(index(**{"language_model.model.layers.9.gone": "model-00001-of-00003.safetensors"})),
        ("model-00001-of-00003", "layers.9.gone"),
    ),
    "an index that leads out": (sharded(index(x="../other/model.safetensors")), (INDEX, "../other")),
    "an index without a map": (
        sharded(lambda folder, files: (folder / INDEX).write_text(json.dumps({"metadata": {}}))),
        (INDEX, "weight_map"),
    ),
    "an index that is cut": (sharded(lambda folder, files: cut(INDEX, 0.5)(folder)), (INDEX, "JSON")),
    "a shard in place of all": (sharded(in_two_places), ("lack",)),
    "an adapter beside": (lambda folder: (folder / "adapter_config.json").write_text("{}"), ("adapter_config.json",)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_unfit_weights_are_refused_by_name(name: str, tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    fault, told = FAULTS[name]
    folder = copy(tiny_folders["llava"], tmp_path / "model")
    fault(folder)
    with pytest.raises(ValueError) as refused:
        load_model(folder, device="cpu")
    assert str(folder) in str(refused.value)
    assert [part for part in told if part not in str(refused.value)] == [], str(refused.value)


def test_more_than_float16_holds_is_refused_in_float16_alone(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copy(tiny_folders["llava"], tmp_path / "model")
    replaced(ANY, one_value(1e5))(folder)
    assert load_model(folder, device="cpu").n_layers
    with pytest.raises(ValueError, match="not finite.*up_proj.*load it in bfloat16 or float32"):
        load_model(folder, dtype="float16", device="cpu")


def hub_layout(name: str) -> str:
    """As llava-hf's checkpoints name their tensors."""
    return name.replace("vision_tower", "vision_tower.vision_model")


def module_layout(name: str) -> str:
    """As the modules are called now."""
    name = name.replace("language_model.lm_head", "lm_head").replace("language_model.model", "language_model")
    return name if name.startswith("lm_head") else f"model.{name}"


in_double = with_tensors(lambda held: {name: value.double() for name, value in held.items()})


def with_buffers(folder: Path) -> None:
    """What versions of some years ago stored beside the weights."""
    rotation = {f"language_model.model.layers.{n}.self_attn.rotary_emb.inv_freq": torch.rand(4) for n in range(4)}
    with_tensors(
        lambda held: held.update({"vision_tower.embeddings.position_ids": torch.arange(17)[None], **rotation})
    )(folder)


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
@pytest.mark.parametrize(
    "layout",
    [renamed(hub_layout), renamed(module_layout), with_buffers, shard, in_double],
    ids=["hub", "modules", "buffers", "shards", "double"],
)
def test_every_layout_that_transformers_converts_gives_the_same_model(
    kind: str, layout: Fault, tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = copy(tiny_folders[kind], tmp_path / "model")
    layout(folder)
    expected = load_model(tiny_folders[kind], device="cpu").model.state_dict()
    found = load_model(folder, device="cpu").model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_tied_head_needs_no_weights_of_its_own(tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = copy(tiny_folders["llava"], tmp_path / "model")
    without("lm_head")(folder)
    settings(folder / "config.json", tie_word_embeddings=True)
    text_config(tie_word_embeddings=True)(folder)
    model = load_model(folder, device="cpu").model
    assert torch.equal(model.lm_head.weight, model.get_input_embeddings().weight)
