"""Questions of a run and the tokens that they become: counted where questions and tokenizer are here, else at most."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis_lib.activations.answering import Answers
from analysis_lib.activations.batching import arrange, token_counts
from analysis_lib.activations.decoder import PER_TOKEN
from analysis_lib.models import SPAN_NAMES, Batch, Spans, VisionLanguageModel, prepare
from analysis_lib.rehearsal import SHAPES, generate
from analysis_lib.tasks import is_answered, load_questions

from .asked import Run
from .weightless import Shaped

__all__ = ["OPTIONS", "Prompts", "Typical", "pieces", "prompts_of"]

OPTIONS = 100
"""Answers that a task is taken to have where its questions are not here; each takes four bytes per condition."""
LONGEST_QUESTION = 20
"""Tokens that a question is taken to have where it is not here; GQA's have about ten words."""
_PIECES = re.compile(r"\w{1,5}|[^\w\s]|\n")


@dataclass(frozen=True)
class Prompts:
    """The prompts of a task.

    Attributes
    ----------
    questions, pictures
        how many, and how many different ones.
    reads
        pictures that the vision tower reads: one that questions of several batches show is read in each.
    tokens
        of all prompts, the pictures' included.
    options
        answers that can be told apart; none where there are no answers.
    """

    task: str
    questions: int
    pictures: int
    reads: int
    tokens: int
    options: int | None


@dataclass(frozen=True)
class Typical:
    """One prompt that stands for all of a run.

    Attributes
    ----------
    spans
        its parts, as long as they are on average in a batch, padding included.
    seen
        what the vision tower is given for its picture, on the CPU, with the true values of what is not pixels.
    """

    spans: Spans
    seen: dict[str, torch.Tensor]


@dataclass(frozen=True)
class _Counted:
    prompts: Prompts
    image: float
    question: float


def pieces(text: str) -> int:
    """Tokens of a text where no tokenizer is here: one for every five letters begun and every sign, too many.

    Examples
    --------
    >>> pieces("Is it an umbrella?")
    6
    """
    return len(_PIECES.findall(text))


def prompts_of(run: Run, shaped: Shaped) -> tuple[list[Prompts], Typical, list[str]]:
    """The prompts of each task, one that stands for all, and in words what is not counted but taken to be so.

    Raises
    ------
    ValueError, FileNotFoundError
        questions or pictures that cannot be used, or of which nobody knows how many there are.
    """
    tables = {task: _table(run, task) for task in run.tasks}
    known = {task: table for task, table in tables.items() if table is not None}
    assumed = (
        [] if known else ["questions: at most so many, each about a picture of its own, as no GQA=folder is given"]
    )
    if shaped.vlm.processor is None or not known:
        typical = _published(shaped, known)
        assumed.append("tokens: of a photograph of 640 x 427 and of text, by its letters, as no tokenizer is here")
        length = typical.spans.length
        return [_at_most(run, task, tables[task], length) for task in run.tasks], typical, assumed
    counted = [_counted(run, task, table, shaped.vlm) for task, table in known.items()]
    return [one.prompts for one in counted], _typical(counted, pd.concat(known.values()), shaped.vlm), assumed


def _table(run: Run, task: str) -> pd.DataFrame | None:
    n, seed = run.extract["n_questions"], run.extract["seed"]
    if run.source is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fewer questions than asked for: the figures say it
            return load_questions(run.source, task, n=n, seed=seed)
    if n is None:
        raise ValueError(f"{run.model}: n_questions is null, so all are asked; give GQA=folder, which tells how many")
    return None


def _counted(run: Run, task: str, questions: pd.DataFrame, vlm: VisionLanguageModel) -> _Counted:
    """Count as extraction does, batch by batch; shorter prompts of a batch are filled up."""
    order = arrange(vlm, questions)
    lengths, picture, tokens = (np.asarray(one)[order] for one in token_counts(vlm, questions))
    size = run.extract["batch_size"]
    batches = [slice(start, start + size) for start in range(0, len(order), size)]
    weights = [len(lengths[rows]) for rows in batches]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # extraction says which answers begin alike
        options = len(Answers.of(vlm, questions).options) if is_answered(questions) else None
    prompts = Prompts(
        task, len(order), len(set(picture)), sum(len(set(picture[rows])) for rows in batches),
        int(lengths.sum() + tokens.sum()), options,
    )  # fmt: skip
    longest = [[values[rows].max() for rows in batches] for values in (tokens, lengths)]
    image, text = (float(np.average(values, weights=weights)) for values in longest)
    return _Counted(prompts, image, text)


