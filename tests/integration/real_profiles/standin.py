"""What a profile of a real model needs, made small: a model that reads English and was taught what to say.

Its weights are random but for the last layer, which is fitted until the model says the answers that it was taught to
the very questions and pictures that it was taught them about. So every number that rests on answers is known
beforehand, while states, attention and knockouts are those of a model that nobody arranged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoProcessor,
    LlavaForConditionalGeneration,
    LlavaNextForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from analysis_lib.models import VisionLanguageModel, load_model, prepare
from analysis_lib.tasks import load_questions
from tests.unit.answers.talkers import LAYOUTS
from tests.unit.models.tiny import save_tiny

MODELS = {"llava": LlavaForConditionalGeneration, "llava_next": LlavaNextForConditionalGeneration}
WIDTH = 128
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
# As llava-hf's checkpoints have it: pictures first, and marks around what an assistant generates.
VICUNA = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ content['text'] + ' '}}{% endfor %}"
    "{% else %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
WORDS_OF_PROMPTS = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions. USER: ASSISTANT: Answer the question using a single word or phrase."
)


def tokenizer(layout: str, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Subwords learnt from texts: SentencePiece's with bytes for what is unknown, as Vicuna's are, or bytes' pairs."""
    marks = list(LAYOUTS[layout].marks)
    special = [*SPECIAL, *marks]
    learnt = [text for one in texts for text in (one, one.title())] + [WORDS_OF_PROMPTS] * 3
    raw = _sentencepiece(learnt, special) if layout == "vicuna" else _bytes(learnt, special)
    begin = ("<s>", raw.token_to_id("<s>"))
    raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[begin])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>" if layout == "vicuna" else None,
        extra_special_tokens={"image_token": "<image>"},
        additional_special_tokens=marks,
    )


def _sentencepiece(texts: Sequence[str], special: list[str]) -> Tokenizer:
    raw = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()  # for learning, so that no piece goes beyond a word
    of_bytes = [f"<0x{byte:02X}>" for byte in range(256)]
    raw.train_from_iterator(texts, _trainer([*special, *of_bytes]))
    raw.pre_tokenizer = None  # type: ignore[assignment]
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    raw.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return raw


