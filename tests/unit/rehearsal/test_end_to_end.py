"""The rehearsal of extraction from pictures on disk to a store on disk."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from analysis_lib.rehearsal import SHAPES, end_to_end
from analysis_lib.rehearsal.end_to_end import rehearse_extraction


@pytest.mark.parametrize("name", SHAPES)
def test_a_narrow_model_goes_all_the_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where a model is as small as this, writing can take longer than the thirty functions that are kept.
    monkeypatch.setattr(end_to_end, "_FUNCTIONS", 1000)
    narrow = SHAPES[name].narrowed(64)
    small = replace(narrow, layers=1, vision_layers=2, tile=28, picture=(48, 32))
    taken = rehearse_extraction(small, n_questions=3, batch=2)
    assert taken.first > 0 and taken.again > 0 and taken.store > 1000
    if sys.version_info >= (3, 12):
        assert not taken.functions and not taken.own, "cProfile mixes threads there"
    else:
        assert list(taken.functions)[0].endswith(":extract"), "everything happens in it"
        assert {name.split(":")[1] for name in taken.functions} >= {"choose_backend", "forward_lockstep"}


@pytest.mark.gpu
def test_the_true_size_goes_all_the_way_on_a_gpu() -> None:
    taken = rehearse_extraction(SHAPES["llava-1.5-7b"], "cuda", torch.bfloat16, n_questions=4, batch=4)
    assert taken.again <= taken.first * 1.5
