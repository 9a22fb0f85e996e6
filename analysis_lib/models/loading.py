"""Load a model: an embedded one by name, any LLaVA-style checkpoint by path or hub name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoProcessor,
    LlavaForConditionalGeneration,
    LlavaNextForConditionalGeneration,
)

from .prompts import chat_prompt, check_prompt

__all__ = ["EMBEDDED_MODELS", "VisionLanguageModel", "load_model", "training_report"]

_CHECKPOINTS = Path(__file__).parent / "checkpoints"
EMBEDDED_MODELS: dict[str, Path] = {name: _CHECKPOINTS / name for name in ("mini-llava-1.5", "mini-llava-1.6")}
"""The models that ship with the package, each with the folder of its checkpoint."""

_CLASSES = {"llava": LlavaForConditionalGeneration, "llava_next": LlavaNextForConditionalGeneration}


@dataclass(frozen=True)
class VisionLanguageModel:
    """A model with its processor and its prompt: the one place that knows the model's insides.

    Attributes
    ----------
    name: as asked for.
    model: the transformers model, in evaluation mode.
    processor: its processor; prompt: template with ``<image>`` and ``{question}``.
    """

    name: str
    model: Any
    processor: Any
    prompt: str

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    @property
    def image_token_id(self) -> int:
        """Token id of the picture's placeholder."""
        return int(self.model.config.image_token_id)

    @property
    def decoder_layers(self) -> Any:
        """The decoder's layers, each with a ``self_attn``."""
        return self.model.model.language_model.layers

    @property
    def final_norm(self) -> Any:
        """The norm after the last layer."""
        return self.model.model.language_model.norm

    @property
    def n_layers(self) -> int:
        """Number of decoder layers."""
        return len(self.decoder_layers)

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return int(self.model.config.text_config.hidden_size)

    @property
    def context_length(self) -> int | None:
        """The longest prompt the decoder was built for, in tokens."""
        return getattr(self.model.config.text_config, "max_position_embeddings", None)

    @property
    def attention(self) -> str:
        """The decoder's attention implementation, such as ``"sdpa"``."""
        return str(self.model.config.text_config._attn_implementation)

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        return torch.device(self.model.device)

    @property
    def dtype(self) -> torch.dtype:
        """The weights' number format."""
        return self.model.dtype

    def answer_token(self, answer: str) -> int:
        """The first token that the model would have to say at the predicting position to answer ``answer``.

        Raises
        ------
        ValueError: the answer has no word, or begins with one that is not in the vocabulary.
        """
        cue = self.prompt.split("{question}")[1].strip()
        alone = self.tokenizer(cue, add_special_tokens=False)["input_ids"]
        followed = self.tokenizer(f"{cue} {answer}", add_special_tokens=False)["input_ids"]
        at = next((i for i, (a, b) in enumerate(zip(alone, followed, strict=False)) if a != b), len(alone))
        if not answer.strip() or at >= len(followed):
            raise ValueError(f"the answer {answer!r} adds no token after {cue!r}; an answer needs at least one word")
        if followed[at] == self.tokenizer.unk_token_id:
            raise ValueError(f"the answer {answer!r} is not in the vocabulary of {self.name}, which cannot say it")
        return int(followed[at])

    def fingerprint(self) -> str:
        """A short hash of configuration and of a sample of every weight, to tell checkpoints apart."""
        digest = hashlib.sha256(self.model.config.to_json_string(use_diff=True).encode())
        for weight in self.model.parameters():
            sample = weight.detach().flatten()[:: max(1, weight.numel() // 64)]
            digest.update(sample.float().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]


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
    name: an embedded model (``"mini-llava-1.5"``), a folder in transformers format, or a hub name such as
        ``"llava-hf/llava-1.5-7b-hf"``, which ``"llava-hf/llava-1.5-7b-hf@REVISION"`` pins to a commit, tag or branch.
    prompt: a name in `PROMPTS` or a template with ``<image>`` and ``{question}``; ``None`` takes the processor's own
        chat template.
    dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``.
    attention: ``"sdpa"`` or ``"eager"``.
    device: such as ``"cuda"``; ``None`` takes a GPU where there is one; ``"auto"`` spreads the layers over all GPUs,
        which needs the package accelerate.

    Raises
    ------
    ValueError: an unknown name, dtype or attention, an architecture that is not LLaVA-1.5 or LLaVA-NeXT, or a model too
        large for the GPUs it is spread over.
    FileNotFoundError: an embedded model whose checkpoint is not there.

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
    path, where = _place(name)
    try:
        config = AutoConfig.from_pretrained(path, **where)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no model {str(name)!r}: it is neither embedded ({', '.join(EMBEDDED_MODELS)}) nor a folder in "
            f"transformers format nor a reachable hub name ({str(error).splitlines()[0]})"
        ) from None
    if config.model_type not in _CLASSES:
        raise ValueError(f"{name} is a {config.model_type} model; supported are {', '.join(_CLASSES)}")
    spread: dict[str, Any] = {"device_map": "auto"} if device == "auto" else {}
    model = _CLASSES[config.model_type].from_pretrained(
        path, dtype=getattr(torch, dtype), attn_implementation=attention, **where, **spread
    )
    if spread:
        _refuse_meta_weights(model, str(name))
    else:
        model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    processor = AutoProcessor.from_pretrained(path, **where)
    template = chat_prompt(processor) if prompt is None else check_prompt(prompt)
    return VisionLanguageModel(str(name), model.eval(), processor, template)


def _place(name: str | Path) -> tuple[str | Path, dict[str, str]]:
    """What transformers is to load, and with which revision."""
    if str(name) in EMBEDDED_MODELS:
        return _embedded_folder(str(name)), {}
    hub_name, at, revision = str(name).rpartition("@")
    if not at or Path(name).exists():
        return name, {}
    return hub_name, {"revision": revision}


def _refuse_meta_weights(model: Any, name: str) -> None:
    """Weights that wait on CPU or disk for their turn have no values to read: nothing could tell which they are."""
    if any(weight.is_meta for weight in model.parameters()):
        raise ValueError(
            f"{name} does not fit into the memory of this machine's GPUs; give it more of them, or a smaller dtype"
        )


def training_report(name: str) -> dict[str, Any]:
    """How an embedded model was trained, and its accuracy beside the blind twin's: the ``training.json`` it ships with.

    Raises
    ------
    ValueError: the model is not embedded, so nothing is known of its training.
    FileNotFoundError: an embedded model whose checkpoint is not there.
    """
    if name not in EMBEDDED_MODELS:
        raise ValueError(f"{name!r} is no embedded model; training reports exist for {', '.join(EMBEDDED_MODELS)}")
    return json.loads((_embedded_folder(name) / "training.json").read_text(encoding="utf-8"))


def _embedded_folder(name: str) -> Path:
    folder = EMBEDDED_MODELS[name]
    if not all((folder / file).is_file() for file in ("model.safetensors", "training.json")):
        raise FileNotFoundError(
            f"{name} is an embedded model, but its checkpoint is not in {folder}; train it with "
            f"`python -m analysis_lib.models.training --model {name}`, which resumes where it was interrupted"
        )
    return folder
