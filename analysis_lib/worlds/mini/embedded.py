"""The models that ship with the package: where their checkpoints lie, and whether they are still what was shipped."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analysis_lib.digests import file_digest
from analysis_lib.files import write_atomically
from analysis_lib.worlds.eight_bit import EIGHT_BIT_FILE

__all__ = ["CHECKSUMS", "EMBEDDED_MODELS", "embedded_folder", "seal", "training_report", "twin_report", "verify"]

_CHECKPOINTS = Path(__file__).parent / "checkpoints"
EMBEDDED_MODELS: dict[str, Path] = {name: _CHECKPOINTS / name for name in ("mini-llava-1.5", "mini-llava-1.6")}
"""The models that ship with the package, each with the folder of its checkpoint."""

CHECKSUMS = "SHA256SUMS"
"""Beside the checkpoints' folders: the digest of every file in them, as `sha256sum --check` reads it."""

_READ = (".json", ".jinja", ".safetensors")


def embedded_folder(name: str) -> Path:
    """Where the embedded model of this name lies.

    Raises
    ------
    FileNotFoundError
        its checkpoint is not there.
    """
    folder = EMBEDDED_MODELS[name]
    weights = any((folder / file).is_file() for file in ("model.safetensors", EIGHT_BIT_FILE))
    if not weights or not (folder / "training.json").is_file():
        raise FileNotFoundError(
            f"{name} is an embedded model, but its checkpoint is not in {folder}; train it with "
            f"`python -m analysis_lib.worlds.mini.training --model {name}`, which resumes where it was interrupted"
        )
    return folder


def verify(folder: Path) -> None:
    """Check that a checkpoint which ships with the package holds what was shipped; others pass.

    Raises
    ------
    ValueError
        a file is missing, damaged, changed or new.
    """
    folder = folder.resolve()
    if folder.parent != _CHECKPOINTS.resolve():
        return
    renew = "what was changed on purpose gets new checksums with `python -m analysis_lib.worlds.mini seal`"
    cure = f"put it back with `git checkout -- {folder.name}` in {folder.parent}, or install the package again; {renew}"
    listed = _read_checksums(folder.parent)
    expected = {name: digest for name, digest in listed.items() if name.parent.name == folder.name}
    for name in sorted(expected):
        path = folder.parent / name
        if not path.is_file():
            raise ValueError(f"{path} is missing; {cure}")
        if file_digest(path) != expected[name]:
            raise ValueError(f"{path} is not the file that was shipped, its checksum differs; {cure}")
    added = sorted(set(_files(folder)) - set(expected))
    if added:
        raise ValueError(f"{folder.parent / added[0]} has no checksum, so it was not shipped; remove it; {renew}")


def seal() -> Path:
    """Write the checksums of all files of all checkpoints as they are now; returns the file."""
    files = sorted(name for folder in _CHECKPOINTS.iterdir() if folder.is_dir() for name in _files(folder))
    lines = [f"{file_digest(_CHECKPOINTS / name)}  {name.as_posix()}\n" for name in files]
    path = _CHECKPOINTS / CHECKSUMS
    write_atomically(path, "".join(lines))
    return path


def training_report(name: str) -> dict[str, Any]:
    """How an embedded model was trained, and its accuracy beside the blind twin's: the ``training.json`` it ships with.

    Raises
    ------
    ValueError
        the model is not embedded, so nothing is known of its training, or the report was damaged.
    FileNotFoundError
        an embedded model whose checkpoint is not there.
    """
    if name not in EMBEDDED_MODELS:
        raise ValueError(f"{name!r} is no embedded model; training reports exist for {', '.join(EMBEDDED_MODELS)}")
    folder = embedded_folder(name)
    verify(folder)
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))


def twin_report(name: str, tasks: Iterable[str]) -> dict[str, Any] | None:
    """The `training_report` of a model whose blind twin was asked all of these tasks; none for any other model.

    Raises
    ------
    ValueError
        the report was damaged. FileNotFoundError: an embedded model whose checkpoint is not there.

    Examples
    --------
    >>> twin_report("llava-hf/llava-1.5-7b-hf", ["QueryAttr"]) is None
    True
    """
    report = training_report(name) if name in EMBEDDED_MODELS else None
    return report if report and set(tasks) <= set(report["blind_accuracy"]) else None


def _files(folder: Path) -> list[Path]:
    """What a loader may read of a checkpoint's folder, relative to the checkpoints."""
    return [path.relative_to(folder.parent) for path in folder.iterdir() if path.suffix in _READ]


def _read_checksums(checkpoints: Path) -> dict[Path, str]:
    path = checkpoints / CHECKSUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return {Path(name): digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); put it back with git checkout, or install the package again"
        ) from None