def _typical(counted: Sequence[_Counted], questions: pd.DataFrame, vlm: VisionLanguageModel) -> Typical:
    """A real question whose picture is as large as they are on average, with as much text as they have on average."""
    weights = [one.prompts.questions for one in counted]
    image, text = (
        float(np.average([getattr(one, name) for one in counted], weights=weights)) for name in ("image", "question")
    )
    _, _, tokens = token_counts(vlm, questions.drop_duplicates("image"))
    near = questions.drop_duplicates("image").iloc[[int(np.abs(tokens - image).argmin())]]
    batch = prepare(replace(vlm, model=_placed(vlm)), near)
    own = {name: stop - start for name, (start, stop) in ((name, getattr(batch.spans[0], name)) for name in SPAN_NAMES)}
    other = own["system"] + own["gap"] + own["tail"]
    question = max(1, round(text) - other)
    return Typical(_spans(own["system"], round(image), own["gap"], question, own["tail"]), _not_text(batch))


def _not_text(batch: Batch) -> dict[str, torch.Tensor]:
    return {name: value for name, value in batch.inputs.items() if name not in PER_TOKEN}


def _placed(vlm: VisionLanguageModel) -> Any:
    """What preparing a batch asks of a model, on the CPU, where values are values."""
    return SimpleNamespace(config=vlm.model.config, device="cpu", dtype=vlm.dtype)


def _spans(system: int, image: int, gap: int, question: int, tail: int) -> Spans:
    """The spans of a prompt whose parts have so many tokens."""
    bounds = [0, *np.cumsum([system, image, gap, question, tail]).tolist()]
    places = dict(zip(SPAN_NAMES, zip(bounds, bounds[1:], strict=False), strict=False))
    return Spans(**places, last=(bounds[-1] - 1, bounds[-1]))


def _at_most(run: Run, task: str, table: pd.DataFrame | None, length: int) -> Prompts:
    n = run.extract["n_questions"] if table is None else len(table)
    pictures = n if table is None else table["image"].nunique()
    options = OPTIONS if table is None else table["answer"].nunique() or None
    return Prompts(task, n, pictures, n, n * length, options)


def _published(shaped: Shaped, known: dict[str, pd.DataFrame]) -> Typical:
    """A photograph and the prompt's text, counted by letters."""
    vlm = shaped.vlm
    before, after = vlm.prompt.split("{question}")
    system, gap = before.split(vlm.family.placeholder) if vlm.family.placeholder in before else before.split("<image>")
    question = LONGEST_QUESTION
    if known:
        question = max(pieces(text) for table in known.values() for text in table["question"])
    first, between, last = (max(1, pieces(part)) for part in (system, gap, after))
    first += 1  # the start token
    config = vlm.model.config
    if vlm.family.model_type in ("llava", "llava_next"):
        vision, tiled = config.vision_config, vlm.family.model_type == "llava_next"
        shape = replace(
            SHAPES["llava-1.6-vicuna-7b" if tiled else "llava-1.5-7b"],
            tile=vision.image_size,
            patch=vision.patch_size,
            vocabulary=config.text_config.vocab_size,
            system=first,
            gap=between,
            question=question,
            tail=last,
        )
        batch = generate(replace(vlm, model=_placed(vlm)), shape, 1)
        return Typical(batch.spans[0], _not_text(batch))
    if vlm.family.model_type in ("idefics3", "smolvlm"):
        side = config.vision_config.image_size
        per_tile = (side // config.vision_config.patch_size) ** 2 // config.scale_factor**2
        image = TILES * (per_tile + 3)
        pixels = torch.empty(1, TILES, 3, side, side, device="meta")
        return Typical(_spans(first, image, between, question, last), {"pixel_values": pixels})
    raise ValueError(
        f"{vlm.name} is a {vlm.family.model_type} model whose tokens are counted with its own processor; give its "
        "folder (MODEL_PATH) and GQA=folder"
    )


TILES = 13
"""Of a photograph of 4 to 3 in SmolVLM: four by three, and the whole; each has about three marks beside its tokens."""
