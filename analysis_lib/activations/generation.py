"""What a model goes on to say: greedy answers of a few tokens, batched, from the first token on."""

from __future__ import annotations

from typing import Any

import torch

from analysis_lib.models import Batch, VisionLanguageModel

from .decoder import PER_TOKEN, take

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
    vlm
        from `load_model`.
    batch
        from `prepare`, with pixels or with picture features.
    first
        the first token of each answer, ``(n,)``.
    max_new_tokens
        of an answer, the first one included.

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
        for rows in _portions(vlm, going, batch.lengths, batch.length + max_new_tokens):
            said[rows] = _continue(vlm, take(vlm, batch, rows.tolist()), said[rows], min(room, max_new_tokens), ends)
    return said


def _continue(
    vlm: VisionLanguageModel, batch: Batch, said: torch.Tensor, most: int, ends: torch.Tensor
) -> torch.Tensor:
    rows, places = torch.arange(len(said)), batch.lengths
    token = said[:, 0].to(vlm.device)
    inputs: dict[str, Any] = dict(batch.inputs)
    room = int(places.max()) + 1 - batch.length  # for the first token, behind the longest of these prompts
    for name in PER_TOKEN:
        if name in inputs:
            filler = vlm.tokenizer.pad_token_id or 0 if name == "input_ids" else 0
            inputs[name] = torch.nn.functional.pad(inputs[name], (0, room), value=filler).clone()
    mask = inputs["attention_mask"]
    inputs["input_ids"][rows, places], mask[rows, places] = token, 1
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
            "position_ids": (places + step)[:, None].to(vlm.device) + _lag(vlm),
            "past_key_values": found.past_key_values,
        }
    return said


def _lag(vlm: VisionLanguageModel) -> torch.Tensor | int:
    """By how much positions after the picture differ from counting tokens, ``(n, 1)``, in the prompts just run."""
    return vlm.model.model.rope_deltas if vlm.family.turns else 0


def _portions(vlm: VisionLanguageModel, going: torch.Tensor, lengths: torch.Tensor, longest: int) -> list[torch.Tensor]:
    """Rows that run together: as many as memory takes.

    A window of attention counts places, padding included, so that prompts that outgrow it run with their equals.
    """
    groups = [going]
    if any(reach.window is not None and reach.window < longest for reach in vlm.reaches):
        groups = [going[lengths[going] == length] for length in lengths[going].unique()]
    return [rows for group in groups for rows in group.split(_at_once(vlm, longest))]


def _at_once(vlm: VisionLanguageModel, length: int) -> int:
    """How many prompts of this length have their keys and values in memory together."""
    config = vlm.model.config.text_config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    token = 2 * vlm.n_layers * heads * head * vlm.dtype.itemsize
    return max(1, MOST_BYTES // (token * length))
