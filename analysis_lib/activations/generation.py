"""What a model goes on to say: greedy answers of a few tokens, batched, from the first token on."""

from __future__ import annotations

from typing import Any

import torch

from analysis_lib.models import Batch, VisionLanguageModel

from .decoder import take

__all__ = ["UNSAID", "continue_answers"]

UNSAID = -1
"""Stands behind an answer's last token."""
MOST_BYTES = 2**31
"""Keys and values that are alive at once; prompts are run in portions of at most so many."""


@torch.inference_mode()
def continue_answers(vlm: VisionLanguageModel, batch: Batch, first: torch.Tensor, max_new_tokens: int) -> torch.Tensor:
    """The most probable token after token, until an answer ends.

    The prompt is run once, together with the first token of its answer: a model that has said all with it takes no
    further step.

    Parameters
    ----------
    vlm: from `load_model`.
    batch: from `prepare`, with pixels or with picture features.
    first: the first token of each answer, ``(n,)``.
    max_new_tokens: of an answer, the first one included.

    Returns
    -------
    The tokens said, ``(n, max_new_tokens)`` on the CPU; `UNSAID` from where an answer ended.
    """
    said = torch.full((len(first), max_new_tokens), UNSAID)
    said[:, 0] = first.cpu()
    ends = torch.tensor(sorted(vlm.end_tokens))
    said[torch.isin(said, ends)] = UNSAID
    room = max_new_tokens if vlm.context_length is None else vlm.context_length - batch.length + 1
    going = (said[:, 0] != UNSAID).nonzero()[:, 0]
    if len(going) and min(room, max_new_tokens) > 1:
        for rows in going.split(_at_once(vlm, batch.length + max_new_tokens)):
            said[rows] = _continue(vlm, take(batch, rows.tolist()), said[rows], min(room, max_new_tokens), ends)
    return said


def _continue(
    vlm: VisionLanguageModel, batch: Batch, said: torch.Tensor, most: int, ends: torch.Tensor
) -> torch.Tensor:
    rows, places = torch.arange(len(said)), batch.lengths
    token = said[:, 0].to(vlm.device)
    ids = torch.nn.functional.pad(batch.inputs["input_ids"], (0, 1), value=vlm.tokenizer.pad_token_id or 0)
    mask = torch.nn.functional.pad(batch.inputs["attention_mask"], (0, 1))
    ids[rows, places], mask[rows, places] = token, 1
    inputs: dict[str, Any] = {**batch.inputs, "input_ids": ids, "attention_mask": mask}
    going = torch.ones(len(said), dtype=torch.bool)
    for step in range(1, most):
        found = vlm.model.model(**inputs, use_cache=True)
        here = places if step == 1 else torch.zeros_like(places)
        states = found.last_hidden_state
        states = states[rows.to(states.device), here.to(states.device)]
        token = vlm.model.get_output_embeddings()(states).argmax(-1)
        going &= ~torch.isin(token.cpu(), ends)
        said[going, step] = token.cpu()[going]
        if not going.any():
            break
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        inputs = {
            "input_ids": token[:, None].to(vlm.device),
            "attention_mask": mask,
            "position_ids": (places + step)[:, None].to(vlm.device),
            "past_key_values": found.past_key_values,
        }
    return said


def _at_once(vlm: VisionLanguageModel, length: int) -> int:
    """How many prompts of this length have their keys and values in memory together."""
    config = vlm.model.config.text_config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    token = 2 * vlm.n_layers * heads * head * vlm.dtype.itemsize
    return max(1, MOST_BYTES // (token * length))
