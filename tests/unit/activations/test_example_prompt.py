"""The short prompt that conditions are shown on: its masks are the library's, and its words say what they cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.activations import (
    CONDITIONS,
    EXAMPLE_SPANS,
    cuts_in_words,
    example_masks,
    keep_only,
    random_edges,
    random_layers,
    shorten_picture,
    window_conditions,
)
from analysis_lib.models import SPAN_NAMES, Spans
from tests.unit.activations.sample_conditions import any_spans

WINDOWS = window_conditions("strict", 8, 3)


def test_the_spans_tile_the_prompt_and_none_is_empty() -> None:
    ends = [getattr(EXAMPLE_SPANS, name) for name in SPAN_NAMES[:-1]]
    assert ends[0][0] == 0 and all(one[1] == other[0] for one, other in zip(ends, ends[1:], strict=False))
    assert all(start < stop for start, stop in ends)
    assert EXAMPLE_SPANS.last == (EXAMPLE_SPANS.tail[1] - 1, EXAMPLE_SPANS.tail[1])


def test_each_mask_is_the_triangle_without_what_the_words_name() -> None:
    conditions = [CONDITIONS[name] for name in ("baseline", "paper", "strict", "image->last")]
    masks, words = example_masks(conditions), cuts_in_words(conditions)
    assert list(masks) == [one.name for one in conditions] and "baseline" not in words
    for name, mask in masks.items():
        left = np.tril(np.ones((20, 20), dtype=bool))
        for said in filter(None, words.get(name, "").split(", ")):
            target, source = said.split(" reads no ")
            left[slice(*getattr(EXAMPLE_SPANS, target)), slice(*getattr(EXAMPLE_SPANS, source))] = False
        assert mask.dtype == bool and np.array_equal(mask, left), name


def test_windows_and_further_draws_are_left_out() -> None:
    draws = [random_edges("strict", seed) for seed in (0, 1)]
    layers = random_layers(WINDOWS[4], 8)
    masks = example_masks([CONDITIONS["baseline"], *WINDOWS, *draws, layers])
    assert list(masks) == ["baseline", "strict, random edges"]
    first, second = (example_masks([one])["strict, random edges"] for one in draws)
    assert np.array_equal(masks["strict, random edges"], first) and not np.array_equal(first, second)


def test_a_control_cuts_as_many_cells_and_is_not_put_in_words() -> None:
    conditions = [CONDITIONS["paper"], random_edges("paper", 0), keep_only(("image", "question"))]
    masks, words = example_masks(conditions), cuts_in_words(conditions)
    assert masks["paper"].sum() == masks["paper, random edges"].sum()
    assert list(words) == ["paper"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("condition", ["paper", "strict"])
def test_a_control_cuts_as_many_edges_as_what_it_controls_however_many_knockouts_that_has(condition: str, seed: int):
    # Draws that do not know of each other overlap: strict's two cut 52 edges here instead of 56.
    real, control = example_masks([CONDITIONS[condition], random_edges(condition, seed)]).values()
    assert real.sum() == control.sum()


@given(spans=any_spans(), most=st.integers(1, 6))
def test_a_shortened_picture_moves_what_follows_and_nothing_else(spans: Spans, most: int) -> None:
    short = shorten_picture(spans, most)
    lengths, before = ({name: np.diff(getattr(one, name))[0] for name in SPAN_NAMES} for one in (short, spans))
    assert lengths == before | {"image": min(most, before["image"])}
    assert short.system == spans.system
    ends = [getattr(short, name) for name in SPAN_NAMES[:-1]]
    assert all(one[1] == other[0] for one, other in zip(ends, ends[1:], strict=False)) and short.last[1] == ends[-1][1]


@pytest.mark.parametrize("name", ["paper", "strict", "image->last"])
def test_masks_of_another_prompt_are_its_own(name: str) -> None:
    whole = example_masks([CONDITIONS[name]])[name]
    short = example_masks([CONDITIONS[name]], shorten_picture(EXAMPLE_SPANS, 3))[name]
    kept = [*range(5), *range(10, 20)]
    assert np.array_equal(short, whole[np.ix_(kept, kept)])
