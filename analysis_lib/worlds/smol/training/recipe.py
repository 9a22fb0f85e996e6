"""The whole recipe: vision, then language with the tower frozen, measured and saved as it goes.

What comes out is a folder with the weights of tower, projector and adapters, in four bits, and ``training.json``: the
recipe, the learning curve, and accuracies on unseen scenes with pictures shown and hidden.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from analysis_lib.files import write_atomically

from ..adapters import Adapters
from ..pretrained_decoder import IMAGE_TOKEN
from ..scene_pictures import render
from ..smol_llava import build_llava, llava_config, normalize_pixels, tower_config
from ..storage import learned, load_weights, restore, save_weights
from .accuracy import held_out_accuracy
from .loop import Stage, run_stage
from .packing import PackedQuestions, Pictures, Tokens, evaluation_shares
from .reader import Reader
from .vision import VisionStage

__all__ = ["Recipe", "train"]

_CURVE_SEED, _REPORT_SEED = 9, 2026
"""Seeds of the scenes behind the learning curve and behind the reported accuracy; training never draws either."""
_VISION, _LANGUAGE = 0, 1


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is learnt, and how fast.

    Attributes
    ----------
    seed
        of weights and data.
    vision_steps, language_steps
        updates of each stage, or vision_seconds, language_seconds: how long each lasts.
    vision_pictures, language_pictures
        pictures per update.
    rank
        of the adapters.
    vision_rate, adapter_rate, projector_rate
        peak learning rates.
    tower_width, tower_layers
        size of the tower.
    curve_batches, report_batches
        packed batches behind a point of the curve and behind the report.
    device, compiled, attention, workers
        how it is computed.
    started, until
        when the run began and when training is to end, by the monotonic clock; with ``until`` the language stage takes
        the time that is left.
    """

    seed: int = 0
    vision_steps: int | None = None
    language_steps: int | None = None
    vision_seconds: float | None = None
    language_seconds: float | None = None
    vision_pictures: int = 512
    language_pictures: int = 48
    rank: int = 32
    vision_rate: float = 1e-3
    adapter_rate: float = 1.2e-3
    projector_rate: float = 5e-4
    tower_width: int = 256
    tower_layers: int = 6
    curve_batches: int = 2
    report_batches: int = 12
    device: str = "cpu"
    compiled: bool = False
    attention: str = "sdpa"
    workers: int = 0
    started: float = field(default_factory=time.monotonic)
    until: float | None = None

    @property
    def dtype(self) -> torch.dtype:
        """What the decoder computes in."""
        return torch.bfloat16 if self.device == "cuda" else torch.float32


def train(recipe: Recipe, decoder: Any, tokenizer: Any, output: Path, work: Path) -> dict[str, Any]:
    """Run the recipe on a pretrained decoder and write ``output``; ``work`` keeps checkpoints to resume from.

    Parameters
    ----------
    decoder
        a LlamaForCausalLM in float32; tokenizer: its tokenizer, with ``<image>``.

    Returns
    -------
    What is written to ``training.json``.
    """
    torch.manual_seed(recipe.seed)
    torch.set_float32_matmul_precision("high")
    device = torch.device(recipe.device)
    tokens = Tokens(tokenizer)
    config = llava_config(
        tower_config(recipe.tower_width, recipe.tower_layers),
        decoder.config,
        int(tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)),
    )
    llava = build_llava(config, decoder.state_dict()).requires_grad_(False).to(device)
    adapters = Adapters(llava.model.language_model, recipe.rank).to(device)
    report: dict[str, Any] = {"recipe": _recorded(recipe), "versions": {"torch": torch.__version__}}
    curve = _vision(recipe, llava, tokens, work, device)
    llava.model.multi_modal_projector.requires_grad_(True)
    reader = _reader(recipe, llava, adapters, tokens)

    def save(log: list[dict[str, Any]]) -> None:
        save_weights(learned(llava, adapters), output)
        _write_report(output, report | {"curve": curve + log, "complete": False})

    curve += _language(recipe, reader, tokens, work, device, save)
    restore(llava, adapters, load_weights(output))  # what is reported is what is shipped
    unseen = _unseen(recipe, tokens, _REPORT_SEED, recipe.report_batches)
    report["accuracy"] = held_out_accuracy(reader, unseen, _REPORT_SEED)
    report["hidden_accuracy"] = held_out_accuracy(reader, unseen, _REPORT_SEED, hide=_grey)
    report["questions"] = int(sum((batch.family >= 0).sum() for batch in unseen))
    report |= {"curve": curve, "seconds": round(time.monotonic() - recipe.started, 1), "complete": True}
    _write_report(output, report)
    return report


def _vision(recipe: Recipe, llava: Any, tokens: Tokens, work: Path, device: torch.device) -> list[dict[str, Any]]:
    stage = VisionStage(llava, tokens).to(device)
    for module in (stage.tower, stage.projector):
        module.requires_grad_(True)
    named = {name: p for name, p in stage.named_parameters() if "post_layernorm" not in name}
    figures: dict[str, torch.Tensor] = {}

    def loss_of(drawn: torch.Tensor, step: int) -> torch.Tensor:
        loss, right = stage(drawn.to(device, non_blocking=True), _picture_seed(recipe.seed, _VISION, step))
        figures.update(right)
        return loss

    schedule = Stage("vision", recipe.vision_steps, recipe.vision_seconds, warmup=100, measure_every=10.0)
    log = run_stage(
        schedule,
        named,
        [("", recipe.vision_rate)],
        lambda first: _stream(Pictures(recipe.vision_pictures, [recipe.seed, _VISION]), first, recipe),
        loss_of,
        work,
        lambda: {name: round(value.item(), 4) for name, value in figures.items()},
    )
    stage.requires_grad_(False)
    return log


