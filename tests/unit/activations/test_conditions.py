"""Conditions as data: presets, windows of layers, controls, and their way into JSON and back."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.activations import (
    CONDITIONS,
    Condition,
    KeepOnly,
    Knockout,
    RandomEdges,
    allowed_mask,
    get_condition,
    keep_only,
    named_condition,
    random_edges,
    random_layers,
    window_conditions,
    window_width,
    windows,
)
from analysis_lib.models import SPAN_NAMES, Spans
from tests.unit.activations.sample_conditions import any_spans

LAYERS = st.one_of(st.none(), st.sets(st.integers(0, 7)).map(lambda some: tuple(sorted(some))))
KNOCKOUTS = st.builds(Knockout, st.sampled_from(SPAN_NAMES), st.sampled_from(SPAN_NAMES), LAYERS)
SUFFIX_KNOCKOUTS = st.builds(Knockout, st.sampled_from(SPAN_NAMES), st.sampled_from(SPAN_NAMES[2:]), LAYERS)
PAIRS = st.tuples(st.sampled_from(SPAN_NAMES[1:]), st.sampled_from(SPAN_NAMES[2:]))
CUTS = st.one_of(
    KNOCKOUTS,
    st.builds(RandomEdges, SUFFIX_KNOCKOUTS, st.integers(0, 99)),
    st.builds(KeepOnly, st.lists(PAIRS, max_size=3).map(tuple), LAYERS),
)
NAMES = st.text(min_size=1, max_size=5).filter(lambda name: "@" not in name)
CONDITION = st.builds(Condition, NAMES, st.lists(CUTS, max_size=3).map(tuple))


def mask(spans: Spans, condition: Condition, layer: int = 0) -> torch.Tensor:
    return allowed_mask([spans], condition.knockouts, layer)[0, 0]


def cut_by(spans: Spans, condition: Condition) -> torch.Tensor:
    """What the condition takes away from the baseline."""
    return mask(spans, CONDITIONS["baseline"]) & ~mask(spans, condition)


@given(condition=CONDITION)
def test_every_condition_is_told_in_one_line_that_differs_with_what_it_does(condition: Condition) -> None:
    assert condition.description and "\n" not in condition.description
    elsewhere = condition.within((0, 5), condition.name)
    known = [one.layers for one in condition.knockouts]
    assert (elsewhere.description != condition.description) == any(set(one or (9,)) != {0, 5} for one in known)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("baseline", "nothing is cut"),
        ("strict", "question does not read image; gap does not read image"),
        (window_conditions("paper", 8, 3)[4], "question does not read image, in layers 3 to 5"),
        (random_layers(window_conditions("paper", 8, 1)[4], 8), "question does not read image, in layer 6"),
        (Condition("x", (Knockout("image", "last", (4, 1)),)), "last does not read image, in layers 1, 4"),
        (random_edges("paper", 2), "as many edges at random as question reads of image (seed 2000)"),
        (
            keep_only(("image", "question"), ("question", "last"), layers=[1]),
            "between spans after the picture image->question and question->last only, in layer 1",
        ),
    ],
)
def test_a_description_names_what_no_longer_reads_what(condition: str | Condition, text: str) -> None:
    assert get_condition(condition).description == text


@given(condition=CONDITION)
def test_a_condition_survives_json_and_is_hashable(condition: Condition) -> None:
    back = Condition.from_dict(json.loads(json.dumps(condition.to_dict())))
    assert back == condition and hash(back) == hash(condition)
    assert len({back, condition}) == 1


def test_draws_of_an_older_store_did_not_know_of_each_other() -> None:
    written = random_edges("strict").to_dict()
    older = [{name: value for name, value in one.items() if name != "besides"} for one in written["knockouts"]]
    back = Condition.from_dict(written | {"knockouts": older})
    assert [one.besides for one in back.knockouts] == [(), ()] and back != random_edges("strict")


@given(n_layers=st.integers(1, 40), data=st.data())
def test_windows_are_contiguous_centred_and_cut_off_at_the_ends(n_layers: int, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, n_layers))
    found = windows(n_layers, width)
    assert len(found) == n_layers
    for centre, layers in enumerate(found):
        assert centre in layers and list(layers) == list(range(layers[0], layers[-1] + 1))
        assert layers[0] >= 0 and layers[-1] < n_layers and len(layers) <= width
        if width // 2 <= centre < n_layers - width // 2:
            assert len(layers) == width
            assert centre - layers[0] == width // 2
    assert set().union(*found) == set(range(n_layers))


@pytest.mark.parametrize("width", [0, -1, 9])
def test_a_window_wider_than_the_model_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"width is {width}; a window in this model spans 1 to 8 layers"):
        windows(8, width)


def test_windows_carry_the_knockouts_of_their_condition() -> None:
    found = window_conditions("strict", 8, 3)
    assert [one.name for one in found] == [
        "strict@0-1",
        *(f"strict@{first}-{first + 2}" for first in range(6)),
        "strict@6-7",
    ]
    assert len(set(found)) == 8
    for one, layers in zip(found, windows(8, 3), strict=True):
        assert set(one.knockouts) == {Knockout("image", "question", layers), Knockout("image", "gap", layers)}
        assert one.first_layer(8) == layers[0]


def test_a_window_of_random_edges_is_random_edges_of_the_window() -> None:
    for name in ("strict, random edges 3", "paper, random edges 0"):
        preset, _, draw = name.partition(", random edges ")
        assert window_conditions(name, 8, 3) == [
            random_edges(one, int(draw)) for one in window_conditions(preset, 8, 3)
        ]


@pytest.mark.parametrize("name", ["strict@2-4", "strict@2-4, random layers 0", "paper@0-7"])
def test_what_holds_in_some_layers_is_held_in_no_other_windows(name: str) -> None:
    with pytest.raises(ValueError, match="holds in some layers already; name one that holds in all"):
        window_conditions(name, 8, 3)


@pytest.mark.parametrize(
    ("name", "layers", "told"),
    [
        ("mine@2-4", (2, 3), r"holds in layers \[2, 3\]: give it a name"),
        ("mine@2-4", (2, 3, 5), r"holds in layers \[2, 3, 5\]: give it a name"),
        ("mine@2-4", None, "holds in all layers: give it a name"),
        ("mine@2-4, random layers 0", (1, 6), r"holds in layers \[1, 6\]: give it a name"),
        ("mine@3", (2, 3, 4), "names the middle of a window; .* write 'mine@2-4' for a window of 3 layers around"),
        ("mine@4-2", (2, 3, 4), "ends before it begins: write mine@2-4"),
        ("strict", (2, 3), r"holds in layers \[2, 3\]: give it a name"),
        ("strict, random edges 0", (2, 3), r"holds in layers \[2, 3\]: give it a name"),
        ("only image->last", (5,), r"holds in layers \[5\]: give it a name"),
        ("", None, "a condition has a name"),
    ],
)
def test_a_name_that_says_other_layers_is_refused(name: str, layers: tuple[int, ...] | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Condition("mine", (Knockout("image", "last"), Knockout("image", "question"))).within(layers, name)
    with pytest.raises(ValueError, match=told):
        Condition(name, (Knockout("image", "last", layers),))


def test_pathways_that_are_kept_in_some_layers_say_so() -> None:
    assert keep_only(("image", "last"), layers=[3, 2, 4]) == named_condition("only image->last@2-4", 8)
    with pytest.raises(ValueError, match=r"layers \[1, 4\] are no neighbours; .*within"):
        keep_only(("image", "last"), layers=[1, 4])


@given(n_layers=st.integers(1, 12), data=st.data())
def test_the_width_of_windows_is_found_among_conditions(n_layers: int, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, n_layers))
    around = window_conditions("paper", n_layers, width)
    others = [CONDITIONS["strict"], CONDITIONS["paper"].within(range(n_layers), "paper, everywhere")]
    assert window_width([*others, *around]) == width
    assert window_width(others) is None and window_width([]) is None


@given(spans=any_spans())
def test_the_pathways_into_the_last_position_change_its_row_alone(spans: Spans) -> None:
    last = spans.last[0]
    for name, source in (("image->last", "image"), ("question->last", "question")):
        cut = cut_by(spans, CONDITIONS[name])
        assert not cut[:last].any()
        start, stop = getattr(spans, source)
        assert cut[last].nonzero()[:, 0].tolist() == list(range(start, stop))
    assert cut_by(spans, CONDITIONS["last->last"]).nonzero().tolist() == [[last, last]]


@given(spans=any_spans(), knockout=SUFFIX_KNOCKOUTS, seed=st.integers(0, 5), more=st.integers(0, 3))
def test_random_edges_are_as_many_among_earlier_positions_after_the_picture(
    spans: Spans, knockout: Knockout, seed: int, more: int
) -> None:
    whole = knockout.within(None)
    control = RandomEdges(whole, seed)
    length = spans.length + more
    positions = torch.arange(length)[None]
    earlier = positions[0][None, :] < positions[0][:, None]
    edges = control.cuts([spans], positions, positions)[0]
    wanted = (whole.cuts([spans], positions, positions)[0] & earlier).sum()
    assert edges.sum() == wanted
    assert not (edges & ~earlier).any(), "never itself, never the future"
    assert not edges[: spans.gap[0]].any() and not edges[spans.length :].any()
    padded = control.cuts([spans, spans], positions.expand(2, -1), positions.expand(2, -1))
    assert torch.equal(padded[0], edges) and torch.equal(padded[1], edges), "no matter who runs beside"
    rows, columns = positions[:, spans.gap[0] :], positions.flip(1)
    assert torch.equal(control.cuts([spans], rows, columns)[0], edges[spans.gap[0] :].flip(1)), "nor what is asked"


def test_random_edges_follow_the_seed() -> None:
    spans = Spans((0, 3), (3, 19), (19, 20), (20, 27), (27, 30), (29, 30))
    cuts = [cut_by(spans, random_edges("strict", seed)) for seed in (0, 0, 1)]
    assert torch.equal(cuts[0], cuts[1]) and not torch.equal(cuts[0], cuts[2])
    assert not torch.equal(cuts[0], cut_by(spans, CONDITIONS["strict"]))


def test_random_edges_stand_for_knockouts_after_the_picture_only() -> None:
    with pytest.raises(
        ValueError, match="changes what image reads; random edges stand for knockouts whose target comes"
    ):
        RandomEdges(Knockout("image", "image"))
    with pytest.raises(ValueError, match="random edges stand for plain knockouts only"):
        random_edges(keep_only(("image", "last")))


@given(spans=any_spans(), pathways=st.lists(PAIRS, max_size=3).map(tuple))
def test_keeping_only_pathways_leaves_them_own_span_and_system(
    spans: Spans, pathways: tuple[tuple[str, str], ...]
) -> None:
    baseline, kept = mask(spans, CONDITIONS["baseline"]), mask(spans, keep_only(*pathways))
    parts = {name: set(range(*getattr(spans, name))) for name in SPAN_NAMES}
    apart = {**parts, "tail": parts["tail"] - parts["last"]}
    for reader, read in baseline.nonzero().tolist():
        allowed = (
            reader < spans.gap[0]
            or read in parts["system"]
            or any(reader in part and read in part for part in apart.values())
            or any(reader in parts[target] and read in parts[source] for source, target in pathways)
        )
        assert kept[reader, read] == allowed, (reader, read)


def test_random_layers_are_as_many_and_follow_the_seed() -> None:
    window = window_conditions("strict", 12, 5)[6]
    found = [random_layers(window, 12, seed) for seed in range(20)]
    assert random_layers(window, 12, 3) == found[3]
    assert len({one.knockouts[0].layers for one in found}) > 15
    for one in found:
        layers = one.knockouts[0].layers
        assert layers is not None and len(layers) == 5
        assert set(one.knockouts) == {Knockout("image", "question", layers), Knockout("image", "gap", layers)}


def test_random_layers_of_a_knockout_in_all_layers_are_refused() -> None:
    for condition in (CONDITIONS["strict"], CONDITIONS["baseline"], CONDITIONS["paper"].within(range(4), "all")):
        with pytest.raises(ValueError, match="random layers need knockouts that share fewer than all 4 layers"):
            random_layers(condition, 4)


@given(condition=CONDITION)
def test_the_first_layer_is_where_the_masks_first_differ_from_none(condition: Condition) -> None:
    first = condition.first_layer(8)
    assert all(not condition.active(layer) for layer in range(first))
    assert first == 8 or condition.active(first)


def test_the_same_spans_in_other_layers_make_one_mask() -> None:
    one, other = (Knockout("image", "question", layers) for layers in ((1, 2), (2, 3)))
    assert Condition("a", (one,)).active(2) == Condition("b", (other,)).active(2) != ()
