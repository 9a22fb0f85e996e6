"""Tiny random models of every known family, each with a processor of its own class.

The weights are drawn large, as in `tiny`, and windows of attention are short, so that both show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers import PreTrainedTokenizerFast, ProcessorMixin
from transformers.models.smolvlm import processing_smolvlm

from analysis_lib.models import VisionLanguageModel
from analysis_lib.models.families import FAMILIES, model_class, processor_class
from analysis_lib.worlds.mini.architectures.shared_parts import chat_template
from analysis_lib.worlds.mini.architectures.word_tokenizer import VOCABULARY, build_tokenizer
from tests.unit.models.tiny import LAYERS, PATCH, PINPOINTS, TILE, WIDTH

processing_smolvlm.num2words = processing_smolvlm.num2words or str  # which films alone would need
SPREAD = 0.25
MARKS = {
    "<image>": "image_token",
    "<video>": "video_token",
    "[IMG]": "",
    "[IMG_BREAK]": "",
    "[IMG_END]": "",
    "<img>": "start_image_token",
    "</img>": "end_image_token",
    "<IMG_CONTEXT>": "context_image_token",
    "<fake_token_around_image>": "fake_image_token",
    "<global-img>": "global_image_token",
    "<end_of_utterance>": "",
    **{f"<row_{row}_col_{column}>": "" for row in (1, 2) for column in (1, 2)},
    "<|vision_start|>": "vision_bos_token",
    "<|vision_end|>": "vision_eos_token",
    "<|image_pad|>": "",
    "<|video_pad|>": "",
    "<start_of_image>": "boi_token",
    "<end_of_image>": "eoi_token",
    "<image_soft_token>": "",
}
"""Tokens that families write pictures with, and what their tokenizers call them."""
WORDS = VOCABULARY | {
    mark: len(VOCABULARY) + number for number, mark in enumerate(mark for mark in MARKS if mark not in VOCABULARY)
}


class PixtralStandIn(ProcessorMixin):
    """Writes pictures as Pixtral's processor does, which cannot be imported without torchvision."""

    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str, side: int) -> None:
        super().__init__(image_processor, tokenizer, chat_template=chat_template)
        self.side = side
        self.image_token, self.image_token_id = "[IMG]", WORDS["[IMG]"]

    def replace_image_token(self, image_inputs: dict, image_idx: int, **_: Any) -> str:
        rows, columns = (int(size) // self.side for size in image_inputs["image_sizes"][image_idx])
        return "[IMG_BREAK]".join(["[IMG]" * columns] * rows) + "[IMG_END]"


@dataclass(frozen=True)
class Case:
    """A family with one of its decoders.

    ``make`` gives configuration and image processor, and the processor's further settings. ``whole``: its processor can
    be loaded from its files here; others need packages that are not installed. ``also``: a further decoder of a family
    that has a case already.
    """

    family: str
    make: Callable[[], tuple[Any, Any, dict[str, Any]]]
    whole: bool = True
    also: bool = False


DECODER = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "max_position_embeddings", "bos_token_id", "eos_token_id", "pad_token_id",
    "initializer_range", "tie_word_embeddings",
)  # fmt: skip


def decoder(kind: str, **more: Any) -> Any:
    """The configuration of a small decoder."""
    shared: dict[str, Any] = {
        "vocab_size": len(WORDS),
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 300,
        "bos_token_id": VOCABULARY["<s>"],
        "eos_token_id": VOCABULARY["</s>"],
        "pad_token_id": VOCABULARY["<pad>"],
        "initializer_range": SPREAD,
        "tie_word_embeddings": False,
    }
    return getattr(hf, f"{kind}Config")(**shared | more)


def clip() -> Any:
    return hf.CLIPVisionConfig(
        hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=3, num_attention_heads=2, image_size=TILE,
        patch_size=PATCH, projection_dim=WIDTH, initializer_range=SPREAD, initializer_factor=5.0,
    )  # fmt: skip


def siglip(side: int = TILE) -> Any:
    return hf.SiglipVisionConfig(
        hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, image_size=side,
        patch_size=PATCH, vision_use_head=False,
    )  # fmt: skip


