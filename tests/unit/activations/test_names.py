"""Every condition that the library names can be had by that name, and nothing else can; a name says its layers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib import vocabulary
from analysis_lib.activations import (
    CONDITIONS,
    asked_conditions,
    keep_only,
    named_condition,
    random_edges,
    random_layers,
    window_conditions,
)
from analysis_lib.models import EMBEDDED_MODELS, PROMPTS, SPAN_NAMES
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.parameters import complete_parameters
from analysis_lib.run.profile import notebook_parameters, read_text_mapping
from analysis_lib.tasks.gqa import EMBEDDED
from analysis_lib.vocabulary import ConditionName, older_condition, parse_condition

PROFILES = Path(__file__).resolve().parents[3] / "workflow" / "profiles"
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
    assert named_condition(condition.name, LAYERS) == condition


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "has a name"),
        ("stritc", "unknown condition 'stritc'; the presets are baseline"),
        ("strict@11-12", r"names layers \[12\]; this model has 0 to 11"),
        ("strict@0-9999", r"names layers \[9999\]; this model has 0 to 11"),
        ("strict@11-12, random layers 0", r"names layers \[12\]; this model has 0 to 11"),
        ("baseline@11-12", r"names layers \[12\]; this model has 0 to 11"),
        ("strict@4-2", "ends before it begins: write strict@2-4"),
        ("strict@02-4", "unknown condition 'strict@02-4'; .* a window of layers strict@2-4"),
        ("strict@-1-4", "unknown condition 'strict@-1-4'"),
        ("strict@2-4@2-4", "unknown condition 'strict@2-4' in"),
        ("strict@2-4, random edges 01", "unknown condition"),
        ("stritc@2-4", "unknown condition 'stritc' in 'stritc@2-4'"),
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
        named_condition(name, LAYERS)


def test_the_vocabulary_has_the_names_that_the_packages_know():
    assert tuple(CONDITIONS) == vocabulary.PRESETS
    assert vocabulary.SPANS == SPAN_NAMES
    assert tuple(EMBEDDED_MODELS) == vocabulary.EMBEDDED_MODELS
    assert tuple(EMBEDDED) == vocabulary.EMBEDDED_SOURCES
    assert tuple(PROMPTS) == vocabulary.PROMPTS


PATHWAYS = st.lists(st.tuples(*2 * [st.sampled_from(vocabulary.SPANS)]), min_size=1, max_size=4)
WHOLES = st.sampled_from(vocabulary.PRESETS) | PATHWAYS.map(lambda pathways: keep_only(*pathways).name)
ENDS = st.tuples(*2 * [st.integers(0, 60)]).map(lambda ends: (min(ends), max(ends)))


@st.composite
def any_names(draw: st.DrawFn) -> ConditionName:
    control = draw(st.sampled_from([None, "edges", "layers"]))
    number = None if control is None else draw(st.integers(0, 50))
    return ConditionName(draw(WHOLES), draw(st.none() | ENDS), control, number)


@given(any_names())
def test_a_name_that_is_written_is_read_as_it_was_meant(parts: ConditionName):
    assert parse_condition(str(parts)) == parts
    assert older_condition(str(parts)) is None
    assert ConditionName.of(parts.family) == ConditionName(parts.whole, parts.layers, parts.control)


@given(st.text(min_size=1) | any_names().map(str))
def test_any_name_that_is_read_is_written_as_it_was(name: str):
    try:
        parts = ConditionName.of(name)
    except ValueError as error:
        assert "ends before it begins" in str(error)
    else:
        assert str(parts) == name


@given(n_layers=st.integers(1, 40), data=st.data())
def test_the_same_name_means_the_same_layers_at_any_width(n_layers: int, data: st.DataObject):
    """Also of windows that overlap, or that an end of the model cuts off."""
    widths = data.draw(st.lists(st.integers(1, n_layers), min_size=2, max_size=2))
    held = [one for width in widths for one in window_conditions("strict", n_layers, width)]
    for one in held:
        layers = one.knockouts[0].layers
        assert layers is not None and one.name == f"strict@{layers[0]}-{layers[-1]}"
        assert named_condition(one.name, n_layers) == one
    assert len({one.name for one in held}) == len(set(held))


@given(n_layers=st.integers(1, 40), data=st.data())
def test_the_middle_of_a_window_is_the_layer_that_it_stands_around(n_layers: int, data: st.DataObject):
    width = data.draw(st.integers(1, n_layers))
    for centre, one in enumerate(window_conditions("paper", n_layers, width)):
        parts = ConditionName.of(one.name)
        assert parts.width == width and parts.centre == centre or parts.width < width


@pytest.mark.parametrize("control", ["", ", random layers 1", ", random edges 0"])
def test_a_name_by_the_middle_is_refused_with_what_to_write(control: str):
    for centre, around in ((3, "2-4"), (0, "0-1"), (10, "9-11")):
        name = f"strict@{centre}{control}"
        with pytest.raises(
            ValueError, match=f"{name!r} names the middle .* write 'strict@{around}{control}' for a"
        ) as error:
            parse_condition(name)
        assert str(error.value).endswith(f"'strict@{centre}-{centre}{control}' for that layer alone")


@pytest.mark.parametrize("profile", sorted(path.stem for path in PROFILES.glob("*.yaml")))
def test_every_name_of_a_profile_is_resolved_alike(profile: str, repository: Path):
    content = read_text_mapping(PROFILES / f"{profile}.yaml")
    given, decomposed = (
        complete_parameters(
            read_notebook(repository / "notebooks" / f"{stage}.md")[1],
            notebook_parameters(content, profile, stage),
            from_text=True,
        )
        for stage in ("extract", "decompose")
    )
    n_layers = 8 if profile in ("mini", "smoke") else 30 if profile.startswith("smol") else 32
    asked = [given[key] for key in ("conditions", "windows_of", "window_width")]
    by_name, in_windows = asked_conditions(*asked, n_layers)
    every = [*by_name, *in_windows]
    assert [named_condition(one.name, n_layers) for one in every] == every
    assert [str(parse_condition(one.name)) for one in every] == [one.name for one in every]
    assert {*(decomposed["decomposed"] or ["baseline"])} <= {one.name for one in by_name}
