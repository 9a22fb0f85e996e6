"""Load a model: an embedded one by name, a checkpoint of any known family by path or hub name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download

from analysis_lib.vocabulary import ASSEMBLED_MODELS
from analysis_lib.worlds.mini.embedded import EMBEDDED_MODELS, embedded_folder, verify
from analysis_lib.worlds.smol.assembly import assembled_smol

from .checkpoint import check_folder, check_weights, weight_files
from .devices import choose_device
from .families import Family, family_of, model_class
from .model import VisionLanguageModel
from .processing import load_processor
from .prompts import chat_prompt, check_prompt, in_own_words
from .same_answers import check_agreement
from .weights import load_weights, refuse_bad_values

__all__ = ["EMBEDDED_MODELS", "VisionLanguageModel", "load_model"]

_SMALL_FILES = ["*.json", "*.jinja", "*.model", "*.txt", "model.safetensors"]


def load_model(
    name: str | Path,
    *,
    prompt: str | None = None,
    dtype: str = "float32",
    attention: str = "sdpa",
    device: str | None = None,
) -> VisionLanguageModel:
    """Load a vision-language model for extraction.

    Parameters
    ----------
    name
        an embedded model (``"mini-llava-1.5"``); ``"smol-llava"``, which is assembled on first use; a folder in
        transformers format; or a hub name such as ``"llava-hf/llava-1.5-7b-hf"``, which
        ``"llava-hf/llava-1.5-7b-hf@REVISION"`` pins to a commit, tag or branch.
    prompt
        a name in `PROMPTS` or a template with ``<image>`` and ``{question}``; ``None`` takes the processor's own
        chat template. ``<image>`` becomes what the model's own prompts say there.
    dtype
        ``"float32"``, ``"float16"`` or ``"bfloat16"``.
    attention
        ``"sdpa"`` or ``"eager"``.
    device
        such as ``"cuda"``; ``None`` takes a GPU where there is one; ``"auto"`` spreads the layers over all GPUs,
        which needs the package accelerate.

    Raises
    ------
    ValueError
        an unknown name, dtype, attention or device; an architecture of no known family; files that are cut,
        damaged, pickled or bring code along; weights that are missing, left over, of another shape,
        quantised or not finite; a processor or prompt that does not fit the model, so that its own `generate` answers
        otherwise; a model too large for its device.
    FileNotFoundError
        an embedded model whose checkpoint is not there, or smol-llava's pretrained decoder.
    MemoryError
        too little memory to assemble smol-llava.

    Examples
    --------
    >>> vlm = load_model("mini-llava-1.5")
    >>> vlm.n_layers, vlm.hidden_size
    (8, 128)
    """
    if dtype not in ("float32", "float16", "bfloat16"):
        raise ValueError(f"dtype is {dtype!r}; it is one of float32, float16, bfloat16")
    if attention not in ("sdpa", "eager"):
        raise ValueError(f"attention is {attention!r}; knockouts work under sdpa and eager")
    if not isinstance(name, str | Path):
        raise _unknown(name, f"it is a {type(name).__name__}")
    template = None if prompt is None else check_prompt(prompt)
    device = choose_device(device)
    folder = _folder(name)
    family = _family(name, folder)
    check_weights(folder)
    spread: dict[str, Any] = {"device_map": "auto"} if device == "auto" else {}
    try:
        model = load_weights(
            model_class(family), folder, dtype=getattr(torch, dtype), attn_implementation=attention, **spread
        )
        if spread:
            _refuse_meta_weights(model, str(name))
        else:
            model = model.to(device)
    except torch.OutOfMemoryError as error:
        raise ValueError(
            f"{name} does not fit into the memory of {device} ({error}); choose float16 or bfloat16, or device 'auto' "
            "to spread it over several GPUs"
        ) from None
    refuse_bad_values(model, str(folder))
    processor, assumed = load_processor(folder, model)
    own = in_own_words(template or chat_prompt(processor, folder, family.placeholder), family)
    vlm = VisionLanguageModel(str(name), model.eval(), processor, own, assumed)
    check_agreement(vlm, own_template=template is None)
    return vlm


def _folder(name: str | Path) -> Path:
    """The folder that holds the checkpoint, downloaded where it is a name on a hub; its small files are checked."""
    remote = False
    if str(name) in EMBEDDED_MODELS:
        folder = embedded_folder(str(name))
    elif str(name) in ASSEMBLED_MODELS:
        folder = assembled_smol()
    elif _exists(name):
        folder = Path(name)
    else:
        remote, folder = True, _download(str(name), _SMALL_FILES)
    if not (folder / "config.json").is_file():
        raise _unknown(name, f"{folder} has no config.json")
    verify(folder)
    check_folder(folder)
    if remote:
        _download(str(name), list(weight_files(folder)))
    return folder


def _exists(name: str | Path) -> bool:
    try:
        return Path(name).exists()
    except OSError as error:  # such as a name too long for any file
        raise _unknown(name, str(error)) from None


def _download(name: str, patterns: list[str]) -> Path:
    """The local snapshot of a hub's checkpoint, with the files of these patterns."""
    hub_name, at, revision = name.rpartition("@")
    hub_name, pin = (hub_name, revision) if at else (name, None)
    try:
        return Path(snapshot_download(hub_name, revision=pin, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        raise _unknown(name, str(error).splitlines()[0]) from None


def _unknown(name: str | Path, reason: str) -> ValueError:
    own = ", ".join((*EMBEDDED_MODELS, *ASSEMBLED_MODELS))
    return ValueError(
        f"no model {str(name)!r}: it is neither embedded ({own}) nor a folder in transformers "
        f"format nor a reachable hub name ({reason}); give one of these. What a hub has can be downloaded elsewhere "
        "and its folder be given"
    )


def _family(name: str | Path, folder: Path) -> Family:
    """The family that a configuration names."""
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the library's errors for configurations are of many kinds
        raise ValueError(
            f"{folder / 'config.json'} cannot be used ({type(error).__name__}: {error}); take the one that the "
            "checkpoint came with"
        ) from error
    return family_of(config, name)


def _refuse_meta_weights(model: Any, name: str) -> None:
    """Weights that wait on CPU or disk for their turn have no values to read: nothing could tell which they are."""
    if any(weight.is_meta for weight in model.parameters()):
        raise ValueError(
            f"{name} does not fit into the memory of this machine's GPUs; give it more of them, or a smaller dtype"
        )
