"""What counts as correct, on models whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from analysis_lib.activations import (
    answered_correctly,
    extract,
    forward_lockstep,
    get_condition,
    open_activations,
    other_answers,
    outcomes,
    prompt_keys,
)
from analysis_lib.activations.answering import Answers
from analysis_lib.activations.decoder import take, with_features
from analysis_lib.activations.generation import UNSAID, continue_answers
from analysis_lib.activations.prompt_keys import PromptKeys
from analysis_lib.answers import normalised
from analysis_lib.models import load_model, prepare
from tests.unit.activations.small import write_small
from tests.unit.answers.talkers import LAYOUTS, table, talker
from tests.unit.models.tiny import questions_table, save_tiny

SAYINGS = [
    "Left",
    "left",
    "Yes.",
    "A dog",
    "The left",
    "Fire hydrant",
    "Two dogs",
    "T-shirt",
    "Caf\u00e9",
    "42",
    "Light blue.",
]
EXPECTED = [
    "left",
    "Left",
    "yes",
    "dog",
    "fire hydrant",
    "2 dogs",
    "t shirt",
    "caf\u00e9",
    "42",
    "light blue",
    "light",
    "dogs",
]


@pytest.mark.parametrize(
    ("layout", "says"),
    [("vicuna", says) for says in SAYINGS]
    + [(layout, says) for layout in LAYOUTS for says in ("Left", "A dog", "T-shirt") if layout != "vicuna"],
)
def test_exactly_the_questions_whose_answer_is_said_are_correct(layout: str, says: str, tmp_path: Path) -> None:
    found = extract(talker(layout, says), table(tmp_path, EXPECTED), ["baseline", "strict"])
    right = [normalised(answer) == normalised(says) for answer in EXPECTED]
    assert any(right)
    assert set(found["said"].values) == {says}
    for condition in ("baseline", "strict"):
        assert found["correct"].sel(condition=condition).values.tolist() == right
    assert found.attrs["accuracy"]["generation"] == np.mean(right)
    assert outcomes(found)["accuracy"].tolist() == pytest.approx([np.mean(right)] * 2)
    logits = found["answer_logits"].sel(condition="baseline").values[0]
    mine = [
        any(normalised(one) == normalised(says) for one in str(name).split(" | ")) for name in found["option"].values
    ]
    if not says.startswith(("A ", "The ")):
        by_first = found["correct_first_token"].sel(condition="baseline").values
        assert by_first[right].all(), "one's own first token says the answer"
        assert logits[mine].max() > logits.max() - 0.01, "another option may begin alike, none is more likely"
        assert (found["answer_probability"].sel(condition="baseline").values[right] > 0.05).all()


def test_by_the_first_token_alone_what_follows_does_not_count(tmp_path: Path) -> None:
    vlm, asked = talker("vicuna", "Left behind"), table(tmp_path, ["left", "left behind", "right"])
    by_all = extract(vlm, asked, ["baseline", "strict"])
    by_first = extract(vlm, asked, ["baseline", "strict"], scoring="first-token")
    assert by_all["correct"].values[:, 0].tolist() == by_all["correct"].values[:, 1].tolist() == [False, True, False]
    assert by_first["correct"].values[:, 0].tolist() == [True, True, False]
    assert np.array_equal(by_all["correct_first_token"], by_first["correct"])
    assert by_all.attrs["accuracy"] == pytest.approx({"generation": 1 / 3, "first-token": 2 / 3})
    assert by_first.attrs["accuracy"] == pytest.approx({"first-token": 2 / 3})
    assert "said" not in by_first.coords
    assert other_answers(by_all).empty and other_answers(by_first)["said"].empty


def test_a_task_without_a_right_answer_says_what_was_said(tmp_path: Path) -> None:
    told = (
        r"none of the 2 questions of QueryAttr .* 'Which side\?' was answered 'Yes', expected 'left' \(question_id q0\)"
    )
    with pytest.warns(UserWarning, match=told):
        found = extract(talker("chatml", "Yes"), table(tmp_path, ["left", "right"]), ["baseline"])
    with pytest.raises(ValueError, match=f"{told}.*samples='all'"):
        answered_correctly(found)
    assert other_answers(found)["question_id"].tolist() == ["q0", "q1"]


def test_answers_that_begin_alike_are_merged_and_named(tmp_path: Path) -> None:
    vlm = talker("vicuna", "Light blue")
    with pytest.warns(UserWarning, match="answers that begin alike .*: 'light', 'light blue'"):
        answers = Answers.of(vlm, table(tmp_path, ["light", "light blue", "left", "Left.", "two", "2"]))
    assert list(answers.options) == ["2 | two", "Left. | left", "light | light blue"]
    with pytest.warns(UserWarning, match="have a first token in common .*: '2', '3'"):
        answers = Answers.of(vlm, table(tmp_path, ["2", "3"]))
    assert len(answers.options) == 2


@pytest.mark.parametrize("answer", ["zebra", "\u200b", "red zebra"])
def test_an_answer_that_cannot_be_said_is_refused_with_its_question(answer: str, tmp_path: Path) -> None:
    vlm = load_model(save_tiny(tmp_path / "model", "llava"), device="cpu")
    asked = questions_table(tmp_path / "pictures").assign(answer=["left", "red", answer, "left", "red"])
    with pytest.raises(ValueError, match=r"1 questions cannot be answered \(question_id q2\)"):
        extract(vlm, asked, ["baseline"])


@pytest.mark.parametrize("kind", ["llava", "llava_next"])
def test_what_is_said_is_what_the_model_generates(kind: str, tmp_path: Path) -> None:
    vlm = load_model(save_tiny(tmp_path / "model", kind), device="cpu")
    asked = questions_table(tmp_path / "pictures")
    batch = prepare(vlm, asked)
    with torch.inference_mode():
        seen = with_features(vlm, batch, range(len(asked)))
        logits = vlm.model(**batch.inputs, use_cache=False).logits[range(len(asked)), batch.lengths - 1]
    said = continue_answers(vlm, seen, logits.argmax(-1), 6)
    for row in range(len(asked)):
        alone = prepare(vlm, asked.iloc[[row]])
        ends = sorted(vlm.end_tokens)
        found = vlm.model.generate(**alone.inputs, max_new_tokens=6, do_sample=False, eos_token_id=ends)
        expected = [int(token) for token in found[0, alone.length :] if int(token) not in ends]
        assert [int(token) for token in said[row] if token != UNSAID] == expected
    few = continue_answers(vlm, take(vlm, batch, [2, 0]), logits.argmax(-1)[[2, 0]], 6)
    assert torch.equal(few, said[[2, 0]])


@pytest.mark.parametrize("fitting", [0, 2, 5])
def test_answers_go_on_from_the_keys_that_memory_took_and_run_the_other_prompts_again(
    fitting: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm = load_model(save_tiny(tmp_path / "model", "llava"), device="cpu")
    asked = questions_table(tmp_path / "pictures")
    batch, runs, n_said = prepare(vlm, asked), [], 6
    with torch.inference_mode():
        logits = vlm.model(**batch.inputs, use_cache=False).logits[range(len(asked)), batch.lengths - 1]
    first = torch.tensor(logits.argmax(-1).tolist())
    said = continue_answers(vlm, batch, first, n_said).clone()
    first[1] = min(vlm.end_tokens)  # ends at once, and is left out from among the others
    said[1] = UNSAID
    token = prompt_keys.MOST_BYTES // prompt_keys.at_once(vlm, 1)
    monkeypatch.setattr(prompt_keys, "MOST_BYTES", fitting * token * (batch.length + n_said))
    keys = PromptKeys(vlm, n_said)
    forward_lockstep(vlm, batch, [get_condition("baseline"), get_condition("strict")], keys=keys)
    assert len(keys) == fitting
    with vlm.decoder_layers[0].register_forward_pre_hook(
        lambda _module, args, kwargs: runs.append((args[0] if args else kwargs["hidden_states"]).shape[:2]),
        with_kwargs=True,
    ):
        assert torch.equal(continue_answers(vlm, batch, first, n_said, keys), said)
    again = sum(n for n, length in runs if length > 1)
    assert again == int((said[fitting:, 0] != UNSAID).sum())


def test_an_extraction_runs_no_prompt_twice(tmp_path: Path) -> None:
    runs: list[int] = []
    vlm, asked = talker("vicuna", "A dog"), table(tmp_path, ["dog", "left", "dog"])
    tower = vlm.model.model.get_input_embeddings()
    with tower.register_forward_hook(lambda _module, args, _out: runs.append(args[0].shape[1])):
        found = extract(vlm, asked, ["baseline", "strict"])
    assert set(found["said"].values) == {"A dog"}
    whole = [length for length in runs if length > 1]
    assert len(whole) == 1 + 2 + 1, "lockstep's check, the reference under both conditions, and the batch"
    assert len(runs) - len(whole) == 2, "one token at a time, until the end is said"


@pytest.mark.parametrize(
    ("asked_for", "told"),
    [({"scoring": "words"}, "scoring is 'words'"), ({"max_new_tokens": 0}, "max_new_tokens is 0")],
)
def test_an_impossible_scoring_is_refused(asked_for: dict[str, str | int], told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        extract(talker("vicuna", "left"), table(tmp_path, ["left"]), ["baseline"], **asked_for)  # type: ignore[arg-type]


def test_without_the_untouched_model_first_tokens_decide(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="no condition leaves the model untouched"):
        found = extract(talker("vicuna", "Left behind"), table(tmp_path, ["left"]), ["strict"])
    assert found.attrs["scoring"] == "first-token" and found["correct"].all()


def test_older_stores_were_scored_by_the_first_token(tmp_path: Path) -> None:
    found = open_activations(write_small(tmp_path / "store"))
    assert found.attrs["scoring"] == "first-token"
    assert np.array_equal(found["correct"], found["correct_first_token"])


@pytest.mark.parametrize("n", [1, 3])
def test_who_ends_at_once_says_nothing(n: int, tmp_path: Path) -> None:
    vlm = load_model(save_tiny(tmp_path / "model", "llava"), device="cpu")
    batch = prepare(vlm, questions_table(tmp_path, n))
    first = torch.full((n,), min(vlm.end_tokens))
    assert (continue_answers(vlm, batch, first, 4) == UNSAID).all()
