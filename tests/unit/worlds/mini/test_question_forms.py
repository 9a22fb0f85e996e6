"""What another program is told of the world: sentences with gaps, tables to paint by, the chance in a picture."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from analysis_lib.worlds.mini import (
    FAMILIES,
    GAP_WORDS,
    QUESTION_FORMS,
    QuestionForm,
    answer_options,
    ask,
    chance_look,
    drawing_tables,
    paint,
    render,
    sample_scene,
)

GAP = re.compile(r"\\{(\w+)\\}")


def matches(form: QuestionForm, text: str) -> dict[str, str] | None:
    """The words in the gaps, where the text is the form filled in with words of the right kinds."""
    pattern = GAP.sub(r"(?P<\1>\\w+)", re.escape(form.sentence))
    found = re.fullmatch(pattern, text)
    if found is None or any(found[gap] not in GAP_WORDS[kind] for gap, kind in form.gaps.items()):
        return None
    return found.groupdict()


def options(form: QuestionForm, words: dict[str, str]) -> set[str]:
    return set(
        itertools.chain.from_iterable([words[name]] if name in words else GAP_WORDS[name] for name in form.options)
    )


def test_every_question_that_is_asked_is_one_form_with_the_same_options():
    """Of each family hundreds of questions; every form is met."""
    met = set()
    for family, seed in itertools.product(FAMILIES, range(400)):
        rng = np.random.default_rng(seed)
        asked = ask(family, sample_scene(rng), rng)
        if asked is None:
            continue
        found = [(form, words) for form in QUESTION_FORMS[family] if (words := matches(form, asked.text)) is not None]
        assert len(found) == 1, asked.text
        ((form, words),) = found
        assert options(form, words) == set(answer_options(asked.text, family))
        met.add(form.sentence + form.about)
    assert met == {form.sentence + form.about for forms in QUESTION_FORMS.values() for form in forms}


def test_gaps_of_a_form_are_those_of_its_sentence():
    for form in itertools.chain.from_iterable(QUESTION_FORMS.values()):
        assert set(re.findall(r"\{(\w+)\}", form.sentence)) == set(form.gaps)
        assert set(form.gaps.values()) <= set(GAP_WORDS) and set(form.options) <= set(GAP_WORDS) | set(form.gaps)


@pytest.mark.parametrize("pixels", [16, 32])
def test_a_picture_is_its_scene_in_the_look_that_chance_gave_it(pixels: int):
    for seed in range(20):
        scene = sample_scene(np.random.default_rng(seed))
        whole, look = np.random.default_rng(seed), np.random.default_rng(seed)
        expected = render(scene, whole, pixels)
        assert np.array_equal(paint(scene, chance_look(scene, look, pixels), pixels), expected)
        assert whole.bytes(8) == look.bytes(8)
        assert not np.array_equal(render(scene, whole, pixels), expected)


def test_tables_are_of_coarse_pictures_alone():
    tables = drawing_tables()
    assert tables["masks"].shape == (8, 2, 5, 5, 16, 16) and tables["textures"].shape == (3, 32, 32)
    with pytest.raises(ValueError, match="pixels_per_cell is 32"):
        drawing_tables(32)
