"""Train smol-llava: ``python -m analysis_lib.worlds.smol.training --help``."""

from __future__ import annotations

import time

_STARTED = time.monotonic()  # before anything heavy is imported: the time budget covers that too

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

_DESCRIPTION = (
    "Train smol-llava: a CLIP tower, a projector and adapters for the pretrained decoder SmolLM2-135M. With --minutes "
    "the best model that fits into that time, everything included; with --steps the same run on any machine. The run "
    "resumes where it was interrupted."
)
_VISION_SHARE, _LONGEST_VISION = 0.16, 60.0
_RESERVED = 15.0
"""Seconds kept for measuring and saving at the end."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.worlds.smol.training", description=_DESCRIPTION)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="time for everything: loading, compiling, training, measuring")
    length.add_argument("--steps", type=int, nargs=2, metavar=("VISION", "LANGUAGE"), help="updates of the two stages")
    parser.add_argument("--gguf", type=Path, help="the decoder's file; default: the installed package's")
    parser.add_argument("--output", type=Path, help="folder of the result; default build/models/smol-llava-seed-SEED")
    parser.add_argument("--work", type=Path, help="folder of checkpoints, default build/training/smol-llava-seed-SEED")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and data")
    parser.add_argument("--rank", type=int, default=32, help="rank of the adapters")
    parser.add_argument("--pictures", type=int, nargs=2, metavar=("VISION", "LANGUAGE"), help="pictures per update")
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate of the adapters")
    parser.add_argument("--report-batches", type=int, default=12, help="packed batches behind the final accuracy")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU where there is one")
    parser.add_argument("--compile", choices=("on", "off"), help="default: on with a GPU")
    parser.add_argument("--attention", choices=("flex", "sdpa"), default="flex", help="of compiled layers")
    parser.add_argument("--workers", type=int, help="processes that make data; default: all processors but two")
    arguments = parser.parse_args()
    run = f"smol-llava-seed-{arguments.seed}"
    arguments.output = arguments.output or Path("build/models") / run
    arguments.work = arguments.work or Path("build/training") / run
    return arguments


def main() -> None:
    """Train as the command line says."""
    arguments = _arguments()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    from ..pretrained_decoder import DecoderMissingError, decoder_path, load_decoder
    from .recipe import Recipe, train

    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    compiled = (arguments.compile or ("on" if device == "cuda" else "off")) == "on"
    try:
        decoder, tokenizer = load_decoder(arguments.gguf or decoder_path())
    except (DecoderMissingError, ValueError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")
    print(f"decoder loaded after {time.monotonic() - _STARTED:.1f} s", flush=True)
    vision, language = arguments.pictures or ((512, 48) if device == "cuda" else (8, 2))
    options: dict[str, Any] = {}
    if arguments.steps:
        options["vision_steps"], options["language_steps"] = arguments.steps
    else:
        options["vision_seconds"] = min(_VISION_SHARE * arguments.minutes * 60, _LONGEST_VISION)
        options["until"] = _STARTED + arguments.minutes * 60 - _RESERVED
    workers = arguments.workers if arguments.workers is not None else max(0, (os.cpu_count() or 1) - 2)
    recipe = Recipe(
        seed=arguments.seed,
        rank=arguments.rank,
        adapter_rate=arguments.rate,
        vision_pictures=vision,
        language_pictures=language,
        report_batches=arguments.report_batches,
        device=device,
        compiled=compiled,
        attention=arguments.attention if compiled else "sdpa",
        workers=workers,
        started=_STARTED,
        **options,
    )
    report = train(recipe, decoder, tokenizer, arguments.output, arguments.work)
    print(json.dumps({name: report[name] for name in ("accuracy", "hidden_accuracy", "questions", "seconds")}))


if __name__ == "__main__":
    main()
