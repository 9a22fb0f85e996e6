"""Whether jobs can be given to an executor: its options lie here, and snakemake's plugin for it is installed."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = {"slurm": "sbatch"}
"""The command that has to be on the machine that submits, where there is one."""


def problem(name: str) -> str | None:
    """What is in the way of an executor, and what to do; None where nothing is."""
    known = sorted(path.parent.name for path in HERE.glob("*/profile.yaml"))
    if name not in known:
        return f"EXECUTOR={name!r} has no options in workflow/executors; there is {', '.join(known)}"
    if importlib.util.find_spec(f"snakemake_executor_plugin_{name}") is None:
        return f"EXECUTOR={name} needs snakemake's plugin: .venv/bin/python -m pip install -e '.[{name}]'"
    command = COMMANDS.get(name)
    if command is not None and shutil.which(command) is None:
        return f"EXECUTOR={name} needs {command}, which this machine has not: start from a node that has it"
    return None


if __name__ == "__main__":
    found = problem(sys.argv[1])
    if found:
        sys.stderr.write(f"{found}\n")
        sys.exit(2)
