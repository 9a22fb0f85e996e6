"""What extraction costs, lockstep against three other ways of getting the same numbers, as ratios within one run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from analysis_lib.activations import (
    Condition,
    allowed_mask,
    forward_condition,
    forward_lockstep,
    get_condition,
    knocked_out,
    window_conditions,
)
from analysis_lib.activations.batching import arrange
from analysis_lib.activations.decoder import with_features
from analysis_lib.models import PROMPTS, Batch, VisionLanguageModel, prepare, span_mask
from analysis_lib.worlds.mini.architectures.word_tokenizer import IMAGE_TOKEN, VOCABULARY, build_tokenizer
from tests.unit.models.tiny import questions_table

LAYERS, WIDTH, PATCH = 12, 192, 8
VOCABULARY_SIZE = 740  # the head is 2 % of the decoder's weights, as in LLaVA-1.5-7B
WINDOW = 3
N_QUESTIONS, BATCH = 20, 4
BARS = {
    ("12 windows", 49, "batched hooks"): 3.5,
    ("12 windows", 256, "batched hooks"): 6.0,
    ("12 windows", 49, "one by one"): 6.0,
    ("12 windows", 256, "one by one"): 9.0,
    ("1 knockout", 49, "nnsight"): 1.4,
    ("1 knockout", 256, "nnsight"): 1.4,
}


def benchmark_model(image_tokens: int) -> VisionLanguageModel:
    """A random LLaVA of 12 layers, 192 wide, that sees a picture as a square of ``image_tokens`` tokens."""
    torch.manual_seed(0)
    side = PATCH * int(image_tokens**0.5)
    vision = CLIPVisionConfig(
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=side,
        patch_size=PATCH,
        projection_dim=96,
    )
    text = LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=6,
        max_position_embeddings=1024,
        bos_token_id=VOCABULARY["<s>"],
        eos_token_id=VOCABULARY["</s>"],
        pad_token_id=VOCABULARY["<pad>"],
        tie_word_embeddings=False,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=VOCABULARY[IMAGE_TOKEN],
        image_seq_length=image_tokens,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side}),
        tokenizer=build_tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE_TOKEN,
    )
    config._attn_implementation = "sdpa"
    model = LlavaForConditionalGeneration(config).eval()
    return VisionLanguageModel("benchmark", model, processor, PROMPTS["llava-1.5"])


Work = Callable[[], Any]


def naive(vlm: VisionLanguageModel, batches: list[pd.DataFrame], conditions: list[Condition]) -> Work:
    """The published practice: one question, one condition at a time, everything asked of the model."""
    alone = [prepare(vlm, batch.iloc[[row]]) for batch in batches for row in range(len(batch))]
    return lambda: [hidden_states(vlm, one, condition) for condition in conditions for one in alone]


def batched_hidden_states(vlm: VisionLanguageModel, batches: list[pd.DataFrame], conditions: list[Condition]) -> Work:
    """Batched, ``output_hidden_states``, vision features computed once."""
    return _with_cached_vision(vlm, batches, conditions, hidden_states)


def batched_hooks(vlm: VisionLanguageModel, batches: list[pd.DataFrame], conditions: list[Condition]) -> Work:
    """Batched, hooks that pool states as they appear, vision features computed once: the reference backend."""
    return _with_cached_vision(vlm, batches, conditions, forward_condition)


def with_nnsight(vlm: VisionLanguageModel, batches: list[pd.DataFrame], conditions: list[Condition]) -> Work:
    """Batched, nnsight's traces in the place of hooks, vision features computed once."""
    import nnsight

    traced = nnsight.NNsight(vlm.model)

    def forward(_: VisionLanguageModel, batch: Batch, condition: Condition) -> Any:
        masks = [span_mask(batch.spans, span, batch.length)[..., None] for span in ("image", "question")]
        cut = [allowed_mask(batch.spans, condition.knockouts, n, batch.length) for n in range(LAYERS)]
        with torch.inference_mode(), traced.trace(**batch.inputs):
            pooled = nnsight.save([])
            for layer, allowed in zip(traced.model.language_model.layers, cut, strict=True):
                arguments, named = layer.self_attn.inputs
                if condition.knockouts:
                    layer.self_attn.inputs = (arguments, {**named, "attention_mask": allowed})
                states = layer.output
                states = states[0] if isinstance(states, tuple) else states
                for mask in masks:
                    pooled.append(torch.where(mask, states, 0).sum(1) / mask.sum(1))
            logits = nnsight.save(traced.lm_head.output)
        return [*pooled, last_logits(batch, logits)]

    return _with_cached_vision(vlm, batches, conditions, forward)


def with_transformer_lens(vlm: VisionLanguageModel, batches: list[pd.DataFrame], conditions: list[Condition]) -> Work:
    """Batched, TransformerLens' cache in the place of hooks, vision features computed once.

    Its bridge rewrites the modules of the model that it is given, which is a copy therefore.
    """
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    model = copy.deepcopy(vlm.model)
    bridge = build_bridge_from_module(model, type(model).__name__, hf_config=model.config)
    kept = [f"blocks.{n}.hook_resid_post" for n in range(LAYERS)]

    def cut(allowed: torch.Tensor) -> Callable[..., torch.Tensor]:
        return lambda scores, hook: scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)

    def forward(_: VisionLanguageModel, batch: Batch, condition: Condition) -> list[torch.Tensor]:
        others = dict(batch.inputs)
        tokens = others.pop("input_ids")
        hooks = [
            (f"blocks.{n}.attn.hook_attn_scores", cut(allowed_mask(batch.spans, condition.knockouts, n, batch.length)))
            for n in range(LAYERS if condition.knockouts else 0)
        ]
        with torch.inference_mode(), bridge.hooks(fwd_hooks=hooks):
            logits, cache = bridge.run_with_cache(tokens, names_filter=kept, **others)
        return [*pooled_spans(batch, [cache[name] for name in kept]), last_logits(batch, logits)]

    return _with_cached_vision(vlm, batches, conditions, forward)


