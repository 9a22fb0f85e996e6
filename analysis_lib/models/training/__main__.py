"""Train an embedded model: ``python -m analysis_lib.models.training --help``."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

import torch
import torch.multiprocessing as mp

from ..loading import EMBEDDED_MODELS
from .recipe import train

_DESCRIPTION = (
    "Train an embedded model from scratch. The run resumes where it was interrupted and ends with a model folder in "
    "transformers format and training.json: the recipe, the learning curve and the accuracies on unseen scenes."
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.models.training", description=_DESCRIPTION)
    parser.add_argument(
        "--output", type=Path, default=EMBEDDED_MODELS["mini-llava-1.5"], help="folder of the finished model"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/training"), help="folder of checkpoints; rerun to resume"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and data")
    parser.add_argument("--layers", type=int, default=8, help="decoder layers")
    parser.add_argument("--vision-steps", type=int, default=1200)
    parser.add_argument("--language-steps", type=int, default=2600)
    parser.add_argument("--binding-steps", type=int, default=1000)
    parser.add_argument("--blind-steps", type=int, default=600, help="steps of the blind model; 0 leaves it out")
    parser.add_argument("--report-questions", type=int, default=1000, help="questions per task when reporting")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, help="data-parallel processes; default 2 on the CPU, 1 on a GPU")
    return parser.parse_args()


def main() -> None:
    """Start the training processes and wait for them."""
    arguments = _arguments()
    processes = arguments.processes or (1 if arguments.device == "cuda" else min(2, os.cpu_count() or 1))
    # One thread per process: two threads in one process stall whenever the system deschedules one of them.
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()))
    mp.spawn(train, args=(processes, arguments), nprocs=processes)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
