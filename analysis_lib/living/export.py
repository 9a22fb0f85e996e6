"""The embedded model as one ONNX graph whose inputs include the attention masks, so that any knockout is an input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from analysis_lib.models import VisionLanguageModel

__all__ = ["BLOCKED", "INPUTS", "OUTPUTS", "Traced", "exported"]

INPUTS = ("pixels", "tokens", "masks")
OUTPUTS = ("logits", "states", "attention")
BLOCKED = -1e9
"""What a mask adds to the score of a position that may not be read."""

_SHORTEST, _LONGEST = 40, 120
"""Lengths of prompts that the graph takes, in tokens."""
_OPSET = 20


class Traced(torch.nn.Module):
    """LLaVA-1.5's forward pass on one prompt, with a mask for every layer and everything inside as outputs.

    The library's own forward (`analysis_lib.activations.forward_condition`) hooks a model that runs; a graph has no
    hooks, so here the same modules are called one after another.

    Parameters
    ----------
    vlm
        a model of LLaVA-1.5's class, from `load_model`.

    Raises
    ------
    ValueError
        the model is of another class.
    """

    def __init__(self, vlm: VisionLanguageModel) -> None:
        super().__init__()
        if vlm.model.config.model_type != "llava":
            raise ValueError(
                f"{vlm.name} is of the type {vlm.model.config.model_type!r}; the graph is written for 'llava', such as "
                "mini-llava-1.5"
            )
        self.body = vlm.model.model
        self.head = vlm.model.get_output_embeddings()
        self.image_token = vlm.image_token_id
        self.level = int(vlm.model.config.vision_feature_layer)

    def forward(
        self, pixels: torch.Tensor, tokens: torch.Tensor, masks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Read one prompt.

        Parameters
        ----------
        pixels
            ``(1, 3, height, width)``, as the processor makes them.
        tokens
            ``(1, length)``, a placeholder for each token of the picture.
        masks
            ``(n_layers, length, length)``, added to the attention's scores: 0 or `BLOCKED`.

        Returns
        -------
        The last position's ``logits`` after 0, 1, ... layers, each read through the final norm, ``(n_layers + 1,
        vocabulary)``; the residual stream there, ``states`` ``(n_layers + 1, length, hidden)``; ``attention``,
        ``(n_layers, length, length)``, the mean over heads.
        """
        decoder = self.body.language_model
        hidden = self._embedded(pixels, tokens)
        positions = torch.arange(tokens.shape[1])[None]
        rotation = decoder.rotary_emb(hidden, positions)
        states, attention = [hidden], []
        for layer, module in enumerate(decoder.layers):
            read, weights = module.self_attn(
                hidden_states=module.input_layernorm(hidden),
                attention_mask=masks[layer][None, None],
                position_embeddings=rotation,
            )
            hidden = hidden + read
            hidden = hidden + module.mlp(module.post_attention_layernorm(hidden))
            states.append(hidden)
            attention.append(weights.mean(1)[0])
        stacked = torch.cat(states)
        return self.head(decoder.norm(stacked[:, -1])), stacked, torch.stack(attention)

    def _embedded(self, pixels: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The decoder's input: words, and the picture's features in the places of its tokens."""
        tower = self.body.vision_tower(pixels, output_hidden_states=True)
        features = self.body.multi_modal_projector(tower.hidden_states[self.level][:, 1:])  # without the class token
        words = self.body.language_model.embed_tokens(tokens)
        picture = tokens == self.image_token
        place = (torch.cumsum(picture.to(torch.int64), 1) - 1).clamp(min=0)[..., None]
        return torch.where(picture[..., None], features.gather(1, place.expand_as(words)), words)


def exported(vlm: VisionLanguageModel, pixels: torch.Tensor, tokens: torch.Tensor) -> bytes:
    """The model as an ONNX file for prompts of any length, its weights in the halves in which they were trained.

    Parameters
    ----------
    vlm
        from ``load_model(..., attention="eager")``, on the CPU.
    pixels, tokens
        one prompt, as of `Traced`.
    """
    length, n_layers = tokens.shape[1], vlm.n_layers
    masks = torch.full((length, length), BLOCKED).triu(1).expand(n_layers, length, length).contiguous()
    size = torch.export.Dim("length", min=_SHORTEST, max=_LONGEST)
    shapes = {"pixels": None, "tokens": {1: size}, "masks": {1: size, 2: size}}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Traced(vlm).eval(),
            (pixels.float(), tokens, masks),
            input_names=INPUTS,
            output_names=OUTPUTS,
            opset_version=_OPSET,
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # with dynamo there is always one
    return _halved(program.model_proto).SerializeToString()


def _halved(model: Any) -> Any:
    """Weights that float16 holds exactly become float16, cast back where the graph begins: half the size, no change."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), values):
            continue
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(halves, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    return model