CLIP_LOOKS: dict[str, Any] = {"size": {"shortest_edge": TILE}, "crop_size": {"height": TILE, "width": TILE}}
CLIP_COUNTS = {"patch_size": PATCH, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
SQUARE = {"height": TILE, "width": TILE}


def llava(text: Any) -> tuple[Any, Any, dict[str, Any]]:
    config = hf.LlavaConfig(
        vision_config=clip(),
        text_config=text,
        image_token_index=WORDS["<image>"],
        image_seq_length=(TILE // PATCH) ** 2,
    )
    return config, hf.CLIPImageProcessorPil(**CLIP_LOOKS), CLIP_COUNTS


def llava_next(text: Any) -> tuple[Any, Any, dict[str, Any]]:
    config = hf.LlavaNextConfig(
        vision_config=clip(), text_config=text, image_token_index=WORDS["<image>"], image_grid_pinpoints=PINPOINTS
    )
    return config, hf.LlavaNextImageProcessorPil(image_grid_pinpoints=PINPOINTS, **CLIP_LOOKS), CLIP_COUNTS


def vipllava() -> tuple[Any, Any, dict[str, Any]]:
    config = hf.VipLlavaConfig(
        vision_config=clip(), text_config=decoder("Llama"), image_token_index=WORDS["<image>"],
        vision_feature_layer=(-2, -1, 1),
    )  # fmt: skip
    return config, hf.CLIPImageProcessorPil(**CLIP_LOOKS), CLIP_COUNTS


def llava_onevision() -> tuple[Any, Any, dict[str, Any]]:
    config = hf.LlavaOnevisionConfig(
        vision_config=siglip(), text_config=decoder("Qwen2"), image_token_index=WORDS["<image>"],
        video_token_index=WORDS["<video>"], image_grid_pinpoints=PINPOINTS, vision_aspect_ratio="anyres_max_2",
    )  # fmt: skip
    counts = {
        "num_image_tokens": (TILE // PATCH) ** 2,
        "vision_feature_select_strategy": "full",
        "vision_aspect_ratio": "anyres_max_2",
    }
    return config, hf.LlavaOnevisionImageProcessorPil(size=SQUARE, image_grid_pinpoints=PINPOINTS), counts


def mistral3() -> tuple[Any, Any, dict[str, Any]]:
    vision = hf.PixtralVisionConfig(
        hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, image_size=64,
        patch_size=PATCH, initializer_range=SPREAD,
    )  # fmt: skip
    text = decoder("Mistral", sliding_window=None, head_dim=8)
    config = hf.Mistral3Config(
        vision_config=vision, text_config=text, image_token_index=WORDS["[IMG]"], spatial_merge_size=2
    )
    looks = hf.PixtralImageProcessorPil(size={"longest_edge": 64}, patch_size={"height": 2 * PATCH, "width": 2 * PATCH})
    return config, looks, {"side": 2 * PATCH}


def internvl(text: Any) -> tuple[Any, Any, dict[str, Any]]:
    vision = hf.InternVLVisionConfig(
        hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, image_size=[TILE, TILE],
        patch_size=[PATCH, PATCH], initializer_range=SPREAD,
    )  # fmt: skip
    config = hf.InternVLConfig(
        vision_config=vision, text_config=text, image_token_id=WORDS["<IMG_CONTEXT>"], image_seq_length=4
    )
    return config, hf.GotOcr2ImageProcessorPil(size=SQUARE, min_patches=1, max_patches=3), {"image_seq_length": 4}


def idefics3(kind: str) -> tuple[Any, Any, dict[str, Any]]:
    vision = getattr(hf, f"{kind}VisionConfig")(
        hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, image_size=TILE,
        patch_size=PATCH, initializer_range=SPREAD,
    )  # fmt: skip
    config = getattr(hf, f"{kind}Config")(
        vision_config=vision, text_config=decoder("Llama"), image_token_id=WORDS["<image>"], scale_factor=2,
        pad_token_id=VOCABULARY["<pad>"],
    )  # fmt: skip
    looks = getattr(hf, f"{kind}ImageProcessorPil")(
        size={"longest_edge": 2 * TILE}, max_image_size={"longest_edge": TILE}
    )
    return config, looks, {"image_seq_len": 4}


def qwen_vl(kind: str) -> tuple[Any, Any, dict[str, Any]]:
    text = {name: value for name, value in decoder("Llama").to_dict().items() if name in DECODER}
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
    cutting = {"patch_size": PATCH, "temporal_patch_size": 2, "spatial_merge_size": 2}
    vision: dict[str, Any] = {
        "Qwen2VL": {"embed_dim": WIDTH, "hidden_size": WIDTH, "mlp_ratio": 1},
        "Qwen2_5_VL": {"hidden_size": WIDTH, "out_hidden_size": WIDTH, "intermediate_size": WIDTH,
                       "window_size": 4 * PATCH, "fullatt_block_indexes": [1]},
        "Qwen3VL": {"hidden_size": WIDTH, "out_hidden_size": WIDTH, "intermediate_size": WIDTH,
                    "num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1]},
    }[kind] | {"depth": 3, "num_heads": 2, "initializer_range": SPREAD}  # fmt: skip
    if kind == "Qwen3VL":
        text |= {"head_dim": 8}
        text["rope_parameters"] |= {"mrope_interleaved": True}
    config = getattr(hf, f"{kind}Config")(
        vision_config=vision | cutting, text_config=text, image_token_id=WORDS["<|image_pad|>"],
        video_token_id=WORDS["<|video_pad|>"], vision_start_token_id=WORDS["<|vision_start|>"],
        vision_end_token_id=WORDS["<|vision_end|>"],
    )  # fmt: skip
    looks = hf.Qwen2VLImageProcessorPil(
        size={"shortest_edge": TILE**2, "longest_edge": 4 * TILE**2}, patch_size=PATCH, temporal_patch_size=2,
        merge_size=2,
    )  # fmt: skip
    return config, looks, {}


def gemma3() -> tuple[Any, Any, dict[str, Any]]:
    kinds = ["sliding_attention", "full_attention"] * (LAYERS // 2)
    text = decoder("Gemma3Text", head_dim=8, sliding_window=12, layer_types=kinds, query_pre_attn_scalar=8)
    config = hf.Gemma3Config(
        vision_config=siglip(), text_config=text, mm_tokens_per_image=4, boi_token_index=WORDS["<start_of_image>"],
        eoi_token_index=WORDS["<end_of_image>"], image_token_index=WORDS["<image_soft_token>"],
    )  # fmt: skip
    return config, hf.Gemma3ImageProcessorPil(size=SQUARE, do_pan_and_scan=False), {"image_seq_length": 4}


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32, "rope_theta": 500000.0}  # fmt: skip

CASES: dict[str, Case] = {
    "llava, Llama 3": Case("llava", lambda: llava(decoder("Llama", rope_parameters=LLAMA3))),
    "llava, Mistral": Case("llava", lambda: llava(decoder("Mistral", sliding_window=24, head_dim=8))),
    "llava, Qwen2": Case("llava", lambda: llava(decoder("Qwen2")), also=True),
    "llava, Qwen3": Case("llava", lambda: llava(decoder("Qwen3", head_dim=8)), also=True),
    "llava_next, Llama 3": Case("llava_next", lambda: llava_next(decoder("Llama", rope_parameters=LLAMA3))),
    "llava_next, Mistral": Case(
        "llava_next", lambda: llava_next(decoder("Mistral", sliding_window=None, head_dim=8)), also=True
    ),
    "vipllava": Case("vipllava", vipllava),
    "llava_onevision": Case("llava_onevision", llava_onevision),
    "mistral3": Case("mistral3", mistral3, whole=False),
    "internvl, Qwen2": Case("internvl", lambda: internvl(decoder("Qwen2"))),
    "idefics3": Case("idefics3", lambda: idefics3("Idefics3")),
    "smolvlm": Case("smolvlm", lambda: idefics3("SmolVLM")),
    "qwen2_vl": Case("qwen2_vl", lambda: qwen_vl("Qwen2VL")),
    "qwen2_5_vl": Case("qwen2_5_vl", lambda: qwen_vl("Qwen2_5_VL")),
    "qwen3_vl": Case("qwen3_vl", lambda: qwen_vl("Qwen3VL")),
    "gemma3": Case("gemma3", gemma3),
    "internvl, Qwen3": Case("internvl", lambda: internvl(decoder("Qwen3", head_dim=8)), also=True),
}


def tokenizer(image: str) -> PreTrainedTokenizerFast:
    """One that knows all families' marks, of which ``image`` is its own for pictures."""
    words = build_tokenizer(WORDS)
    named = {name: mark for mark, name in MARKS.items() if name} | {"image_token": image}
    plain = [mark for mark in MARKS if mark not in named.values()]
    made = PreTrainedTokenizerFast(
        tokenizer_object=words.backend_tokenizer,
        **{name: getattr(words, name) for name in ("pad_token", "bos_token", "eos_token", "unk_token")},
        extra_special_tokens=named,
        padding_side="right",
        model_max_length=512,
    )
    made.add_special_tokens({"additional_special_tokens": plain}, replace_extra_special_tokens=False)
    return made


def build(case_name: str, seed: int = 0) -> VisionLanguageModel:
    """The model of a case, with a processor that was made here."""
    case = CASES[case_name]
    family = FAMILIES[case.family]
    config, looks, counts = case.make()
    torch.manual_seed(seed)
    model = model_class(family)._from_config(config, attn_implementation="sdpa").eval()
    for name, weight in model.named_parameters():  # some classes begin with small or equal weights
        if (weight.ndim > 1 and weight.std() < SPREAD / 2) or not (weight.any() or name.endswith("bias")):
            torch.nn.init.normal_(weight, std=SPREAD)
    kind = PixtralStandIn if case.family == "mistral3" else processor_class(family)
    template = chat_template().replace("<image>", family.placeholder)
    films = {"video_processor": None} if family.films else {}
    processor = kind(
        image_processor=looks, tokenizer=tokenizer(family.token), chat_template=template, **films, **counts
    )
    prompt = "USER: " + family.placeholder + "\n{question} ASSISTANT:"
    return VisionLanguageModel(case_name, model, processor, prompt)


def save(name: str, folder: Path) -> Path:
    """Write the model of a case as a checkpoint."""
    vlm = build(name)
    vlm.model.save_pretrained(folder)
    vlm.processor.save_pretrained(folder)
    return folder
