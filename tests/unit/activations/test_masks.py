"""Masks: who may read whom, against a definition written element by element."""

from __future__ import annotations

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis_lib.activations import CONDITIONS, Condition, Knockout, allowed_mask
from analysis_lib.activations.conditions import check_layers
from analysis_lib.activations.masks import native_mask
from analysis_lib.activations.named_conditions import get_condition
from analysis_lib.models import SPAN_NAMES, Spans
from tests.unit.activations.sample_conditions import any_spans

N_LAYERS = 5


KNOCKOUTS = st.builds(
    Knockout,
    source=st.sampled_from(SPAN_NAMES),
    target=st.sampled_from(SPAN_NAMES),
    layers=st.one_of(st.none(), st.sets(st.integers(0, N_LAYERS - 1)).map(lambda some: tuple(sorted(some)))),
)


def within(span: tuple[int, int], position: int) -> bool:
    return span[0] <= position < span[1]


def may_read(spans: Spans, knockouts: list[Knockout], layer: int, reader: int, read: int) -> bool:
    """One query position and one key position, by definition.

    A position reads itself unless its span is cut from itself, and in any case when nothing else is left.
    """
    if read > reader or (read >= spans.length and read != reader):
        return False
    cut = any(
        (knockout.layers is None or layer in knockout.layers)
        and within(getattr(spans, knockout.target), reader)
        and within(getattr(spans, knockout.source), read)
        and (read != reader or knockout.source == knockout.target)
        for knockout in knockouts
    )
    if cut and read == reader:
        return not any(may_read(spans, knockouts, layer, reader, other) for other in range(reader))
    return not cut


@settings(max_examples=150, deadline=None)
@given(
    spans=st.lists(any_spans(), min_size=1, max_size=3),
    knockouts=st.lists(KNOCKOUTS, max_size=4),
    layer=st.integers(0, N_LAYERS - 1),
    more=st.integers(0, 3),
)
def test_the_mask_equals_its_definition_element_by_element(
    spans: list[Spans], knockouts: list[Knockout], layer: int, more: int
) -> None:
    length = max(one.length for one in spans) + more
    mask = allowed_mask(spans, knockouts, layer, length)
    assert mask.shape == (len(spans), 1, length, length) and mask.dtype == torch.bool
    expected = [
        [[may_read(one, knockouts, layer, reader, read) for read in range(length)] for reader in range(length)]
        for one in spans
    ]
    assert torch.equal(mask[:, 0], torch.tensor(expected))
    if not more:
        assert torch.equal(mask, allowed_mask(spans, knockouts, layer)), "the longest prompt sets the length"


@settings(max_examples=60, deadline=None)
@given(spans=any_spans(), knockouts=st.lists(KNOCKOUTS, max_size=4), extra=KNOCKOUTS)
@example(
    spans=Spans(system=(0, 1), image=(1, 2), gap=(2, 2), question=(2, 3), tail=(3, 4), last=(3, 4)),
    knockouts=[Knockout("image", "image")],
    extra=Knockout("system", "image"),
)
def test_a_further_knockout_never_opens_anything(spans: Spans, knockouts: list[Knockout], extra: Knockout) -> None:
    for layer in range(N_LAYERS):
        fewer, more = (allowed_mask([spans], some, layer) for some in (knockouts, [*knockouts, extra]))
        itself = torch.eye(more.shape[-1], dtype=torch.bool)  # which a row reads that is left with nothing else
        assert (more <= fewer | itself).all()
        assert torch.equal(more, fewer) or extra.active(layer)


@given(spans=any_spans())
def test_strict_cuts_paper_and_the_gap_and_nothing_else(spans: Spans) -> None:
    names = ("baseline", "paper", "strict")
    baseline, paper, strict = (allowed_mask([spans], CONDITIONS[name].knockouts, 0)[0, 0] for name in names)
    image = slice(*spans.image)
    assert paper.sum() == baseline.sum() - (spans.question[1] - spans.question[0]) * (spans.image[1] - spans.image[0])
    assert not strict[spans.gap[0] : spans.question[1], image].any()
    assert torch.equal(strict[spans.tail[0] :], baseline[spans.tail[0] :]), "the tail still sees the picture"
    assert torch.equal(strict[: spans.gap[0]], baseline[: spans.gap[0]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_eager_attention_gets_an_additive_mask_and_sdpa_a_bool_one(dtype: torch.dtype) -> None:
    allowed = torch.tensor([[True, False], [True, True]])[None, None]
    assert native_mask(allowed, "sdpa", dtype) is allowed
    added = native_mask(allowed, "eager", dtype)
    assert added.dtype == dtype
    assert added[allowed].eq(0).all() and added[~allowed].eq(torch.finfo(dtype).min).all()
    weights = (torch.zeros(1, 1, 2, 2, dtype=dtype) + added).softmax(-1)
    assert weights[0, 0].tolist() == [[1, 0], [0.5, 0.5]]


def test_unknown_spans_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="source is 'images'; the spans are system, image, gap, question, tail, last"):
        Knockout("images", "question")
    with pytest.raises(ValueError, match="target is 'answer'; the spans are"):
        Knockout("image", "answer")


def test_unknown_conditions_are_refused_with_the_presets() -> None:
    with pytest.raises(ValueError, match="unknown condition 'stirct'; the presets are baseline, paper, strict"):
        get_condition("stirct")
    own = Condition("own", (Knockout("image", "last", (1, 2)),))
    assert get_condition(own) is own and get_condition("paper") is CONDITIONS["paper"]


@pytest.mark.parametrize("layers", [(5,), (0, 7), (-1,), range(4, 6)])
def test_layers_that_the_model_does_not_have_are_refused(layers: tuple[int, ...]) -> None:
    condition = Condition("deep", (Knockout("image", "question", layers),))
    with pytest.raises(ValueError, match=r"condition 'deep' names layers \[.*\]; this model has 0 to 4"):
        check_layers(condition, 5)
    check_layers(Condition("fine", (Knockout("image", "question", range(5)),)), 5)  # type: ignore[arg-type]
