"""Kill runs that write a store, at every file operation or at random moments, and let others resume them.

Run as a script, because a process that has already started threads must not fork: this one imports, then forks one
child per attempt. Usage: ``killing.py operations FOLDER STRIDE`` or ``killing.py moments FOLDER MODEL QUESTIONS``. The
reference store is ``FOLDER/straight``, survivors lie beside it; a JSON report goes to standard output.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from analysis_lib.activations import code_digest, extract
from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.activations.store import ActivationStore
from analysis_lib.models import load_model

KILLED = -signal.SIGKILL
FILE_OPERATIONS = ("open", "os.", "shutil.")
SPECS = {"vision": ArraySpec(("hidden",), (4,)), "correct": ArraySpec((), (), "bool")}
SETTINGS = {"batch_size": 2, "model": "this"}


def write_store(folder: Path) -> None:
    """A small store of known numbers in three batches; one that other settings wrote is replaced."""
    store = ActivationStore(folder, SETTINGS, pd.DataFrame({"question_id": list("abcde")}), SPECS, replace=True)
    for rows in store.pending():
        numbers = np.arange(rows.start, rows.stop, dtype=np.float32)
        store.write(rows, {"vision": np.repeat(numbers[:, None], 4, axis=1), "correct": numbers > 1})
    store.finish({"conditions": []})


def begin_other(folder: Path) -> None:
    """A store of other settings, unfinished, for `write_store` to replace."""
    ActivationStore(folder, {**SETTINGS, "model": "another"}, pd.DataFrame({"question_id": list("abc")}), SPECS)


def in_child(action: Callable[[], None], until: Callable[[], bool] | None = None, pause: float = 0) -> int:
    """Fork and run, killing ``pause`` seconds after ``until`` holds; the exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    while until is not None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if until():
            time.sleep(pause)
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write_until(operation: int, folder: Path) -> None:
    """Write the store, killed at the n-th file operation in or beside ``folder``."""
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event.startswith(FILE_OPERATIONS) and any(folder.name in str(argument) for argument in arguments):
            seen += 1
            if seen == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    write_store(folder)


def at_operations(root: Path, stride: int) -> dict[str, object]:
    """Kill at every ``stride``-th file operation until a run survives; a second kill hits the resumed run."""
    assert in_child(partial(write_store, root / "straight")) == 0
    rng = random.Random(0)
    kills = resumed_kills = 0
    for operation in range(1, 10_000, stride):
        folder = root / f"victim{operation:04d}"
        if operation // stride % 2:
            begin_other(folder)

        status = in_child(partial(write_until, operation, folder))
        kills += status == KILLED
        resumed_kills += in_child(partial(write_until, rng.randrange(1, 80), folder)) == KILLED
        if in_child(partial(write_store, folder)) != 0:
            return {"failed": f"could not resume after a kill at file operation {operation}", "kills": kills}
        if status == 0:
            break
    return {"kills": kills, "resumed_kills": resumed_kills}


def batches_done(folder: Path) -> int:
    """How many batches a store has; none where there is no store yet."""
    progress = folder / "progress.json"
    return len(json.loads(progress.read_text())["batches"]) if progress.exists() else 0


def at_random_moments(root: Path, model: Path, questions: Path) -> dict[str, object]:
    """Kill a whole extraction at random moments, several times, and let a last run finish."""
    rng = random.Random(5)
    table = pd.read_parquet(questions)
    torch.set_num_threads(1)
    code_digest()  # read here, where every child has it from, as are the modules that a model is loaded with
    load_model(model, device="cpu")

    def run(folder: Path) -> None:
        extract(load_model(model, device="cpu"), table, store=folder, batch_size=1)

    assert in_child(partial(run, root / "straight")) == 0
    folder, kills = root / "victim", 0
    for _ in range(4):
        enough = batches_done(folder) + rng.randrange(1, 3)

        def now(enough: int = enough) -> bool:
            return batches_done(folder) >= enough

        kills += in_child(partial(run, folder), now, rng.uniform(0, 0.03)) == KILLED
    if in_child(partial(run, folder)) != 0:
        return {"failed": f"could not resume after {kills} kills", "kills": kills}
    return {"kills": kills}


if __name__ == "__main__":
    mode, where, *rest = sys.argv[1:]
    if mode == "operations":
        report = at_operations(Path(where), int(rest[0]))
    else:
        report = at_random_moments(Path(where), Path(rest[0]), Path(rest[1]))
    print(json.dumps(report))
