"""What a model goes on to say: greedy answers of a few tokens, batched, from the first token on."""

from __future__ import annotations

from typing import Any

import torch

from analysis_lib.models import Batch, VisionLanguageModel

from .decoder import PER_TOKEN, take
from .prompt_keys import PromptKeys, at_once, position_lag

__all__ = ["UNSAID", "continue_answers"]

UNSAID = -1
"""Stands behind an answer's last token."""


@torch.inference_mode()
def continue_answers(
    vlm: VisionLanguageModel,
    batch: Batch,
    first: torch.Tensor,
    max_new_tokens: int,
    known: PromptKeys | None = None,
) -> torch.Tensor:
    """The most probable token after token, until an answer ends.

    Prompts whose keys and values are known go on from these. Others are run once more, together with the first token
    of their answer: a model that has said all with it takes no further step.

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
    known
        keys and values of this batch's prompts, which are used up.

    Returns
    -------
    The tokens said, ``(n, max_new_tokens)`` on the CPU; `UNSAID` from where an answer ended.
    """
    said = torch.full((len(first), max_new_tokens), UNSAID)
    said[:, 0] = first.cpu()
    ends = torch.tensor(sorted(vlm.end_tokens))
    said[torch.isin(said, ends)] = UNSAID
    room = max_new_tokens if vlm.context_length is None else vlm.context_length - batch.length + 1
    most = min(room, max_new_tokens)
    going = (said[:, 0] != UNSAID).nonzero()[:, 0]
    if most < 2:
        return said
    n_known = 0 if known is None else len(known)
    here, anew = going[going < n_known], going[going >= n_known]
    if known is not None and len(here):
        said[here] = _from_keys(vlm, known, here, batch.lengths[here], said[here], most, ends)
    for rows in _portions(vlm, anew, batch.lengths, batch.length + max_new_tokens):
        said[rows] = _from_prompts(vlm, take(vlm, batch, rows.tolist()), said[rows], most, ends)
    return said


def _from_keys(
    vlm: VisionLanguageModel,
    known: PromptKeys,
    rows: torch.Tensor,
    places: torch.Tensor,
    said: torch.Tensor,
    most: int,
    ends: torch.Tensor,
) -> torch.Tensor:
    cache, real, lag = known.take(rows)
    mask = torch.nn.functional.pad(real.long(), (0, 1), value=1).to(vlm.device)
    positions = places[:, None].to(vlm.device) + lag
    inputs = _one_more(vlm, said[:, 0], mask, positions, cache)
    return _continue(vlm, inputs, torch.zeros_like(places), said, most, ends, positions)


def _from_prompts(
    vlm: VisionLanguageModel, batch: Batch, said: torch.Tensor, most: int, ends: torch.Tensor
) -> torch.Tensor:
    rows, places = torch.arange(len(said)), batch.lengths
    inputs: dict[str, Any] = dict(batch.inputs)
    room = int(places.max()) + 1 - batch.length  # for the first token, behind the longest of these prompts
    for name in PER_TOKEN:
        if name in inputs:
            filler = vlm.tokenizer.pad_token_id or 0 if name == "input_ids" else 0
            inputs[name] = torch.nn.functional.pad(inputs[name], (0, room), value=filler).clone()
    inputs["input_ids"][rows, places] = said[:, 0].to(vlm.device)
    inputs["attention_mask"][rows, places] = 1
    return _continue(vlm, inputs, places, said, most, ends)


def _continue(
    vlm: VisionLanguageModel,
    inputs: dict[str, Any],
    here: torch.Tensor,
    said: torch.Tensor,
    most: int,
    ends: torch.Tensor,
    positions: torch.Tensor | None = None,
) -> torch.Tensor:
    """Say all that comes behind the first tokens, which stand at ``here`` in the inputs and at these positions."""
    rows, mask = torch.arange(len(said)), inputs["attention_mask"]
    going = torch.ones(len(said), dtype=torch.bool)
    for step in range(1, most):
        found = vlm.model.model(**inputs, use_cache=True)
        states = found.last_hidden_state
        states = states[rows.to(states.device), here.to(states.device)]
        token = vlm.model.get_output_embeddings()(states).argmax(-1)
        going &= ~torch.isin(token.cpu(), ends)
        said[going, step] = token.cpu()[going]
        if not going.any():
            break
        if positions is None:  # a turning model knows them only now
            positions = here[:, None].to(vlm.device) + position_lag(vlm)
        here = torch.zeros_like(here)
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        inputs = _one_more(vlm, token, mask, positions + step, found.past_key_values)
    return said


def _one_more(
    vlm: VisionLanguageModel, token: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any
) -> dict[str, Any]:
    """Inputs of one more token of each answer, behind what the cache holds."""
    return {
        "input_ids": token[:, None].to(vlm.device),
        "attention_mask": mask,
        "position_ids": positions,
        "past_key_values": cache,
    }


def _portions(vlm: VisionLanguageModel, going: torch.Tensor, lengths: torch.Tensor, longest: int) -> list[torch.Tensor]:
    """Rows that run together: as many as memory takes.

    A window of attention counts places, padding included, so that prompts that outgrow it run with their equals.
    """
    if not len(going):
        return []
    groups = [going]
    if any(reach.window is not None and reach.window < longest for reach in vlm.reaches):
        groups = [going[lengths[going] == length] for length in lengths[going].unique()]
    return [rows for group in groups for rows in group.split(max(1, at_once(vlm, longest)))]
