"""Train an embedded model: ``python -m analysis_lib.models.training --help``."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

import torch
import torch.multiprocessing as mp

from ..embedded import EMBEDDED_MODELS, seal
from .recipe import train

_DESCRIPTION = (
    "Train an embedded model from scratch. The run resumes where it was interrupted and ends with a model folder in "
    "transformers format and training.json: the recipe, the learning curve and the accuracies on unseen scenes."
)
_STEPS = {
    "mini-llava-1.5": {"vision_steps": 1200, "language_steps": 2600, "binding_steps": 1000, "blind_steps": 600},
    "mini-llava-1.6": {"vision_steps": 2000, "language_steps": 2600, "binding_steps": 2000, "blind_steps": 300},
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.models.training", description=_DESCRIPTION)
    parser.add_argument("--model", choices=EMBEDDED_MODELS, default="mini-llava-1.5")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and data")
    parser.add_argument(
        "--output",
        type=Path,
        help="folder of the finished model; default: where the package keeps it, under build/models for other seeds",
    )
    parser.add_argument(
        "--work", type=Path, help="folder of checkpoints, default build/training/MODEL-seed-SEED; rerun to resume"
    )
    parser.add_argument("--layers", type=int, default=8, help="decoder layers")
    parser.add_argument("--vision-steps", type=int, help="each model has its own numbers of steps")
    parser.add_argument("--language-steps", type=int)
    parser.add_argument("--binding-steps", type=int)
    parser.add_argument("--blind-steps", type=int, help="steps of the blind model; 0 leaves it out")
    parser.add_argument("--report-questions", type=int, default=1000, help="questions per task when reporting")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, help="data-parallel processes; default 2 on the CPU, 1 on a GPU")
    arguments = parser.parse_args()
    for name, steps in _STEPS[arguments.model].items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, steps)
    run = f"{arguments.model}-seed-{arguments.seed}"
    shipped = EMBEDDED_MODELS[arguments.model]
    arguments.output = arguments.output or (Path("build/models") / run if arguments.seed else shipped)
    arguments.work = arguments.work or Path("build/training") / run
    return arguments


def main() -> None:
    """Start the training processes and wait for them."""
    arguments = _arguments()
    processes = arguments.processes or (1 if arguments.device == "cuda" else min(2, os.cpu_count() or 1))
    # One thread per process: two threads in one process stall whenever the system deschedules one of them.
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()))
    mp.spawn(train, args=(processes, arguments), nprocs=processes)
    if arguments.output == EMBEDDED_MODELS[arguments.model]:
        seal()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
