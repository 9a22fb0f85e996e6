"""Kill a stage at random moments and let another run finish: what it leaves is what an undisturbed run leaves.

The command that a reader types is killed as a machine short of memory kills it: the process alone, without a word. Its
kernel may live on for a moment; the next run waits for it or is refused, and then comes again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.unit.activations.folders import contents

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 120
"""Seconds in which a run that follows a killed one has to be let in."""


@dataclass(frozen=True)
class Stage:
    """A notebook and its parameters; where a value holds ``{made}``, the folder stands there that is compared."""

    name: str
    parameters: Mapping[str, str]

    def start(self, made: Path) -> subprocess.Popen[str]:
        """The stage as a process of its own, writing into ``made``."""
        command = [sys.executable, "-m", "analysis_lib.run", str(REPOSITORY / "notebooks" / f"{self.name}.md")]
        for key, value in self.parameters.items():
            command += ["-p", key, value.replace("{made}", str(made))]
        command += ["-o", str(made / f"{self.name}.ipynb")]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
        )

    def finish(self, made: Path) -> float:
        """Run to the end, as often as it takes to be let in; the seconds of the run that was."""
        deadline = time.monotonic() + PATIENCE
        while True:
            started = time.monotonic()
            running = self.start(made)
            _, told = running.communicate()
            if running.returncode == 0:
                return time.monotonic() - started
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} was not let in within {PATIENCE} s, or failed: {told[-2000:]}")
            time.sleep(1)


EXTRACT = Stage(
    "extract",
    {"n_questions": "60", "batch_size": "10", "conditions": '["baseline", "strict"]', "output": "{made}/store"},
)
PAGE = Stage("background", {"n_samples": "120", "draws": "10"})


def decompose(store: Path) -> Stage:
    """The decomposition of a finished store, as small as it can be."""
    few = {"targets": '["prediction_hidden"]', "decomposed": '["baseline"]', "definitions": "[]", "samples": "all"}
    draws = {"bootstrap": "10", "nulls": "2", "matched": "0", "flow_seeds": "1", "max_components": "3"}
    left_out = {"paper_recipe": "false", "probe_every": "0"}
    made = {"store": str(store), "output": "{made}/atoms.parquet"}
    return Stage("decompose", few | draws | left_out | made)


@dataclass(frozen=True)
class Survived:
    """How many kills hit a stage, and whether every survivor's files are those of the undisturbed run, to the byte."""

    stage: str
    kills: int
    identical: bool


def products(folder: Path) -> dict[str, str]:
    """Hashes of all that a stage leaves, hidden files included, but for the executed notebook, which tells times."""
    return {name: told for name, told in contents(folder).items() if not name.endswith(".ipynb")}


def kill(stage: Stage, folder: Path, kills: int, seed: int = 0) -> Survived:
    """Kill a stage at random moments of its run; every second victim is killed twice before it may finish."""
    rng = random.Random(seed)
    seconds = stage.finish(folder / "straight")
    straight = products(folder / "straight")
    hit, identical = 0, bool(straight)
    while hit < kills:
        made = folder / f"victim-{hit}"
        for _ in range(1 + hit % 2):
            running = stage.start(made)
            try:
                running.wait(rng.uniform(0.02, 0.98) * seconds)
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                hit += 1
            running.communicate()
        stage.finish(made)
        identical &= products(made) == straight
    return Survived(stage.name, hit, identical)
