"""Ask smol-llava for natural and contrary colours: what it says whole and cut, and what each layer would say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from analysis_lib.activations import get_condition
from analysis_lib.activations.answering import Answers
from analysis_lib.interventions import Rerun, cut, logit_lens, means
from analysis_lib.models import VisionLanguageModel, prepare
from analysis_lib.worlds.smol.things import COLORS

__all__ = ["CUT_ALL", "OPEN", "Asked", "ask", "color_answers", "cut_from", "strict_thirds"]

CUT_ALL = "nobody reads the picture from layer {} on"
OPEN = "QueryAttr"
"""The task that asks for a colour openly; the other, ChooseAttr, offers two."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """What a model says to some questions.

    Attributes
    ----------
    answers
        by ``question_id`` and ``condition``: ``said``, the first token, and the probabilities of the ``shown`` and of
        the ``natural`` colour over the whole vocabulary.
    lens
        by ``question_id`` and ``layer``: log-probabilities through the logit lens of the ``shown`` colour, of the
        ``natural`` one, and of the ``other`` ones: their mean, and that of the ``likeliest``.
    states
        mean states ``(n, n_layers + 1, hidden)`` at the ``last`` position, of the ``image``, of the ``question``, and
        of the question as it is where it cannot read the picture (``question alone``).
    """

    answers: pd.DataFrame
    lens: pd.DataFrame
    states: dict[str, Array]


def strict_thirds(n_layers: int) -> list[str]:
    """The condition ``strict`` in each third of a model's layers.

    Examples
    --------
    >>> strict_thirds(30)
    ['strict@0-9', 'strict@10-19', 'strict@20-29']
    """
    ends = [round(third * n_layers / 3) for third in range(4)]
    return [f"strict@{first}-{end - 1}" for first, end in zip(ends, ends[1:], strict=False) if first < end]


def cut_from(n_layers: int) -> list[int]:
    """Layers from which on nobody reads the picture.

    Examples
    --------
    >>> cut_from(30)
    [0, 10, 15, 20, 25]
    """
    return sorted({n_layers * sixths // 6 for sixths in (0, 2, 3, 4, 5)})


def color_answers(vlm: VisionLanguageModel) -> Answers:
    """The ten colours and the tokens that say them, options in the order of `COLORS`."""
    found = Answers.of(vlm, pd.DataFrame({"question_id": COLORS, "answer": COLORS}))
    return Answers(found.tokens, {color: found.options[color] for color in COLORS})


def ask(vlm: VisionLanguageModel, questions: pd.DataFrame, batch_size: int = 10) -> Asked:
    """Ask questions of one task of `write_color_contrasts`, whole and under every cut.

    Parameters
    ----------
    vlm
        from `load_model`.
    questions
        with the columns ``natural`` and ``answer``, which is the colour shown.
    batch_size
        questions that run together.

    Raises
    ------
    ValueError
        questions of more than one task, which are cut alike.
    """
    tasks = sorted(set(questions["task"]))
    if len(tasks) != 1:
        raise ValueError(f"questions are of {', '.join(tasks)}; ask one task after the other")
    colors = color_answers(vlm)
    answers, lens, states = [], [], []
    for start in range(0, len(questions), batch_size):
        some = questions.iloc[start : start + batch_size]
        run = Rerun(vlm, prepare(vlm, some))
        whole = [means(layer, run.spans, place) for place in ("last", "image", "question") for layer in run.states]
        alone: list[torch.Tensor] = []
        logits = _under_cuts(run, tasks[0] == OPEN, alone)
        answers += [_said(vlm, colors, some, condition, found) for condition, found in logits.items()]
        lens += [_through(colors, some, run, layer) for layer in range(vlm.n_layers + 1)]
        states.append(torch.stack([*whole, *(means(layer, run.spans, "question") for layer in alone)], 1).cpu().numpy())
    places = np.split(np.concatenate(states), 4, 1)
    named = dict(zip(("last", "image", "question", "question alone"), places, strict=True))
    return Asked(pd.concat(answers, ignore_index=True), pd.concat(lens, ignore_index=True), named)


def _under_cuts(run: Rerun, openly: bool, alone: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Logits by condition; ``alone`` is filled with the states under ``strict``. A choice between two is cut less."""
    nowhere = torch.zeros(len(run.spans), run.length, dtype=torch.bool)
    n_layers, found = run.vlm.n_layers, {"baseline": run.logits}
    for name in ("paper", "strict", *(("image->last", *strict_thirds(n_layers)) if openly else ())):
        kept = alone if name == "strict" else None
        found[name] = run.logits_with(nowhere, {}, get_condition(name), kept)
    for layer in cut_from(n_layers) if openly else (0,):
        found[CUT_ALL.format(layer)] = cut(run, "image", layer)
    return found


def _said(
    vlm: VisionLanguageModel, colors: Answers, some: pd.DataFrame, condition: str, logits: torch.Tensor
) -> pd.DataFrame:
    chances = colors.logits(logits.log_softmax(-1)).exp().numpy()
    said = [vlm.tokenizer.decode([token]).strip().lower() for token in logits.argmax(-1)]
    return pd.DataFrame(
        {
            "question_id": some["question_id"].to_numpy(),
            "condition": condition,
            "said": said,
            "shown": _of(chances, some["answer"]),
            "natural": _of(chances, some["natural"]),
        }
    )


def _through(colors: Answers, some: pd.DataFrame, run: Rerun, layer: int) -> pd.DataFrame:
    told = colors.logits(logit_lens(run, layer).log_softmax(-1)).numpy()
    shown, natural = _of(told, some["answer"]), _of(told, some["natural"])
    names = np.array(COLORS)[None]
    named = (names == some["answer"].to_numpy()[:, None]) | (names == some["natural"].to_numpy()[:, None])
    others = np.where(named, np.nan, told)
    return pd.DataFrame(
        {
            "question_id": some["question_id"].to_numpy(),
            "layer": layer,
            "shown": shown,
            "natural": natural,
            "other": np.nanmean(others, 1),
            "likeliest": np.nanmax(others, 1),
        }
    )


def _of(values: Array, colors: pd.Series) -> Array:
    """Each row's value of its own colour."""
    return values[np.arange(len(values)), [COLORS.index(color) for color in colors]]
