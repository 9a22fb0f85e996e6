"""Every condition that the library names can be had by that name, and nothing else can."""

import pytest

from analysis_lib import vocabulary
from analysis_lib.activations import (
    CONDITIONS,
    keep_only,
    named_condition,
    random_edges,
    random_layers,
    window_conditions,
)
from analysis_lib.models import EMBEDDED_MODELS, PROMPTS, SPAN_NAMES
from analysis_lib.tasks.gqa import EMBEDDED

LAYERS, WIDTH = 12, 3
WINDOWS = [*window_conditions("strict", LAYERS, WIDTH), *window_conditions("image->last", LAYERS, WIDTH)]
ONLY = keep_only(("image", "question"), ("question", "last"))
MADE = [
    *CONDITIONS.values(),
    *WINDOWS,
    ONLY,
    *window_conditions(ONLY, LAYERS, WIDTH),
    *(random_edges(one, seed) for one in ("paper", WINDOWS[10]) for seed in (0, 12)),
    *(random_layers(WINDOWS[3], LAYERS, seed) for seed in (0, 7)),
]


@pytest.mark.parametrize("condition", MADE, ids=lambda condition: condition.name)
def test_a_condition_is_found_by_its_name(condition):
    assert named_condition(condition.name, LAYERS, WIDTH) == condition


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "has a name"),
        ("stritc", "unknown condition 'stritc'; the presets are baseline"),
        ("strict@12", "names layer 12; this model has 0 to 11"),
        ("strict, random edges", "unknown condition"),
        ("only image", "should read like"),
        ("only image->question,question->last", "should read like"),
        ("only image->answer", "the spans are"),
        ("strict, random layers 0", "share fewer than all 12 layers"),
        ("only image->last, random edges 0", "plain knockouts only"),
    ],
)
def test_what_nothing_is_called_is_refused(name: str, told: str):
    with pytest.raises(ValueError, match=told):
        named_condition(name, LAYERS, WIDTH)


def test_the_vocabulary_has_the_names_that_the_packages_know():
    assert tuple(CONDITIONS) == vocabulary.PRESETS
    assert vocabulary.SPANS == SPAN_NAMES
    assert tuple(EMBEDDED_MODELS) == vocabulary.EMBEDDED_MODELS
    assert tuple(EMBEDDED) == vocabulary.EMBEDDED_SOURCES
    assert tuple(PROMPTS) == vocabulary.PROMPTS
