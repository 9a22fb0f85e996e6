"""The conditions that these tests run under, and how states are compared."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from analysis_lib.activations import Condition, Knockout
from analysis_lib.activations.checks import with_random_pixels
from analysis_lib.models import Batch, Spans

States = dict[str, torch.Tensor]

BASELINE = Condition("baseline")
NOTHING = Condition("nothing", (Knockout("last", "system"), Knockout("question", "image"), Knockout("tail", "gap")))
"""Replaces every mask and blocks nothing: these targets stand before their sources."""
PAPER = Condition("paper", (Knockout("image", "question"),))
STRICT = Condition("strict", (*PAPER.knockouts, Knockout("image", "gap")))
BLIND = Condition("blind", tuple(Knockout("image", name) for name in ("gap", "question", "tail")))
WINDOW = Condition("window", (Knockout("image", "question", (2, 3)), Knockout("system", "question", (2, 3))))
CONDITIONS = (BASELINE, NOTHING, PAPER, STRICT, BLIND, WINDOW)


def with_other_pixels(batch: Batch, seed: int = 1) -> Batch:
    return with_random_pixels(batch, seed)


def moved(one: torch.Tensor, two: torch.Tensor) -> list[float]:
    """The largest change per layer of pooled states ``(n, layers, hidden)``."""
    return (one - two).abs().amax((0, 2)).tolist()


def assert_identical(one: States, two: States) -> None:
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


@st.composite
def any_spans(draw: st.DrawFn) -> Spans:
    sizes = [draw(st.integers(fewest, 4)) for fewest in (0, 1, 0, 1, 1)]
    stops = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    system, image, gap, question, tail = ((stop - size, stop) for stop, size in zip(stops, sizes, strict=True))
    return Spans(system, image, gap, question, tail, last=(stops[-1] - 1, stops[-1]))