PEERS = {"nnsight": with_nnsight, "transformer_lens": with_transformer_lens}
"""Libraries that look into a model as it runs, by the name of the package: timed where they are installed."""


def lockstep(vlm: VisionLanguageModel, batches: list[pd.DataFrame], conditions: list[Condition]) -> Work:
    """Prefix and all conditions together."""
    prepared = [prepare(vlm, batch) for batch in batches]
    return lambda: [forward_lockstep(vlm, batch, conditions) for batch in prepared]


def _with_cached_vision(
    vlm: VisionLanguageModel,
    batches: list[pd.DataFrame],
    conditions: list[Condition],
    forward: Callable[[VisionLanguageModel, Batch, Condition], Any],
) -> Work:
    prepared = [prepare(vlm, batch) for batch in batches]

    def work() -> None:
        for batch in prepared:
            with torch.inference_mode():
                seen = with_features(vlm, batch, range(len(batch.spans)))
            for condition in conditions:
                forward(vlm, seen, condition)

    return work


@torch.inference_mode()
def hidden_states(vlm: VisionLanguageModel, batch: Batch, condition: Condition) -> list[torch.Tensor]:
    """Pooled entries of ``output_hidden_states`` and the prediction."""
    with knocked_out(vlm, batch, condition):
        out = vlm.model(**batch.inputs, output_hidden_states=True, use_cache=False)
    return [*pooled_spans(batch, out.hidden_states), last_logits(batch, out.logits)]


def pooled_spans(batch: Batch, layers: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Means over the image's and over the question's tokens, of every layer's states."""
    masks = [span_mask(batch.spans, span, batch.length)[..., None] for span in ("image", "question")]
    return [torch.where(mask, states, 0).sum(1) / mask.sum(1) for mask in masks for states in layers]


def last_logits(batch: Batch, logits: torch.Tensor) -> torch.Tensor:
    """Logits at each prompt's last token."""
    return logits[torch.arange(len(batch.spans)), batch.lengths - 1]


def cpu_seconds(works: dict[str, Work], repeats: int) -> pd.DataFrame:
    """CPU time of each, a row per repeat; they take turns, so that a busy machine hits all of them alike."""
    for work in works.values():  # the first run of anything loads libraries
        work()
    taken = []
    for _ in range(repeats):
        row = {}
        for name, work in works.items():
            start = time.process_time()
            work()
            row[name] = time.process_time() - start
        taken.append(row)
    return pd.DataFrame(taken)


def extraction_rows(
    folder: Path, repeats: int = 3, sizes: Sequence[int] = (49, 256), n_questions: int = N_QUESTIONS
) -> pd.DataFrame:
    """Every case on one thread, as rows of ``case, compared_with, repeat, ours_seconds, reference_seconds, bar``.

    ``sizes`` are numbers of image tokens. Seconds are CPU seconds per question and condition; ``bar`` is the ratio to
    reach, missing where none is set. The rows of `PEERS` that are not installed are missing.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return pd.DataFrame(
            [
                row
                for image_tokens in sizes
                for kind in ("12 windows", "1 knockout")
                for row in _rows(folder, image_tokens, kind, repeats, n_questions)
            ],
            columns=["case", "compared_with", "repeat", "ours_seconds", "reference_seconds", "bar"],
        )
    finally:
        torch.set_num_threads(threads)


def extraction_cases(folder: Path) -> pd.DataFrame:
    """The rows as ``case, compared_with, ours_seconds, reference_seconds, bar, ratio``, of the least times."""
    each = extraction_rows(folder).drop(columns="repeat")
    cases = each.groupby(["case", "compared_with"], sort=False).min().reset_index()
    return cases.assign(ratio=cases["reference_seconds"] / cases["ours_seconds"])


def _rows(folder: Path, image_tokens: int, kind: str, repeats: int, n_questions: int) -> list[tuple[Any, ...]]:
    vlm = benchmark_model(image_tokens)
    questions = questions_table(folder, n_questions)
    arranged = questions.iloc[arrange(vlm, questions)]
    batches = [arranged.iloc[start : start + BATCH] for start in range(0, n_questions, BATCH)]
    # One by one costs the same per question whatever their number: a few stand for all.
    few = [batch.iloc[[0]] for batch in batches]
    cut = window_conditions("paper", LAYERS, WINDOW) if kind == "12 windows" else [get_condition("paper")]
    conditions = [get_condition("baseline"), *cut]
    works = {
        "lockstep": lockstep(vlm, batches, conditions),
        "batched hooks": batched_hooks(vlm, batches, conditions),
        "batched output_hidden_states": batched_hidden_states(vlm, batches, conditions),
        "one by one": naive(vlm, few, conditions),
    }
    if kind == "1 knockout":
        peers = {name: build for name, build in PEERS.items() if find_spec(name)}
        works |= {name: build(vlm, batches, conditions) for name, build in peers.items()}
    runs = {name: len(conditions) * (len(few) if name == "one by one" else n_questions) for name in works}
    each = cpu_seconds(works, repeats) / pd.Series(runs)
    return [
        (
            f"extraction, {kind}, {image_tokens} image tokens",
            name,
            repeat,
            times["lockstep"],
            times[name],
            BARS.get((kind, image_tokens, name)),
        )
        for name in works
        if name != "lockstep"
        for repeat, times in each.iterrows()
    ]
