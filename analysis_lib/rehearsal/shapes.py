"""The published models as shapes: built with random weights, on a device or on none at all, and inputs to match.

How long a forward pass takes does not depend on what the weights say. On the device ``meta`` tensors have shapes but no
values: a forward pass there computes nothing, but every operation it would do can be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
)

from analysis_lib.activations import Condition, get_condition, window_conditions
from analysis_lib.models import PROMPTS, Batch, Spans, VisionLanguageModel

__all__ = ["SHAPES", "Shape", "build", "configuration", "generate", "pinpoints", "window_run"]

WINDOW = 3
SCALES = (2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Shape:
    """The sizes of a LLaVA and of the prompts it reads.

    Attributes
    ----------
    tiles
        whether a picture is cut into tiles (LLaVA-NeXT) or seen once (LLaVA-1.5).
    layers, hidden, intermediate, heads, vocabulary
        of the Llama decoder.
    vision_layers, vision_hidden, vision_intermediate, vision_heads, tile, patch
        of the CLIP tower; the last two are
        sides in pixels.
    picture
        width and height of the generated pictures, in pixels.
    system, gap, question, tail
        how many tokens each part of a prompt has; the last of ``tail`` predicts.
    """

    name: str
    tiles: bool
    layers: int = 32
    hidden: int = 4096
    intermediate: int = 11008
    heads: int = 32
    vocabulary: int = 32064
    vision_layers: int = 24
    vision_hidden: int = 1024
    vision_intermediate: int = 4096
    vision_heads: int = 16
    tile: int = 336
    patch: int = 14
    picture: tuple[int, int] = (640, 427)
    system: int = 4
    gap: int = 1
    question: int = 20
    tail: int = 18

    def narrowed(self, scale: int) -> Shape:
        """All widths divided by ``scale`` and all depths by 4; as many tokens as before.

        Examples
        --------
        >>> small = SHAPES["llava-1.5-7b"].narrowed(16)
        >>> small.layers, small.hidden, small.vision_layers
        (8, 256, 6)
        """
        if scale not in SCALES:
            raise ValueError(f"scale is {scale}; it is one of {', '.join(map(str, SCALES))}")
        return replace(
            self,
            name=f"{self.name}, {scale} times narrower",
            layers=max(1, self.layers // 4),
            hidden=self.hidden // scale,
            intermediate=self.intermediate // scale,
            heads=max(1, self.heads // 4),
            vocabulary=self.vocabulary // scale,
            vision_layers=max(2, self.vision_layers // 4),
            vision_hidden=self.vision_hidden // scale,
            vision_intermediate=self.vision_intermediate // scale,
            vision_heads=max(1, self.vision_heads // 4),
        )


SHAPES = {shape.name: shape for shape in (Shape("llava-1.5-7b", False), Shape("llava-1.6-vicuna-7b", True))}
"""The two models of the paper: CLIP ViT-L/14-336 and Vicuna 7B. A photograph is 3 to 2, as many of GQA's are."""


def build(shape: Shape, device: str = "cpu", dtype: torch.dtype = torch.float32, seed: int = 0) -> VisionLanguageModel:
    """The model of this shape with random weights, made where it is to run; on ``meta``, shapes alone.

    It has no processor: its inputs come from `generate`.
    """
    config = configuration(shape)
    config._attn_implementation = "sdpa"
    before = torch.get_default_dtype()
    torch.manual_seed(seed)
    try:
        torch.set_default_dtype(dtype)
        with torch.device(device):
            kind = LlavaNextForConditionalGeneration if shape.tiles else LlavaForConditionalGeneration
            model: Any = kind(config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)
    if device == "meta":
        _forget_values(model, shape)
    return VisionLanguageModel(shape.name, model, None, PROMPTS["llava-1.5"])


