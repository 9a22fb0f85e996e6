"""The question that is followed: chosen, its prompt and states read, its mask, and what a cut does to its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import softmax

from analysis_lib.activations import allowed_mask, answered_correctly, get_condition, shorten_picture, under
from analysis_lib.interventions import run_in_batches
from analysis_lib.models import Spans, VisionLanguageModel, prepare

REFERENCE = "baseline"
ONE_GRID = "LlavaForConditionalGeneration"
"""The class whose image tokens are one grid of patches; others cut a picture more than once."""
SPACES = str.maketrans({"\N{LOWER ONE EIGHTH BLOCK}": " ", "\u0120": " ", "\u010a": "\n"})
"""How tokenizers write what a space or a newline is."""


@dataclass(frozen=True)
class Example:
    """The question that is followed.

    Attributes
    ----------
    row
        its place in the store.
    question, answer, said, image
        its words, the right answer, what the untouched model said, and the picture's file.
    tokens, spans
        of the whole prompt; tokens as text.
    patches
        on one side of the picture, None where its tokens are not one grid.
    pooled
        the mean states of image and question at a layer and the last position's final state, ``(hidden,)`` each.
    states
        of every token at that layer ``(n_tokens, hidden)``; None where the model was not run.
    """

    row: int
    question: str
    answer: str
    said: str
    image: str
    tokens: tuple[str, ...]
    spans: Spans
    patches: int | None
    pooled: Mapping[str, NDArray[np.float32]]
    states: NDArray[np.float32] | None


@dataclass(frozen=True)
class Mask:
    """Who reads whom, ``(n, n)`` each, of a prompt whose picture is drawn with at most some tokens: ``spans``."""

    untouched: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    spans: Spans

    @property
    def taken(self) -> int:
        """How many cells the cut takes."""
        return int((self.untouched & ~self.cut).sum())


def answer_shares(store: xr.Dataset) -> xr.DataArray:
    """Probabilities among the task's answers, ``(sample, condition, option)``."""
    logits = store["answer_logits"].transpose("sample", "condition", "option")
    return logits.copy(data=softmax(logits.values.astype(float), -1))


def _right(store: xr.Dataset) -> NDArray[np.intp]:
    """The option of every right answer; one option can stand for several answers."""
    options = [set(name.split(" | ")) for name in store["option"].values]
    found = [next(i for i, names in enumerate(options) if answer in names) for answer in store["answer"].values]
    return np.asarray(found, dtype=np.intp)


def telling_question(store: xr.Dataset, cut: str) -> int:
    """Of the questions answered rightly, the one whose right answer loses most probability under a cut."""
    shares, rows = answer_shares(store), np.arange(store.sizes["sample"])
    untouched, after = (shares.sel(condition=name).values[rows, _right(store)] for name in (REFERENCE, cut))
    known = store["correct"].sel(condition=REFERENCE).values
    return int(np.where(known, untouched - after, -np.inf).argmax())


def follow(
    store: xr.Dataset, about: Mapping[str, Any], layer: int, cut: str, vlm: VisionLanguageModel | None = None
) -> Example:
    """The question to be followed and its prompt: with the model the most telling one, without the first.

    Parameters
    ----------
    store, about
        from `open_activations` and `attached`.
    layer
        after how many layers states are read.
    cut
        the condition by which a question is chosen.
    vlm
        the model of the store.
    """
    row = 0 if vlm is None else telling_question(store, cut)
    one = under(store.isel(sample=[row]), REFERENCE)
    text = {name: str(one[name].values[0]) for name in ("question", "answer", "said", "image")}
    tokens, spans = about["tokens"], Spans(**{name: tuple(ends) for name, ends in about["spans"].items()})
    states = None
    if vlm is not None:
        names = ("question_id", "image_id", "question", "answer", "image")
        asked = pd.DataFrame({name: one[name].values for name in names})
        (run,) = run_in_batches(vlm, asked, 1)
        tokens, spans = _tokens(vlm, asked), run.spans[0]
        states = run.states[layer][0].float().cpu().numpy()
    image = spans.image[1] - spans.image[0]
    side = isqrt(image) if about["class"] == ONE_GRID and isqrt(image) ** 2 == image else None
    pooled = {
        "vision": one["vision"].sel(layer=layer).values[0].astype(np.float32),
        "language": one["language"].sel(layer=layer).values[0].astype(np.float32),
        "target": one["prediction_hidden"].values[0].astype(np.float32),
    }
    plain = tuple(token.translate(SPACES) for token in tokens)
    return Example(row=row, **text, tokens=plain, spans=spans, patches=side, pooled=pooled, states=states)


def _tokens(vlm: VisionLanguageModel, asked: pd.DataFrame) -> list[str]:
    ids = prepare(vlm, asked).inputs["input_ids"][0]
    return list(vlm.tokenizer.convert_ids_to_tokens(ids))


def answers(store: xr.Dataset) -> list[str]:
    """The right answers of the questions in a cloud."""
    return [str(answer) for answer in answered_correctly(store)["answer"].values]


def place(store: xr.Dataset, example: Example) -> int | None:
    """The row of the question that is followed among those in a cloud; None where it was answered wrongly."""
    known = store["correct"].sel(condition=REFERENCE).values
    return int(known[: example.row].sum()) if known[example.row] else None


def before_and_after(store: xr.Dataset, example: Example, cut: str) -> dict[str, tuple[float, float]]:
    """The probability of each of the task's answers, untouched and under a cut, the right one by its own name."""
    shares = answer_shares(store).isel(sample=example.row)
    names = [str(name) for name in store["option"].values]
    names[int(_right(store)[example.row])] = example.answer
    pairs = zip(shares.sel(condition=REFERENCE).values, shares.sel(condition=cut).values, strict=True)
    return {name: (float(one), float(other)) for name, (one, other) in zip(names, pairs, strict=True)}


def reading_mask(spans: Spans, cut: str, most: int = 60) -> Mask:
    """The real mask of a prompt, untouched and under a cut; of a longer picture ``most`` tokens are drawn."""
    drawn = shorten_picture(spans, most)
    untouched, after = (
        allowed_mask([drawn], get_condition(name).knockouts, 0)[0, 0].numpy() for name in (REFERENCE, cut)
    )
    return Mask(untouched, after, drawn)


def mask_caption(mask: Mask, spans: Spans, cut: str) -> str:
    """What the drawing of a mask shows, and how much of a long picture it leaves out."""
    shown, whole = (end - start for start, end in (mask.spans.image, spans.image))
    less = f" Of the picture's {whole} tokens {shown} are drawn." if shown < whole else ""
    return f"Rows are tokens that read, columns tokens that are read. Red: forbidden under the cut called {cut}.{less}"
