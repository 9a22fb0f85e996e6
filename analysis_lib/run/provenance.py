"""Where a page comes from: parameters, commit, versions, machine and duration, as plain data for the page's stamp.

The stamp describes the run, not the person: addresses, user names and paths outside the repository are left out.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = (
    "pid-vision-language-companion",
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "scikit-learn",
    "FrEIA",
    "pandas",
    "xarray",
    "zarr",
    "altair",
    "papermill",
    "jupytext",
    "jupyter-book",
)
OUTSIDE = "(outside the repository)"
GIB = 2**30


def collect(
    parameters: Mapping[str, Any],
    *,
    started: datetime | None = None,
    seconds: float | None = None,
    root: str | Path = REPOSITORY,
) -> dict[str, Any]:
    """Everything the stamp of a page says about the run that made it.

    Parameters
    ----------
    parameters
        The complete parameters of the notebook; ``profile`` and ``seed`` are repeated at the top.
    started
        When the run started, with its time zone.
    seconds
        How long it took.
    root
        Folder of the repository; paths outside it are left out.

    Returns
    -------
    A dictionary of plain values that JSON can hold: ``profile``, ``seed``, ``parameters``, ``git``
    (``commit``, ``dirty``; both None without git), ``python``, ``packages``, ``hardware``, ``started``,
    ``seconds``.

    Examples
    --------
    >>> stamp = collect({"profile": "mini", "store": "/somewhere/else"})
    >>> stamp["parameters"]
    {'profile': 'mini', 'store': '(outside the repository)'}
    """
    folder = Path(root).resolve()
    plain = {str(key): _plain(value, folder) for key, value in parameters.items()}
    return {
        "profile": plain.get("profile"),
        "seed": plain.get("seed"),
        "parameters": plain,
        "git": git_state(folder),
        "python": platform.python_version(),
        "packages": package_versions(),
        "hardware": hardware(),
        "started": None if started is None else started.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": None if seconds is None else round(float(seconds), 1),
    }


def git_state(root: str | Path = ".") -> dict[str, Any]:
    """Commit of the repository and whether tracked files differ from it; None where git or a repository is absent."""

    def ask(*words: str) -> str | None:
        try:
            answer = subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return answer.stdout.strip()

    commit = ask("rev-parse", "--short=12", "HEAD")
    changes = ask("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def package_versions(names: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Installed versions of the packages that decide a result; packages that are absent are left out."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def hardware() -> dict[str, Any]:
    """Processor, cores, memory in GiB and accelerator of this machine, as far as it tells."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu(), "cores": cores, "memory_gib": round(psutil.virtual_memory().total / GIB, 1), "gpu": _gpu()}


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else (platform.processor() or platform.machine() or "unknown")


def _gpu() -> str:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "none"
    return ", ".join(line.strip() for line in answer.splitlines() if line.strip()) or "none"


def _plain(value: Any, root: Path) -> Any:
    """A value that JSON can hold, without paths that lead out of the repository."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, root) for key, entry in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(entry, root) for entry in value]
    if hasattr(value, "item") and not isinstance(value, Path):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    text = str(value)
    if re.match(r"[A-Za-z]:[\\/]", text) and not Path(text).is_absolute():
        return OUTSIDE  # a path of another operating system
    if not (isinstance(value, Path) or Path(text).is_absolute() or text.startswith(("~", "../"))):
        return text
    place = (root / Path(text).expanduser()).resolve()
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else OUTSIDE
