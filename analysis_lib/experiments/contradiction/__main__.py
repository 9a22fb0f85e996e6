"""Measure again: ``python -m analysis_lib.experiments.contradiction``, about ten minutes of a core."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis_lib.experiments.shipped_tables import SHIPPED

from .measuring import measure_blocks
from .shipped import pack_measured


def main() -> None:
    """Ask about all things and write what ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of things, scenes and pictures")
    parser.add_argument("--work", type=Path, default=Path("build/contradiction"), help="where each block is kept")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="where the tables go")
    given = parser.parse_args()
    blocks, priors = measure_blocks(given.work, given.seed)
    pack_measured(blocks, priors, given.output)
    sys.stdout.write(f"{sum(len(block.questions) for block in blocks)} questions: {given.output}\n")


if __name__ == "__main__":
    main()
