"""The question that is followed: what is drawn of it is what the model read, and its sums hold."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from analysis_lib.activations import CONDITIONS, extract
from analysis_lib.experiments import walkthrough as experiment
from analysis_lib.models import load_model, prepare
from analysis_lib.tasks import load_questions

pytestmark = pytest.mark.mini
LAYER, CUT = 4, "strict"
SUMS = {
    "information_vision": ["redundancy", "unique_vision"],
    "information_language": ["redundancy", "unique_language"],
    "total": ["redundancy", "unique_vision", "unique_language", "synergy"],
}


@pytest.fixture(scope="module")
def vlm():
    return load_model("mini-llava-1.5", device="cpu")


@pytest.fixture(scope="module")
def store(vlm, tmp_path_factory):
    questions = load_questions("minigqa", "CompareAttr", n=60)
    conditions = [CONDITIONS["baseline"], CONDITIONS[CUT]]
    return extract(vlm, questions, conditions, store=tmp_path_factory.mktemp("walk") / "store")


@pytest.fixture(scope="module")
def about(vlm):
    first = prepare(vlm, load_questions("minigqa", "CompareAttr", n=60).head(1))
    return {
        "class": type(vlm.model).__name__,
        "tokens": vlm.tokenizer.convert_ids_to_tokens(first.inputs["input_ids"][0]),
        "spans": asdict(first.spans[0]),
    }


@pytest.fixture(scope="module")
def example(store, about, vlm):
    return experiment.follow(store, about, LAYER, CUT, vlm)


@pytest.fixture(scope="module")
def table(store):
    return experiment.estimate(store, LAYER, CUT, experiment.Settings(max_components=3, draws=10))


def test_tokens_are_the_prompt_and_spans_part_it(example, vlm):
    image = example.spans.image[1] - example.spans.image[0]
    prompt = vlm.prompt.replace("<image>", "<image>" * image).replace("{question}", example.question)
    begun = "".join(example.tokens).removeprefix("<s>")
    assert "".join(begun.split()).lower() == "".join(prompt.split()).lower()
    spans = asdict(example.spans)
    tail = spans.pop("last")
    ends = [end for span in spans.values() for end in span]
    assert ends == sorted(ends) and ends[0] == 0 and ends[1:-1:2] == ends[2::2] and ends[-1] == len(example.tokens)
    assert tail == (len(example.tokens) - 1, len(example.tokens))
    assert example.patches is not None and example.patches**2 == image == example.tokens.count("<image>")


def test_what_is_pooled_in_the_drawing_is_what_the_store_holds(example):
    for name, span in (("vision", example.spans.image), ("language", example.spans.question)):
        np.testing.assert_allclose(example.states[slice(*span)].mean(0), example.pooled[name], atol=1e-4)


def test_the_question_is_one_answered_rightly_that_loses_most(store, example):
    lost = store["answer_probability"].sel(condition="baseline") - store["answer_probability"].sel(condition=CUT)
    known = store["correct"].sel(condition="baseline").values
    assert known[example.row] and lost.values[example.row] == pytest.approx(lost.values[known].max(), abs=1e-3)
    assert lost.values[example.row] > 0.2, "a question that the cut leaves as it is would show nothing"


def test_without_the_model_the_first_question_is_followed(store, about):
    first = experiment.follow(store, about, LAYER, CUT)
    assert (first.row, first.states, list(first.tokens)) == (0, None, about["tokens"])


def test_atoms_add_up_to_the_informations_at_every_layer_and_under_the_cut(table):
    bits = table.pivot(index=["condition", "layer"], columns="quantity", values="bits")
    assert len(bits.loc["baseline"]) == 9 and bits.loc[CUT].index.tolist() == [LAYER]
    for name, parts in SUMS.items():
        np.testing.assert_allclose(bits[parts].sum(axis=1), bits[name], atol=1e-9)


def test_the_correlation_that_is_drawn_gives_the_plug_in_informations(store, table):
    here = table[(table["condition"] == "baseline") & (table["layer"] == LAYER)].set_index("quantity")
    cloud = experiment.clouds(store, LAYER, experiment.components_of(here))
    correlation, sizes = experiment.joint_correlation(cloud)
    ends = dict(zip(sizes, np.cumsum(list(sizes.values())), strict=True))
    of = {name: np.arange(end - sizes[name], end) for name, end in ends.items()}

    def entropy(*names: str) -> float:
        rows = np.concatenate([of[name] for name in names])
        return float(np.linalg.slogdet(correlation[np.ix_(rows, rows)])[1] / 2 / np.log(2))

    joint = entropy("target") + entropy("vision", "language") - entropy("target", "vision", "language")
    assert joint == pytest.approx(here.loc["total", "plug_in"], abs=1e-6)
    for name in ("vision", "language"):
        told = entropy("target") + entropy(name) - entropy("target", name)
        assert told == pytest.approx(here.loc[f"information_{name}", "plug_in"], abs=1e-6)


def test_the_mark_in_the_clouds_is_the_question(store, example, table):
    cloud = experiment.clouds(store, LAYER, experiment.components_of(table))
    at, answers = experiment.place(store, example), experiment.answers(store)
    assert at is not None and answers[at] == example.answer and len(answers) == len(cloud["target"].scores)
    known = np.flatnonzero(store["correct"].sel(condition="baseline").values)
    assert known[at] == example.row
    for one in cloud.values():
        assert (one.scores.argsort(0) == one.normal.argsort(0)).all() and 0 < one.kept <= 1


def test_answers_share_out_one_and_prose_says_what_was_measured(store, example, table):
    pairs = np.array(list(experiment.before_and_after(store, example, CUT).values()))
    np.testing.assert_allclose(pairs.sum(0), 1)
    mask = experiment.reading_mask(example.spans, CUT)
    image, question = (end - start for start, end in (example.spans.image, example.spans.question))
    cloud = experiment.clouds(store, LAYER, experiment.components_of(table))
    said = experiment.summarise(store, example, mask, cloud, table, LAYER, CUT)
    assert said["taken"] == image * (question + 1), "the question's rows and the newline's"
    assert (said["n_image"], said["n_question"], said["patches"]) == (36, question, "6 rows of 6")
    assert said["before"].value > said["after"].value and said["n_questions"] == len(cloud["target"].scores)
    assert said["total_null"].value < said["total"].value
    shorter = experiment.reading_mask(example.spans, CUT, most=10)
    assert shorter.taken == 10 * (question + 1)
    assert "36 tokens 10 are drawn" in experiment.mask_caption(shorter, example.spans, CUT)
