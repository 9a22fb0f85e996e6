"""Time extraction end to end at a published model's size: ``python -m analysis_lib.rehearsal --help``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch

from analysis_lib.files import write_atomically

from .end_to_end import rehearse_extraction
from .shapes import SHAPES


def main() -> None:
    """Run it, print what took longest and write everything as JSON."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.rehearsal", description=__doc__)
    parser.add_argument("output", type=Path, help="file of JSON to write")
    parser.add_argument("--shape", choices=SHAPES, default="llava-1.5-7b")
    parser.add_argument("--questions", type=int, default=96)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--scale", type=int, help="how many times narrower; the default on a CPU is 64")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    scale = arguments.scale or (None if device == "cuda" else 64)
    shape = SHAPES[arguments.shape].narrowed(scale) if scale else SHAPES[arguments.shape]
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    taken = rehearse_extraction(shape, device, dtype, n_questions=arguments.questions, batch=arguments.batch)
    write_atomically(arguments.output, json.dumps(asdict(taken), indent=1) + "\n")
    both = f"{taken.first:.1f} s, then {taken.again:.1f} s"
    print(f"{taken.shape} on {taken.device}: {taken.n_questions} questions in {both}")
    for name, seconds in taken.functions.items():
        print(f"{seconds:9.2f} s  {name}")


if __name__ == "__main__":
    main()
