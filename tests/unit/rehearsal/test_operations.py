"""What is counted: it follows from the sizes, the same with and without values; lockstep saves what causality gives."""

from dataclasses import replace
from functools import cache

import pytest
import torch

from analysis_lib.activations import forward_lockstep, get_condition
from analysis_lib.activations.branch import group_sizes
from analysis_lib.rehearsal import SHAPES, Shape, build, count_operations, generate, window_run
from analysis_lib.rehearsal.operations import counted, practice

TINY = {
    name: replace(shape.narrowed(32), layers=6, tile=56, picture=(100, 67), question=5, tail=3)
    for name, shape in SHAPES.items()
}
TRUE = [
    *(replace(shape, layers=8) for shape in SHAPES.values()),  # of the true widths, and fewer layers
    *(pytest.param(shape, marks=pytest.mark.slow) for shape in SHAPES.values()),
]
count_once = cache(count_operations)


def image_tokens(shape: Shape) -> int:
    """576 for a single picture of LLaVA-1.5; a 3 to 2 photograph in LLaVA-1.6 adds 32 of 48 rows, or the like."""
    side = shape.tile // shape.patch
    width, height = shape.picture
    rows = 2 * side - 2 * ((2 * side - int(2 * side * height / width)) // 2)
    return side**2 + shape.tiles * rows * (2 * side + 1)


def decoder(shape: Shape, rows: int, keys: int) -> int:
    """One layer for ``rows`` positions that each meet ``keys`` keys."""
    weights = 4 * shape.hidden**2 + 3 * shape.hidden * shape.intermediate
    return 2 * rows * weights + 4 * rows * keys * shape.hidden


def vision(shape: Shape) -> int:
    """The tower, the picture's own position included, and the projector, for a picture with all its tiles."""
    width, side = shape.vision_hidden, shape.tile // shape.patch
    positions = side**2 + 1
    weights = 4 * width**2 + 2 * width * shape.vision_intermediate
    layer = 2 * positions * weights + 4 * positions**2 * width
    patches = 2 * side**2 * 3 * shape.patch**2 * width
    projector = 2 * side**2 * (width * shape.hidden + shape.hidden**2)
    return (1 + 4 * shape.tiles) * (patches + shape.vision_layers * layer + projector)


def head(shape: Shape) -> int:
    return 2 * shape.hidden * shape.vocabulary


def named(shape: Shape) -> str:
    return f"{shape.name}, {shape.layers} layers"


@pytest.mark.parametrize("shape", [*TINY.values(), *TRUE], ids=named)
def test_counts_follow_from_the_sizes(shape: Shape):
    found = count_once(shape)
    before = shape.system + image_tokens(shape)
    after = shape.gap + shape.question + shape.tail
    assert found.n_tokens == before + after
    full = vision(shape) + shape.layers * decoder(shape, before + after, before + after) + head(shape)
    assert found.practice == (shape.layers + 1) * full

    assert found.picture == vision(shape) + shape.layers * decoder(shape, before, before)
    behind = shape.question + shape.tail
    question = shape.layers * decoder(shape, after, before + after) + (shape.layers + 1) * head(shape)
    for layer in range(shape.layers):
        slots = min(layer + 2, shape.layers)  # windows begin a layer before their middle
        for size in group_sizes(slots, before + after, behind):
            question += decoder(shape, size * behind, before + after + size * behind)
    assert found.question == question


@pytest.mark.parametrize("shape", TINY.values(), ids=lambda shape: shape.name)
def test_shapes_alone_count_as_much_as_a_real_run(shape: Shape):
    assert count_once(shape) == count_operations(shape, "cpu")


@pytest.mark.parametrize("shape", TRUE, ids=named)
def test_lockstep_saves_what_its_token_layers_say(shape: Shape):
    """The decoder's weights meet fewer positions; attention and heads move the ratio by a tenth and no more."""
    found = count_once(shape)
    before = shape.system + image_tokens(shape)
    after = shape.gap + shape.question + shape.tail
    conditions, depth = shape.layers + 1, shape.layers
    forked = sum(min(layer + 2, depth) for layer in range(depth))
    rows = depth * (before + after) + forked * (shape.question + shape.tail)
    assert found.saved == pytest.approx(conditions * depth * (before + after) / rows, rel=0.1)


def test_the_count_grows_with_questions_and_not_with_their_pictures():
    shape = TINY["llava-1.5-7b"]
    vlm, conditions = build(shape, "meta"), window_run(shape)
    found = count_once(shape)
    three = generate(vlm, shape, 3)
    shared = counted(lambda: forward_lockstep(vlm, three, conditions, [0, 0, 0]))
    assert shared == found.picture + 3 * found.question
    assert counted(lambda: forward_lockstep(vlm, three, conditions)) == 3 * found.lockstep


def test_a_cut_costs_the_practice_nothing():
    shape = TINY["llava-1.6-vicuna-7b"]
    vlm = build(shape, "meta")
    one = generate(vlm, shape, 1)
    assert counted(lambda: practice(vlm, one, get_condition("paper"))) == counted(
        lambda: practice(vlm, one, get_condition("baseline"))
    )


def test_the_true_sizes_are_those_of_the_published_models():
    parameters = {
        name: sum(p.numel() for p in build(shape, "meta").model.parameters()) for name, shape in SHAPES.items()
    }
    assert parameters["llava-1.5-7b"] == pytest.approx(7.06e9, rel=0.005)
    assert parameters["llava-1.6-vicuna-7b"] - parameters["llava-1.5-7b"] == 4096  # the token that ends a row
    assert next(build(SHAPES["llava-1.5-7b"], "meta").model.parameters()).device == torch.device("meta")


@pytest.mark.parametrize("scale", [0, 1, 3, 128])
def test_a_scale_that_does_not_divide_the_widths_is_refused(scale: int):
    with pytest.raises(ValueError, match=f"scale is {scale}; it is one of 2, 4"):
        SHAPES["llava-1.5-7b"].narrowed(scale)
