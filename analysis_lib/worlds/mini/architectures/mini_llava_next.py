"""The embedded LLaVA-1.6: the very classes of llava-v1.6-vicuna-7b, which look at a picture whole and in tiles."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate
from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
)

from ...grid import GRID
from .architecture import Architecture
from .shared_parts import bundle_options, decoder_config, normalize_pixels, picture_options, tower_config
from .word_tokenizer import IMAGE_TOKEN, VICUNA_SYSTEM, VICUNA_VOCABULARY, build_tokenizer

__all__ = ["MiniLlavaNext"]

_TILE, _TILES_PER_SIDE = 48, 2
_SIDE = _TILE * _TILES_PER_SIDE
_PATCH = 16
_PER_TILE = _TILE // _PATCH
_PER_SIDE = _PER_TILE * _TILES_PER_SIDE


class MiniLlavaNext(Architecture):
    """LLaVA-1.6: a picture 96 pixels wide, first as a whole scaled down to 48, then as four tiles of 48.

    The overview has one patch per cell; stripes blur into a shade there, in which wood and metal are hard to tell
    apart. The tiles have four patches per cell and cut the cells of the middle row and column. A picture takes 9 + 36
    tokens and the 6 newlines that end the rows of the tiles.
    """

    name = "mini-llava-1.6"
    pixels_per_cell = _SIDE // GRID
    n_image_tokens = _PER_TILE**2 + _PER_SIDE**2 + _PER_SIDE
    vocabulary = VICUNA_VOCABULARY
    system = VICUNA_SYSTEM
    views = {"overview ": slice(0, _PER_TILE**2), "tiles ": slice(_PER_TILE**2, None)}

    def __init__(self) -> None:
        within = torch.arange(_PER_TILE**2)
        row, column = within // _PER_TILE, within % _PER_TILE
        tile = torch.arange(_TILES_PER_SIDE**2)[:, None]
        cell_row = (tile // _TILES_PER_SIDE * _PER_TILE + row) * GRID // _PER_SIDE
        cell_column = (tile % _TILES_PER_SIDE * _PER_TILE + column) * GRID // _PER_SIDE
        self.patch_cell = torch.cat([within, (cell_row * GRID + cell_column).flatten()])
        # A tile's places are numbered after the overview's: rows of a tile are not rows of the picture.
        self.patch_row = torch.cat([row, (row + _PER_TILE).repeat(len(tile))])
        self.patch_column = torch.cat([column, (column + _PER_TILE).repeat(len(tile))])
        self.ablations = {"overview only": _without_tiles, "tiles only": _without_overview}

    def build_model(self, seed: int = 0, layers: int = 8) -> LlavaNextForConditionalGeneration:
        """CLIP tower, projector, newline embedding and Llama decoder, freshly initialised."""
        torch.manual_seed(seed)
        config = LlavaNextConfig(
            vision_config=tower_config(_TILE, _PATCH),
            text_config=decoder_config(len(self.vocabulary), layers),
            image_token_index=self.vocabulary[IMAGE_TOKEN],
            image_grid_pinpoints=[[_SIDE, _SIDE]],
            image_seq_length=self.n_image_tokens,
            vision_feature_layer=-1,
            vision_feature_select_strategy="default",
            tie_word_embeddings=False,
        )
        return LlavaNextForConditionalGeneration(config)

    def build_processor(self) -> LlavaNextProcessor:
        """Tokenizer, tiling image processor and chat template as LLaVA-1.6's processor bundles them."""
        tiling = LlavaNextImageProcessorPil(image_grid_pinpoints=[[_SIDE, _SIDE]], **picture_options(_TILE))
        return LlavaNextProcessor(tiling, build_tokenizer(self.vocabulary), **bundle_options(_PATCH, self.system))

    def show(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures to ``(n, 5, 3, 48, 48)`` pixel values: the overview, then the tiles row by row."""
        channels = pictures.permute(0, 3, 1, 2).contiguous()
        overview = _scaled_down(channels)
        cut = channels.unflatten(3, (_TILES_PER_SIDE, _TILE)).unflatten(2, (_TILES_PER_SIDE, _TILE))
        tiles = cut.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
        return normalize_pixels(torch.cat([overview[:, None], tiles], dim=1))

    def image_inputs(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The pixel values and the pictures' original size."""
        return {"pixel_values": pixels, "image_sizes": torch.full((len(pixels), 2), _SIDE, device=pixels.device)}


def _scaled_down(channels: torch.Tensor) -> torch.Tensor:
    """Pictures at the size of a tile, still uint8; a GPU scales floats only, and rounds once, the CPU twice."""
    on_cpu = channels.device.type == "cpu"
    scaled = interpolate(channels if on_cpu else channels.float(), (_TILE, _TILE), mode="bicubic", antialias=True)
    return scaled if on_cpu else scaled.round().clamp(0, 255).byte()


def _without_tiles(pixels: torch.Tensor) -> torch.Tensor:
    return torch.cat([pixels[:, :1], torch.zeros_like(pixels[:, 1:])], dim=1)


def _without_overview(pixels: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(pixels[:, :1]), pixels[:, 1:]], dim=1)