def _bytes(texts: Sequence[str], special: list[str]) -> Tokenizer:
    raw = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+"), "isolated")
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pieces, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = _trainer(special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    raw.train_from_iterator([*texts, *(f" {text}" for text in texts)], trainer)
    return raw


def _trainer(special: list[str], **asked: Any) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(vocab_size=2000, special_tokens=special, show_progress=False, **asked)


def save_model(folder: Path, kind: str, layout: str, texts: Iterable[str]) -> Path:
    """Random weights of ``kind`` that read ``texts``, with processor and template as its real checkpoint has them."""
    save_tiny(folder, kind, width=WIDTH)
    words = tokenizer(layout, texts)
    config = AutoConfig.from_pretrained(folder)
    config.text_config.vocab_size = len(words)
    config.text_config.eos_token_id = words.convert_tokens_to_ids(LAYOUTS[layout].end)
    config.image_token_index = words.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    MODELS[kind](config).save_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    processor.tokenizer = words
    processor.chat_template = VICUNA if layout == "vicuna" else LAYOUTS[layout].template
    processor.save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Taught:
    """A model, and what it says to which questions.

    Attributes
    ----------
    folder
        where it lies.
    questions
        from `load_questions`, with what it ``says``; whether that is the answer, ``right``, and whether its first
        token begins the answer, ``begins_right``.
    """

    folder: Path
    questions: pd.DataFrame

    def of(self, task: str) -> pd.DataFrame:
        """The rows of one task, by question."""
        return self.questions.query("task == @task").set_index("question_id")


def says_what(questions: pd.DataFrame) -> pd.DataFrame:
    """One task's questions with what a real model would say to them: mostly the answer, as such a model writes it."""
    answers = sorted(set(questions["answer"]))
    rows = []
    for number, answer in enumerate(questions["answer"]):
        capital = answer.capitalize()
        another = next(one for one in answers if one[0] != answer[0]).capitalize()
        rows.append(
            [
                (capital, True, True),
                (f"{capital}.", True, True),
                (answer, True, True),
                (f"The {answer}", True, False),
                (capital, True, True),
                (another, False, False),
                (capital, True, True),
                (f"{capital} side", False, True),
                (f"A {answer}.", True, False),
                (capital, True, True),
            ][number % 10]
        )
    return questions.assign(**dict(zip(("says", "right", "begins_right"), zip(*rows, strict=True), strict=True)))


def save_taught(
    folder: Path,
    kind: str,
    questions: pd.DataFrame,
    texts: Iterable[str],
    layout: str = "vicuna",
    prompt: str | None = None,
) -> Taught:
    """A model of ``kind`` that was taught what `says_what` tells of each task's questions."""
    save_model(folder, kind, layout, texts)
    lessons = pd.concat([says_what(mine) for _, mine in questions.groupby("task", sort=False)], ignore_index=True)
    _teach(load_model(folder, device="cpu", prompt=prompt), lessons, " " if layout == "vicuna" else "").save_pretrained(
        folder
    )
    return Taught(folder, lessons)


def _teach(vlm: VisionLanguageModel, lessons: pd.DataFrame, lead: str) -> Any:
    """Fit the last layer until the model says what it is taught, behind what the template puts before an answer."""
    states, following = [], []
    for at in range(0, len(lessons), 25):
        some = lessons.iloc[at : at + 25]
        for found, tokens in _states(vlm, some, _answers(vlm, some, lead)):
            states.append(found)
            following.append(tokens)
    fitted = _fit(torch.cat(states), torch.cat(following), len(vlm.tokenizer))
    with torch.no_grad():
        vlm.model.lm_head.weight.copy_(fitted)
    return vlm.model


def _answers(vlm: VisionLanguageModel, lessons: pd.DataFrame, lead: str) -> list[list[int]]:
    """The tokens that follow each prompt when the answer does, and the end."""
    found = []
    for question, says in zip(lessons["question"], lessons["says"], strict=True):
        cue = vlm.prompt.replace("{question}", question)
        before, whole = (
            vlm.tokenizer(text, add_special_tokens=False)["input_ids"] for text in (cue, cue + lead + says)
        )
        assert whole[: len(before)] == before and len(whole) > len(before)
        found.append([*whole[len(before) :], vlm.model.config.text_config.eos_token_id])
    return found


@torch.inference_mode()
def _states(
    vlm: VisionLanguageModel, questions: pd.DataFrame, answers: list[list[int]]
) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """What the last layer reads where each token of an answer is due, with these tokens."""
    batch = prepare(vlm, questions)
    longest = max(map(len, answers))
    ids = torch.nn.functional.pad(batch.inputs["input_ids"], (0, longest), value=vlm.tokenizer.pad_token_id)
    mask = torch.nn.functional.pad(batch.inputs["attention_mask"], (0, longest))
    for row, (length, tokens) in enumerate(zip(batch.lengths.tolist(), answers, strict=True)):
        ids[row, length : length + len(tokens)] = torch.tensor(tokens)
        mask[row, length : length + len(tokens)] = 1
    states = vlm.model.model(**batch.inputs | {"input_ids": ids, "attention_mask": mask}).last_hidden_state
    for row, (length, tokens) in enumerate(zip(batch.lengths.tolist(), answers, strict=True)):
        yield states[row, length - 1 : length - 1 + len(tokens)].clone(), torch.tensor(tokens)


def _fit(states: torch.Tensor, tokens: torch.Tensor, n_tokens: int) -> torch.Tensor:
    """Weights ``(n_tokens, width)`` of a softmax regression of the next token; those of tokens never said are zero."""
    used, which = tokens.unique(return_inverse=True)
    weight = torch.zeros(len(used), states.shape[1], requires_grad=True)
    never = torch.full((len(states), 1), float(np.log(n_tokens - len(used))))
    optimizer = torch.optim.LBFGS([weight], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = torch.cat([states @ weight.T, never], 1)
        value = torch.nn.functional.cross_entropy(logits, which) + 1e-5 * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    assert bool((states @ weight.T).argmax(1).eq(which).all()), "it cannot be taught so much"
    fitted = torch.zeros(n_tokens, states.shape[1])
    fitted[used] = weight.detach()
    return fitted


def lay_out_gqa(folder: Path, questions_file: Path, tasks: Sequence[str], n: int, seed: int = 0) -> pd.DataFrame:
    """The questions read where they lie, with noise for the pictures of those ``n`` a task that ``seed`` draws."""
    (folder / "images").mkdir(parents=True)
    (folder / "val_balanced_questions.json").symlink_to(questions_file)
    rng = np.random.default_rng(seed)
    drawn = [load_questions(folder, task, n=n, seed=seed) for task in tasks]
    for name in pd.concat(drawn)["image_id"].unique():
        width, height = rng.integers(40, 90, 2)
        noise = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        noise.save(folder / "images" / f"{name}.jpg")
    return pd.concat([load_questions(folder, task, n=n, seed=seed) for task in tasks], ignore_index=True)


def texts_of(questions_file: Path) -> list[str]:
    """All questions with their answers, to learn subwords from."""
    records = json.loads(questions_file.read_text(encoding="utf-8")).values()
    return [f"{record['question']} {record['answer']}" for record in records]
