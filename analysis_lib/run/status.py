"""How far a run of a profile is, told from its files alone, on this machine or on those of an executor."""

from __future__ import annotations

import argparse
import html
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis_lib.contents import contents
from analysis_lib.files import write_atomically
from analysis_lib.locks import holder, lock_beside
from analysis_lib.reading import read_text
from analysis_lib.results import ATOMS, STORE
from analysis_lib.run.execute import repository_root
from analysis_lib.run.parameters import ParameterError
from analysis_lib.run.profile import profile_path, read_profile
from analysis_lib.shard_folders import shards_there
from analysis_lib.stores import MANIFEST, StoreRecords, read_records, recognised

__all__ = ["State", "main", "states"]

NOT_BEGUN, BEGUN, RUNNING, FAILED, DONE = "not begun", "begun", "running", "failed", "done"
COLUMNS = ("stage", "model", "task", "state", "questions", "per s", "left", "")
LARGEST_LOG = 2**24


@dataclass(frozen=True)
class State:
    """How far one job is, or with all its shards one extraction.

    Attributes
    ----------
    stage, model, task
        what it is; of a page, its name is the task.
    state
        ``not begun``, ``running``, ``begun`` (some of it is there, and no process that can be seen from here makes
        more: it was stopped, or runs on another machine), ``failed`` or ``done``.
    done, asked
        questions; 0 where nothing tells.
    rate
        questions per second since the processes that run now have begun; 0 where nothing tells.
    note
        why it failed, or when it last wrote.
    """

    stage: str
    model: str
    task: str
    state: str
    done: int = 0
    asked: int = 0
    rate: float = 0.0
    note: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """As it is shown, by `COLUMNS`."""
        counted = f"{self.done:,} of {self.asked:,}" if self.asked else ""
        left = _duration((self.asked - self.done) / self.rate) if self.rate else ""
        rate = f"{self.rate:.3g}" if self.rate else ""
        return self.stage, self.model, self.task, self.state, counted, rate, left, self.note


def states(profile: str, root: Path) -> Iterator[State]:
    """How far each job of a profile is: extractions, decompositions, and pages that failed.

    Parameters
    ----------
    profile
        its name, or the path of its file.
    root
        the folder that holds ``results`` and ``logs``.

    Raises
    ------
    ParameterError
        no such profile, or one that cannot be used.
    """
    path = profile_path(profile)
    asked = read_profile(path)
    results, logs = root / "results" / path.stem, root / "logs" / path.stem
    for part, models in (("", asked["models"]), ("seeds/", asked.get("seeds", {}))):
        for model in models:
            for task in asked["tasks"]:
                store = results / part / STORE.format(model=model, task=task)
                yield _extraction(store, logs / part / "extract" / model / task, model, task)
                table = results / part / ATOMS.format(model=model, task=task)
                yield _job("decompose", model, task, [logs / part / "decompose" / model / task], table)
    for page in asked["pages"]:
        state = _job("page", "", page, [logs / "pages" / page], root / "book" / "pages" / f"{page}.ipynb")
        if state.state in (RUNNING, FAILED):
            yield state


def _extraction(store: Path, log: Path, model: str, task: str) -> State:
    parts = [(store, log)]
    parts += [(folder, Path(f"{log}.shards", folder.name)) for folder, _, _ in shards_there(store)]
    begun = [Path(f"{log}.shards", each.stem) for each in contents(Path(f"{log}.shards"), "*.log")]
    job = _job("extract", model, task, [log, *begun], store / MANIFEST)
    records = [(_records(folder), lock_beside(folder)) for folder, _ in parts if recognised(folder) is not None]
    there = [(one, lock) for one, lock in records if one is not None]
    if not there:
        return job
    settings = there[0][0].settings
    asked, size = int(settings["n_questions"]), int(settings["batch_size"])
    ends = {start: min(int(start) + size, asked) for one, _ in there for start in one.batches}
    done = sum(end - int(start) for start, end in ends.items())
    written = {start: when for one, _ in there for start, when in _written(one)}
    if job.state == RUNNING:
        since = [lock.stat().st_mtime for _, lock in there if _held(lock)]
        new = {start: when for start, when in written.items() if since and when > min(since)}
        spent = max(new.values()) - min(since) if new else 0.0
        rate = sum(ends[start] - int(start) for start in new) / spent if spent > 0 else 0.0
        return State("extract", model, task, RUNNING, done, asked, rate, job.note)
    if job.state == NOT_BEGUN:
        last = max(written.values(), default=0.0)
        note = f"wrote {_duration(time.time() - last)} ago, no process of this machine goes on" if last else ""
        return State("extract", model, task, BEGUN, done, asked, note=note)
    return State("extract", model, task, job.state, done, asked, note=job.note)


def _job(stage: str, model: str, task: str, logs: Sequence[Path], product: Path) -> State:
    """A job by the notebooks it executes: held while they run, beside them what failed."""
    if any(_held(lock_beside(f"{log}.ipynb")) for log in logs):
        return State(stage, model, task, RUNNING)
    if product.exists():
        return State(stage, model, task, DONE)
    for log in logs:
        if Path(f"{log}.failed.ipynb").exists():
            return State(stage, model, task, FAILED, note=_last_line(Path(f"{log}.log")))
    return State(stage, model, task, NOT_BEGUN)


def _held(lock: Path) -> bool:
    return lock.exists() and holder(lock) is not None


def _records(folder: Path) -> StoreRecords | None:
    """What a store says of itself; one that is damaged, or replaced at this moment, says nothing."""
    try:
        return read_records(folder, finished=False)
    except (ValueError, OSError):
        return None


def _written(records: StoreRecords) -> Iterator[tuple[str, float]]:
    """When each batch was written, by the last of its files."""
    for start, batch in records.batches.items():
        path = records.folder / max(batch["files"])
        if path.exists():
            yield start, path.stat().st_mtime


def _last_line(log: Path) -> str:
    try:
        lines = [line.strip() for line in read_text(log, LARGEST_LOG).splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        return str(error)
    said = [line for line in lines if not line.startswith("The notebook as far as it came:")]
    return f"{said[-1] if said else 'said nothing'} ({log})"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def as_text(rows: Sequence[State]) -> str:
    """A table for a terminal."""
    table = [COLUMNS, *(one.row for one in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)


def as_page(profile: str, rows: Sequence[State]) -> str:
    """The same for a browser, as of now."""
    lines = ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in one.row) + "</tr>" for one in rows]
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    title = html.escape(f"Profile {profile}, {time.strftime('%Y-%m-%d %H:%M:%S')}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font-family:sans-serif} td,th{text-align:left;padding:.2em 1em .2em 0}</style>"
        f"<h1>{title}</h1><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></html>\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and tell; 2 where there is no such profile."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.run.status", description=__doc__)
    parser.add_argument("profile", help="a name in workflow/profiles, or the path of a .yaml file")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as a page for a browser as well")
    given = parser.parse_args(arguments)
    try:
        rows = list(states(given.profile, repository_root()))
        if given.html is not None:
            write_atomically(given.html, as_page(given.profile, rows))
    except (ParameterError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{as_text(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
