"""The living model as files of a page: three scripts that hand their content to the page when it asks for them.

A page that is opened from disk may load scripts and nothing else, so everything travels as one. They are loaded on
demand, by ``book/_static/living``.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import torch

from analysis_lib.files import write_atomically
from analysis_lib.models import load_model, prepare
from analysis_lib.tasks import load_questions

from .export import exported
from .runtime import Runtime, find_runtime
from .world_tables import page_tables

__all__ = ["MANIFEST_FILE", "SCRIPTS", "write_bundle"]

SCRIPTS = ("living-world.js", "living-model.js", "living-runtime.js")
MANIFEST_FILE = "living.json"
"""Beside the scripts: whether they are there, and if not why."""

_MODEL = "mini-llava-1.5"


def write_bundle(folder: str | Path, *, n_mapped: int = 200, seed: int = 0, runtime: Path | None = None) -> bool:
    """Write the scripts and their manifest to a folder, or the manifest alone where there is no runtime for them.

    Parameters
    ----------
    folder
        where to.
    n_mapped, seed
        how many questions of each task lie on its maps, and which.
    runtime
        the folder of ONNX Runtime Web; by default the environment's own.

    Returns
    -------
    Whether the scripts were written.
    """
    folder = Path(folder)
    try:
        found = find_runtime(runtime)
    except FileNotFoundError as error:
        _write_manifest(folder, {"there": False, "why": str(error)})
        return False
    torch.set_num_threads(1)
    vlm = load_model(_MODEL, attention="eager", device="cpu")
    inputs = prepare(vlm, load_questions("minigqa", "CompareAttr", n=1)).inputs
    contents = {
        "living-world.js": _handed("world", page_tables(vlm, n_mapped, seed)),
        "living-model.js": _handed("model", _squeezed(exported(vlm, inputs["pixel_values"], inputs["input_ids"]))),
        "living-runtime.js": _runtime_script(found),
    }
    for name in SCRIPTS:
        write_atomically(folder / name, contents[name])
    sizes = {name: len(content.encode()) for name, content in contents.items()}
    _write_manifest(folder, {"there": True, "model": _MODEL, "runtime": found.version, "bytes": sizes})
    return True


def _runtime_script(runtime: Runtime) -> str:
    """Its names stay within a function, so that they meet no others on the page."""
    parts = {"binary": _squeezed(runtime.binary), "loader": _squeezed(runtime.loader)}
    return (
        f"(() => {{\n{runtime.script}\n(window.livingParts ??= {{}}).runtime = "
        f"{{ ort, ...{json.dumps(parts)} }};\n}})();\n"
    )


def _handed(name: str, content: Any) -> str:
    return f"(window.livingParts ??= {{}}).{name} = {json.dumps(content, separators=(',', ':'))};\n"


def _squeezed(content: bytes) -> str:
    """Compressed, the same bytes every time, as text."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _write_manifest(folder: Path, told: dict[str, Any]) -> None:
    write_atomically(folder / MANIFEST_FILE, json.dumps(told, indent=2) + "\n")
