"""Spans: they cover the prompt, do not overlap, and hold the tokens that their names promise."""

from __future__ import annotations

import functools
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import CLIPImageProcessorPil, LlavaProcessor, PreTrainedTokenizerFast

from analysis_lib.models import PROMPTS, SPAN_NAMES, Spans, VisionLanguageModel, prepare, span_mask
from analysis_lib.models.prompts import check_prompt
from analysis_lib.worlds.mini.architectures.word_tokenizer import VOCABULARY, words
from tests.unit.models.tiny import PATCH, PINPOINTS, TILE

PLAIN_WORDS = [word for word in VOCABULARY if word.isalpha()]
WORDS = st.lists(st.sampled_from(PLAIN_WORDS), min_size=1, max_size=12).map(" ".join)
QUESTION = st.tuples(WORDS, st.sampled_from(["", "?", " ?", ".", ", or"])).map("".join)
PARTS = SPAN_NAMES[:-1]

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask(questions: pd.DataFrame, *texts: str) -> pd.DataFrame:
    return questions.iloc[: len(texts)].assign(question=list(texts))


def tokens(batch: Any, row: int, name: str) -> list[int]:
    first, stop = getattr(batch.spans[row], name)
    return batch.inputs["input_ids"][row, first:stop].tolist()


def assert_partition(spans: Spans, length: int) -> None:
    bounds = [getattr(spans, name) for name in PARTS]
    assert bounds[0][0] == 0 and bounds[-1][1] == length == spans.length
    assert all(one[1] == two[0] for one, two in zip(bounds, bounds[1:], strict=False)), "no gap, no overlap"
    assert all(first <= stop for first, stop in bounds)
    assert spans.last == (length - 1, length) and spans.tail[0] <= spans.last[0], "the last position ends the tail"


@relaxed
@given(texts=st.lists(QUESTION, min_size=1, max_size=4))
def test_spans_partition_the_prompt_and_hold_what_they_are_named_after(
    tiny: VisionLanguageModel, questions: pd.DataFrame, texts: list[str]
) -> None:
    batch = prepare(tiny, ask(questions, *texts))
    for row, text in enumerate(texts):
        real = int(batch.inputs["attention_mask"][row].sum())
        assert_partition(batch.spans[row], real)
        assert batch.inputs["attention_mask"][row, :real].all(), "padding stands on the right"
        assert tokens(batch, row, "system") == [VOCABULARY["<s>"], *words("USER:")]
        assert set(tokens(batch, row, "image")) == {tiny.image_token_id}
        assert tokens(batch, row, "gap") == words("\n")
        assert tokens(batch, row, "question") == words(text)
        assert tokens(batch, row, "tail") == words("ASSISTANT:")
    assert batch.lengths.tolist() == batch.inputs["attention_mask"].sum(1).tolist()
    assert batch.length == int(batch.lengths.max())


@relaxed
@given(
    text=QUESTION,
    before=st.one_of(st.just(""), WORDS),
    gap=st.one_of(st.sampled_from(["", "\n", " \n ", "\n\n"]), WORDS.map(lambda text: f" {text} ")),
    after=st.one_of(st.sampled_from([":", " :", "\n:"]), WORDS.map(lambda text: f" {text}")),
)
def test_spans_follow_any_template(
    tiny: VisionLanguageModel, questions: pd.DataFrame, text: str, before: str, gap: str, after: str
) -> None:
    vlm = replace(tiny, prompt=check_prompt(f"{before}<image>{gap}{{question}}{after}"))
    batch = prepare(vlm, ask(questions, text))
    assert_partition(batch.spans[0], batch.length)
    assert tokens(batch, 0, "system") == [VOCABULARY["<s>"], *words(before)]
    assert tokens(batch, 0, "gap") == words(gap)
    assert tokens(batch, 0, "question") == words(text)
    assert tokens(batch, 0, "tail") == words(after)


@pytest.mark.parametrize("name", PROMPTS)
def test_the_named_prompts_keep_the_question_apart(
    tiny: VisionLanguageModel, questions: pd.DataFrame, name: str
) -> None:
    batch = prepare(replace(tiny, prompt=PROMPTS[name]), ask(questions, "is the box red?"))
    assert_partition(batch.spans[0], batch.length)
    assert tokens(batch, 0, "question") == words("is the box red?")