def _language(
    recipe: Recipe, reader: Reader, tokens: Tokens, work: Path, device: torch.device, save: Any
) -> list[dict[str, Any]]:
    held_out = _unseen(recipe, tokens, _CURVE_SEED, recipe.curve_batches)
    asked, since = 0, time.monotonic()

    def loss_of(batch: Any, step: int) -> torch.Tensor:
        nonlocal asked
        asked += int((batch.family >= 0).sum())
        moved = batch.to(device)
        pictures = render(moved.drawn, _picture_seed(recipe.seed, _LANGUAGE, step)).pictures
        return reader(moved, normalize_pixels(pictures)).loss

    def measure() -> dict[str, float]:
        nonlocal asked, since
        speed, asked = asked / (time.monotonic() - since), 0
        figures = {"questions_per_second": round(speed)} | held_out_accuracy(reader, held_out, _CURVE_SEED)
        since = time.monotonic()
        return figures

    seconds = recipe.language_seconds if recipe.until is None else max(1.0, recipe.until - time.monotonic())
    named: dict[str, nn.Parameter] = {name: p for name, p in reader.named_parameters() if p.requires_grad}
    return run_stage(
        Stage("language", recipe.language_steps, seconds),
        named,
        [("adapters", recipe.adapter_rate), ("", recipe.projector_rate)],
        lambda first: _stream(
            PackedQuestions(tokens, recipe.language_pictures, [recipe.seed, _LANGUAGE]), first, recipe
        ),
        loss_of,
        work,
        measure,
        save,
    )


def _reader(recipe: Recipe, llava: Any, adapters: Adapters, tokens: Tokens) -> Reader:
    """The reader with the fastest attention that works here; what does not compile is replaced, and said so."""
    for compiled, attention in (
        (recipe.compiled, recipe.attention),
        (recipe.compiled, "sdpa"),
        (False, "sdpa"),
    ):
        reader = Reader(llava, adapters, tokens, recipe.dtype, attention, compiled).to(recipe.device)
        if not recipe.compiled:
            return reader
        try:
            _try_step(recipe, reader, tokens)
        except Exception as error:  # a compiler fails in many ways; the run must not be lost to any of them
            _say(f"{attention}, compiled {compiled}: {type(error).__name__}: {str(error)[:600]}")
            torch._dynamo.reset()
        else:
            return reader
    raise RuntimeError("the decoder runs under no kind of attention; the messages above say why")


def _try_step(recipe: Recipe, reader: Reader, tokens: Tokens) -> None:
    """A forward and a backward pass, which compile the layers; and how long the next ones take."""
    batch = _unseen(recipe, tokens, _CURVE_SEED, 1)[0].to(torch.device(recipe.device))
    pixels = normalize_pixels(render(batch.drawn, 0).pictures)
    for attempt in range(6):
        if attempt in (1, 2):
            torch.cuda.synchronize()
            started = time.monotonic()
        reader(batch, pixels).loss.backward()
        if attempt == 0:
            torch.cuda.synchronize()
            _say(f"{reader.attention}: first step after {time.monotonic() - recipe.started:.1f} s")
    torch.cuda.synchronize()
    milliseconds = (time.monotonic() - started) / 4 * 1000
    gigabytes = torch.cuda.max_memory_allocated() / 1e9
    _say(f"{reader.attention}: {milliseconds:.0f} ms a step, {gigabytes:.1f} GB")
    reader.zero_grad(set_to_none=True)


def _unseen(recipe: Recipe, tokens: Tokens, seed: int, n_batches: int) -> list[Any]:
    data = PackedQuestions(tokens, recipe.language_pictures, [seed], shares=evaluation_shares(), captions=False)
    return [data[number] for number in range(n_batches)]


def _stream(data: Dataset, first: int, recipe: Recipe) -> Any:
    """Batches from step ``first`` on, made ahead by worker processes."""
    many = range(first, first + 1_000_000)
    options: dict[str, Any] = {"prefetch_factor": 4} if recipe.workers else {}
    return DataLoader(data, batch_size=None, sampler=many, num_workers=recipe.workers, **options)


def _picture_seed(seed: int, stage: int, step: int) -> int:
    return (seed * 2 + stage) * 10_000_019 + step


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - for whoever waits


def _grey(pictures: torch.Tensor) -> torch.Tensor:
    return torch.full_like(pictures, 0.7)


def _recorded(recipe: Recipe) -> dict[str, Any]:
    recorded = asdict(recipe)
    for name in ("started", "until"):
        del recorded[name]
    return recorded | {"processors": os.cpu_count()}


def _write_report(folder: Path, report: dict[str, Any]) -> None:
    write_atomically(folder / "training.json", json.dumps(report, indent=1))
