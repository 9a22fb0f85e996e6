"""Train an embedded model: ``python -m analysis_lib.worlds.mini.training --help``."""

from __future__ import annotations

import argparse
import os
import re
import socket
import sys
import time
from pathlib import Path

import torch
import torch.multiprocessing as mp

from ..embedded import EMBEDDED_MODELS, seal
from .recipe import train
from .stacked import train_stacked

_DESCRIPTION = (
    "Train an embedded model from scratch. The run resumes where it was interrupted and ends with a model folder in "
    "transformers format and training.json: the recipe, the learning curve and the accuracies on unseen scenes."
)
_STEPS = {
    "mini-llava-1.5": {"vision_steps": 1200, "language_steps": 2600, "binding_steps": 1000, "blind_steps": 600},
    "mini-llava-1.6": {"vision_steps": 2000, "language_steps": 2600, "binding_steps": 2000, "blind_steps": 300},
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.worlds.mini.training", description=_DESCRIPTION)
    parser.add_argument("--model", choices=(*_STEPS, "all"), default="mini-llava-1.5")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and data")
    parser.add_argument(
        "--seeds", type=_seeds, help="train these side by side, their weights stacked, as in 0-4 or 1,3: for a GPU"
    )
    parser.add_argument("--minutes", type=float, help="with --seeds: the time for all stages, in place of steps")
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of the finished model; default: where the package keeps it, under build/models for other seeds; "
        "with --seeds the folder of all models' folders",
    )
    parser.add_argument(
        "--work", type=Path, help="folder of checkpoints, default under build/training; rerun to resume"
    )
    parser.add_argument("--workers", type=int, help="with --seeds: processes that draw questions ahead, per model")
    parser.add_argument("--no-graph", action="store_true", help="with --seeds: do not capture steps as CUDA graphs")
    parser.add_argument("--no-fusion", action="store_true", help="with --seeds: do not compile fused kernels")
    parser.add_argument("--layers", type=int, default=8, help="decoder layers")
    parser.add_argument("--vision-steps", type=int, help="each model has its own numbers of steps")
    parser.add_argument("--language-steps", type=int)
    parser.add_argument("--binding-steps", type=int)
    parser.add_argument("--blind-steps", type=int, help="steps of the blind model; 0 leaves it out")
    parser.add_argument("--report-questions", type=int, default=1000, help="questions per task when reporting")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, help="data-parallel processes; default 2 on the CPU, 1 on a GPU")
    arguments = parser.parse_args()
    if arguments.minutes is not None and (arguments.seeds is None or arguments.minutes <= 0):
        parser.error("--minutes takes a positive number, beside --seeds")
    if arguments.model == "all" and arguments.seeds is None:
        parser.error("--model all needs --seeds")
    return arguments


def _seeds(text: str) -> list[int]:
    """``0-2,5`` as ``[0, 1, 2, 5]``."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds such as 0-4 or 1,3")
    spans = [[int(end) for end in part.split("-")] for part in text.split(",")]
    return sorted({seed for span in spans for seed in range(span[0], span[-1] + 1)})


def _of_model(arguments: argparse.Namespace, model: str) -> argparse.Namespace:
    """The arguments of one model's training, with its own steps and folders."""
    own = argparse.Namespace(**vars(arguments) | {"model": model})
    for name, steps in _STEPS[model].items():
        if getattr(own, name) is None:
            setattr(own, name, steps)
    run = f"{model}-seed-{own.seed}" if own.seeds is None else f"{model}-seeds-{'-'.join(map(str, own.seeds))}"
    own.work = (own.work / model if own.work and own.seeds else own.work) or Path("build/training") / run
    if own.output is None:
        shipped = own.seeds is None and own.seed == 0
        own.output = EMBEDDED_MODELS[model] if shipped else Path("build/models") / ("" if own.seeds else run)
    return own


def main() -> None:
    """Start the training processes and wait for them."""
    arguments = _arguments()
    # One thread per process: two threads in one process stall whenever the system deschedules one of them.
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()))
    if arguments.seeds is None:
        processes = arguments.processes or (1 if arguments.device == "cuda" else min(2, os.cpu_count() or 1))
        own = _of_model(arguments, arguments.model)
        mp.spawn(train, args=(processes, own), nprocs=processes)
        if own.output == EMBEDDED_MODELS[own.model]:
            seal()
        return
    models = tuple(_STEPS) if arguments.model == "all" else (arguments.model,)
    arguments.deadline = None if arguments.minutes is None else time.time() + 60 * arguments.minutes
    if arguments.workers is None:
        arguments.workers = max(1, ((os.cpu_count() or 1) - 2) // len(models)) if arguments.device != "cpu" else 0
    spawning = mp.get_context("spawn")
    running = [spawning.Process(target=train_stacked, args=(_of_model(arguments, model),)) for model in models]
    for process in running:
        process.start()
    for process in running:
        process.join()
    if any(process.exitcode for process in running):
        sys.exit("a training failed; its error is above, and the same command resumes it")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