def test_a_question_that_repeats_the_cue_is_told_from_it(tiny: VisionLanguageModel, questions: pd.DataFrame) -> None:
    text = "ASSISTANT: USER:\nASSISTANT: {question} ASSISTANT:"
    batch = prepare(tiny, ask(questions, text))
    assert tiny.tokenizer.decode(tokens(batch, 0, "tail")).split() == ["assistant", ":"]
    assert tokens(batch, 0, "question") == tiny.tokenizer(text, add_special_tokens=False)["input_ids"]


@relaxed
@given(text=st.text(min_size=1, max_size=40))
def test_any_text_is_located_or_refused_by_name(tiny: VisionLanguageModel, questions: pd.DataFrame, text: str) -> None:
    try:
        batch = prepare(tiny, ask(questions, text))
    except ValueError as error:
        assert "question q0" in str(error)
        return
    assert_partition(batch.spans[0], batch.length)
    assert tokens(batch, 0, "tail") == words("ASSISTANT:")
    assert tokens(batch, 0, "gap")[0] == VOCABULARY["\n"]


def test_the_picture_of_llava_next_takes_as_many_tokens_as_its_tiles_and_row_ends(
    tiny: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    batch = prepare(tiny, questions)
    side = TILE // PATCH
    for row, spans in enumerate(batch.spans):
        n_tokens = spans.image[1] - spans.image[0]
        if "image_sizes" not in batch.inputs:
            assert n_tokens == side**2
            continue
        height, width = batch.inputs["image_sizes"][row].tolist()
        scale = {(h, w): min(h / height, w / width) for h, w in PINPOINTS}
        effective = {(h, w): min(int(height * s) * int(width * s), height * width) for (h, w), s in scale.items()}
        best = max(effective, key=lambda size: (effective[size], effective[size] - size[0] * size[1]))
        rows, columns = best[0] // PATCH, best[1] // PATCH
        if width / height > columns / rows:
            rows -= (rows - int(round(height * columns / width, 7))) // 2 * 2
        else:
            columns -= (columns - int(round(width * rows / height, 7))) // 2 * 2
        assert n_tokens == side**2 + rows * columns + rows, "base tile, unpadded tiles, one newline per row"


@pytest.mark.parametrize("text", ["", "   ", " \t "])
def test_an_empty_question_is_refused_by_name(tiny: VisionLanguageModel, questions: pd.DataFrame, text: str) -> None:
    with pytest.raises(ValueError, match=r"question q1 .*not found among the tokens.*not empty"):
        prepare(tiny, ask(questions, "what?", text))


@pytest.mark.parametrize("text", ["what is <image>?", "</s> what?", "<pad>", "a <unk>"])
def test_control_tokens_inside_a_question_are_refused_by_name(
    tiny: VisionLanguageModel, questions: pd.DataFrame, text: str
) -> None:
    with pytest.raises(ValueError, match=r"question q1 .*contains the tokenizer's control tokens <"):
        prepare(tiny, ask(questions, "what?", text))


def test_a_prompt_longer_than_the_context_is_refused_with_both_lengths(
    tiny: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match=rf"\d+ tokens, but .* reads at most {tiny.context_length}"):
        prepare(tiny, ask(questions, "what " * 400))


def test_a_template_without_a_cue_has_no_predicting_position(
    tiny: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match=r"question q0 .*nothing follows the question.*end the prompt with a cue"):
        prepare(replace(tiny, prompt="<image> {question}"), ask(questions, "what?"))


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("USER: {question}", "<image> exactly once, but has it 0 times"),
        ("<image> <image> {question}", "<image> exactly once, but has it 2 times"),
        ("<image> what?", "{question} exactly once, but has it 0 times"),
        ("{question} <image> ASSISTANT:", "show the picture before the question"),
        ("llava-1.4", "<image> exactly once.*or one of llava-1.5, vicuna-v1-short"),
    ],
)
def test_an_unusable_template_is_refused(template: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_prompt(template)


def test_locating_refuses_what_is_no_single_picture_before_a_question() -> None:
    offsets = [(i, i + 1) for i in range(6)]
    good = Spans.locate([1, 9, 9, 5, 6, 7], offsets, 9, (4, 5))
    assert good == Spans((0, 1), (1, 3), (3, 4), (4, 5), (5, 6), (5, 6))
    for ids, characters, complaint in (
        ([1, 2, 3, 5, 6, 7], (4, 5), "no picture token"),
        ([1, 9, 3, 9, 6, 7], (4, 5), "not contiguous"),
        ([1, 2, 3, 9, 9, 7], (1, 2), "not found"),
        ([1, 9, 9, 5, 6, 7], (5, 6), "nothing follows"),
    ):
        with pytest.raises(ValueError, match=complaint):
            Spans.locate(ids, offsets, 9, characters)


def test_the_mask_of_a_span_is_true_exactly_there(tiny: VisionLanguageModel, questions: pd.DataFrame) -> None:
    batch = prepare(tiny, questions)
    masks = {name: span_mask(batch.spans, name, batch.length) for name in SPAN_NAMES}
    covered = torch.stack([masks[name] for name in PARTS]).sum(0)
    assert torch.equal(covered, batch.inputs["attention_mask"]), "every real token once, padding never"
    assert masks["last"].sum(1).tolist() == [1] * len(questions)
    assert torch.equal(masks["image"], batch.inputs["input_ids"] == tiny.image_token_id)
    with pytest.raises(ValueError, match="unknown span 'questions'; the spans are system, image"):
        span_mask(batch.spans, "questions", batch.length)


@functools.cache
def subword_model() -> VisionLanguageModel:
    """A processor around a byte-pair tokenizer in the manner of Llama's: words carry the space in front of them."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
    corpus = [f"{PROMPTS['vicuna-v1-short']} is the box red or blue? what is it ? {' '.join(PLAIN_WORDS)}"] * 3
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(vocab_size=400, special_tokens=special + [f"<0x{byte:02X}>" for byte in range(256)]),
    )
    start = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", start)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens={"image_token": "<image>"},
    )
    looks = CLIPImageProcessorPil(size={"shortest_edge": TILE}, crop_size={"height": TILE, "width": TILE})
    processor = LlavaProcessor(
        looks, fast, patch_size=PATCH, vision_feature_select_strategy="default", num_additional_image_tokens=1
    )
    config = SimpleNamespace(
        model_type="llava",
        image_token_id=fast.convert_tokens_to_ids("<image>"),
        text_config=SimpleNamespace(max_position_embeddings=4096),
    )
    model = SimpleNamespace(config=config, dtype=torch.float32, device="cpu")
    return VisionLanguageModel("subword", model, processor, PROMPTS["vicuna-v1-short"])


@relaxed
@given(text=st.one_of(QUESTION, st.text(min_size=1, max_size=20)))
def test_subword_tokens_of_the_question_are_the_ones_that_touch_its_text(questions: pd.DataFrame, text: str) -> None:
    vlm = subword_model()
    control = any(token in text for token in vlm.tokenizer.all_special_tokens)
    try:
        batch = prepare(vlm, ask(questions, text))
    except ValueError as error:
        assert control or not text.strip() or "question q0" in str(error)
        return
    assert_partition(batch.spans[0], batch.length)
    squeeze = "".join(vlm.tokenizer.decode(tokens(batch, 0, "question")).split())
    if text.isascii():
        assert "".join(text.split()) in squeeze, "the whole question"
        assert squeeze.replace("".join(text.split()), "", 1) == "", "and nothing else"
    assert "ASSISTANT:" in vlm.tokenizer.decode(tokens(batch, 0, "tail"))


def test_the_answer_token_is_the_first_one_after_the_cue(tiny: VisionLanguageModel) -> None:
    for answer in ("left", "red", "ball", "yes", "color", "Left", " left "):
        assert tiny.answer_token(answer) == VOCABULARY[answer.strip().lower()]
    assert tiny.answer_token("red ball") == VOCABULARY["red"]
    subword = subword_model()
    cue = subword.tokenizer(subword.prompt.split("{question}")[1].strip(), add_special_tokens=False)["input_ids"]
    for answer in ("left", "purple", "zebra crossing"):
        said = subword.tokenizer(f"ASSISTANT: {answer}", add_special_tokens=False)["input_ids"]
        remembered = subword.tokenizer("ASSISTANT:", add_special_tokens=False)["input_ids"]
        assert said[: len(remembered)] == remembered and cue[-len(remembered) + 1 :] == remembered[1:]
        assert subword.answer_token(answer) == said[len(remembered)]


@pytest.mark.parametrize("answer", ["", "  ", "\t"])
def test_an_empty_answer_is_refused(tiny: VisionLanguageModel, answer: str) -> None:
    with pytest.raises(ValueError, match="adds no token after the prompt; an answer needs at least one word"):
        tiny.answer_token(answer)


def test_an_answer_that_the_model_cannot_say_is_refused(tiny: VisionLanguageModel) -> None:
    with pytest.raises(ValueError, match="'zebra' is not in the vocabulary"):
        tiny.answer_token("zebra")


def test_a_processors_own_chat_template_is_taken(tiny: VisionLanguageModel) -> None:
    assert tiny.prompt == PROMPTS["llava-1.5"]
