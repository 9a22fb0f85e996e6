"""How much main memory there is: ``python -m analysis_lib.main_memory`` says it in megabytes, as the workflow is told.

A leaf: it imports nothing of the library.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

__all__ = ["main_memory"]

LIMIT = Path("/sys/fs/cgroup/memory.max")


def main_memory() -> float:
    """Bytes of main memory, or of the part that this process may use."""
    whole = float(psutil.virtual_memory().total)
    try:
        return min(whole, float(LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no such limit, which is written as "max"
        return whole


if __name__ == "__main__":
    sys.stdout.write(f"{main_memory() / 2**20:.0f}\n")