def generate(vlm: VisionLanguageModel, shape: Shape, n: int, seed: int = 0) -> Batch:
    """``n`` prompts of the shape's length about ``n`` pictures of noise, tokens at random."""
    generator = torch.Generator().manual_seed(seed)
    image = _image_tokens(shape)
    ends = [0]
    for size in (shape.system, image, shape.gap, shape.question, shape.tail):
        ends.append(ends[-1] + size)
    system, picture, gap, question, tail = zip(ends, ends[1:], strict=False)
    spans = Spans(system, picture, gap, question, tail, (ends[-1] - 1, ends[-1]))
    ids = torch.randint(3, shape.vocabulary - 1, (n, spans.length), generator=generator)
    ids[:, slice(*picture)] = vlm.image_token_id
    tile = (3, shape.tile, shape.tile)
    pixels = torch.randn(n, *((1 + _n_tiles(shape), *tile) if shape.tiles else tile), generator=generator)
    # Prompts of one length need no attention mask, which would have values to look at.
    inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": None, "pixel_values": pixels.to(vlm.dtype)}
    if shape.tiles:
        inputs["image_sizes"] = _image_sizes(shape, n)
    at = vlm.device
    moved: dict[str, Any] = {name: None if value is None else value.to(at) for name, value in inputs.items()}
    return Batch(moved, (spans,) * n)


def window_run(shape: Shape) -> list[Condition]:
    """The baseline and the paper's knockout in a window of layers around each layer."""
    return [get_condition("baseline"), *window_conditions("paper", shape.layers, min(WINDOW, shape.layers))]


def configuration(shape: Shape) -> LlavaConfig | LlavaNextConfig:
    """Transformers' configuration of a model of this shape."""
    vision = CLIPVisionConfig(
        hidden_size=shape.vision_hidden,
        intermediate_size=shape.vision_intermediate,
        num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.vision_heads,
        image_size=shape.tile,
        patch_size=shape.patch,
        projection_dim=shape.vision_hidden,
    )
    text = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=4096,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    shared: dict[str, Any] = {
        "vision_config": vision,
        "text_config": text,
        "image_token_index": shape.vocabulary - 1,
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
    }
    if shape.tiles:
        return LlavaNextConfig(image_grid_pinpoints=pinpoints(shape), **shared)
    return LlavaConfig(image_seq_length=_side(shape) ** 2, **shared)


def pinpoints(shape: Shape) -> list[list[int]]:
    """The grids of tiles that LLaVA-1.6 knows."""
    return [[rows * shape.tile, columns * shape.tile] for rows, columns in ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))]


def _side(shape: Shape) -> int:
    return shape.tile // shape.patch


def _image_sizes(shape: Shape, n: int) -> torch.Tensor:
    """Height and width of every picture, ``(n, 2)``."""
    width, height = shape.picture
    return torch.tensor([[height, width]] * n)


def _n_tiles(shape: Shape) -> int:
    from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape

    width, height = shape.picture
    rows, columns = get_anyres_image_grid_shape((height, width), pinpoints(shape), shape.tile)
    return int(rows * columns)


def _image_tokens(shape: Shape) -> int:
    """How many tokens a picture becomes; for tiles, those of the tiles without padding, a line end per row, and those
    of the small picture.
    """
    side = _side(shape)
    if not shape.tiles:
        return side**2
    from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape, unpad_image

    width, height = shape.picture
    rows, columns = get_anyres_image_grid_shape((height, width), pinpoints(shape), shape.tile)
    _, rows, columns = unpad_image(torch.empty(1, rows * side, columns * side), (height, width)).shape
    return side**2 + rows * (columns + 1)


def _forget_values(model: Any, shape: Shape) -> None:
    """Answer for a model without values what its forward pass asks of values.

    Where the placeholders are, whether prompts are packed (a whole mask says they are not), how large pictures are.
    """

    def placeholders(input_ids: torch.Tensor, inputs_embeds: torch.Tensor, image_features: torch.Tensor) -> Any:
        return (input_ids == model.config.image_token_id)[..., None].to(inputs_embeds.device)

    def whole_mask(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        n, length, _ = kwargs["inputs_embeds"].shape
        return args, {**kwargs, "attention_mask": torch.empty(n, 1, length, length, dtype=torch.bool, device="meta")}

    model.model.get_placeholder_mask = placeholders
    model.model.language_model.register_forward_pre_hook(whole_mask, with_kwargs=True)
    if shape.tiles:
        features = model.model.get_image_features

        def with_known_sizes(pixel_values: torch.Tensor, image_sizes: Any, *args: Any, **kwargs: Any) -> Any:
            return features(pixel_values, _image_sizes(shape, len(pixel_values)), *args, **kwargs)

        model.model.get_image_features = with_known_sizes
