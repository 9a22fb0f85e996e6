"""A checkpoint's folder, looked at before anything is loaded: whole files, weights that are floats, no foreign code."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from analysis_lib.worlds.eight_bit import EIGHT_BIT_FILE, lost_scales

__all__ = ["check_folder", "check_weights", "listing", "read_settings", "weight_files"]

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SETTINGS = (
    "config.json",
    "generation_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    INDEX,
)
"""The files of JSON that transformers reads where they exist."""

_FLOATS = {"F64", "F32", "F16", "BF16"}
_BUFFERS = ("position_ids", "rotary_emb.inv_freq")  # older checkpoints stored them; transformers makes its own
_POINTER = b"version https://git-lfs.github.com/spec/"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.msgpack", "*.h5", "*.gguf")
_AGAIN = "download it again, completely"


def check_folder(folder: Path) -> None:
    """Refuse a folder whose files are cut, stand for others, or bring code or adapters along.

    Raises
    ------
    ValueError
        which file, what is wrong with it, and what to do.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".jinja", ".safetensors", ".model", ".txt"):
            _refuse_stand_in(path)
    for name in SETTINGS:
        if (folder / name).exists():
            _refuse_code(folder / name, read_settings(folder / name))
    config = read_settings(folder / "config.json")
    if config.get("quantization_config"):
        raise ValueError(
            f"{folder / 'config.json'} tells of quantised weights (quantization_config), whose states would not be the "
            "model's own; take the checkpoint in float16, bfloat16 or float32"
        )
    if (folder / "adapter_config.json").exists():
        raise ValueError(
            f"{folder} holds an adapter (adapter_config.json), which would be left out in silence; merge it into the "
            "weights and save them, with peft's merge_and_unload"
        )


def _refuse_stand_in(path: Path) -> None:
    """A file's name may hold a link to nowhere, or the few lines that Git keeps in place of a large file."""
    if path.is_symlink() and not path.exists():
        raise ValueError(f"{path} is a link that leads nowhere; copy what its links lead to as well, or {_AGAIN}")
    try:
        with path.open("rb") as file:
            pointer = file.read(len(_POINTER)) == _POINTER
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error}); {_AGAIN}") from None
    if pointer:
        raise ValueError(f"{path} is a Git LFS pointer, not the file it stands for; download that with `git lfs pull`")


def read_settings(path: Path) -> dict[str, Any]:
    """A file of JSON as a dictionary, or which file cannot be read and why."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON ({error}); {_AGAIN}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__} instead of settings by name; {_AGAIN}")
    return content


def _refuse_code(path: Path, settings: dict[str, Any]) -> None:
    """Classes that a checkpoint brings along would run as they please; nor is the library's class what it asks for."""
    nested = [settings, *(value for value in settings.values() if isinstance(value, dict))]
    if any(isinstance(one.get("auto_map"), dict) for one in nested):
        raise ValueError(
            f"{path} asks for Python code of its own (auto_map), which is never run here; take a checkpoint in "
            "transformers format, or remove auto_map where transformers' own class is meant"
        )


def weight_files(folder: Path) -> dict[str, list[str] | None]:
    """The files that hold the weights, each with the tensors that the index expects in it; ``None`` without an index.

    Raises
    ------
    ValueError
        there are no weights in safetensors format, or the index makes no sense.
    """
    for file in (WEIGHTS, EIGHT_BIT_FILE):
        if (folder / file).exists():
            return {file: None}
    if not (folder / INDEX).exists():
        others = sorted(path.name for pattern in ("*.safetensors", *_PICKLED) for path in folder.glob(pattern))
        raise ValueError(
            f"{folder} has neither {WEIGHTS} nor {INDEX}"
            + (f", only {', '.join(others)}" if others else "")
            + "; weights are read in safetensors format alone, because unpickling runs what a file says. Save them so "
            "with save_pretrained, where you trust the file"
        )
    listed = read_settings(folder / INDEX).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise ValueError(f"{folder / INDEX} has no weight_map; {_AGAIN}")
    expected: dict[str, list[str]] = defaultdict(list)
    for name, file in listed.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise ValueError(f"{folder / INDEX} looks for {name} in {file!r}, which is no file of its folder; {_AGAIN}")
        expected[file].append(name)
    return dict(expected)


def check_weights(folder: Path) -> None:
    """Refuse shards that are missing, cut or damaged, that contradict their index, or that hold anything but floats.

    Only the headers are read.

    Raises
    ------
    ValueError
        which file, which tensors, and what to do.
    """
    where: dict[str, list[str]] = defaultdict(list)
    for file, expected in weight_files(folder).items():
        path = folder / file
        found = _formats(path)
        for name in found:
            where[name].append(file)
        if expected is not None and set(found) != set(expected):
            _refuse(path, "does not hold the tensors that the index expects in it", set(found) ^ set(expected), _AGAIN)
        if file == EIGHT_BIT_FILE:
            if lost := lost_scales(found):
                _refuse(path, "holds integers without the scales that make them weights", lost, _AGAIN)
            continue
        other = {
            f"{name} ({kind})" for name, kind in found.items() if kind not in _FLOATS and not name.endswith(_BUFFERS)
        }
        if other:
            cure = "take the checkpoint in float16, bfloat16 or float32; integers mean little without their scales"
            _refuse(path, "holds weights that are not floating-point numbers of 16 bits or more", other, cure)
    twice = {name for name, files in where.items() if len(files) > 1}
    if twice:
        files = sorted({file for name in twice for file in where[name]})
        _refuse(folder, f"holds tensors in several of its files ({', '.join(files)})", twice, _AGAIN)


def _formats(path: Path) -> dict[str, str]:
    """By tensor, the number format."""
    if not path.is_file():
        raise ValueError(f"{path} is missing, although {INDEX} names it; {_AGAIN}")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is cut off or damaged ({error}); {_AGAIN}") from None


def _refuse(path: Path, what: str, names: set[str], cure: str) -> None:
    raise ValueError(f"{path} {what}: {listing(names)}; {cure}")


def listing(names: set[str], most: int = 4) -> str:
    """Some names from all over the alphabet, and how many more."""
    shown = sorted(names)[:: -(-len(names) // most)]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")
