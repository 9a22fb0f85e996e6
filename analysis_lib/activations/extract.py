"""From a model and questions to pooled states, targets and outcomes under every condition."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis_lib.models import VisionLanguageModel
from analysis_lib.shard_folders import remove_shards

from .answering import no_right_answer, texts_said
from .conditions import Condition
from .extracting import extracted
from .one_batch import N_CHECKED, untouched
from .opening import open_activations, said_key
from .shards import Shard
from .source_code import code_digest as _code_digest

__all__ = ["N_CHECKED", "extract", "extract_shard"]


def extract(
    vlm: VisionLanguageModel,
    questions: pd.DataFrame,
    conditions: Sequence[str | Condition] = ("baseline", "paper", "strict"),
    *,
    store: str | Path | None = None,
    batch_size: int = 100,
    backend: str = "lockstep",
    scoring: str = "generation",
    max_new_tokens: int = 16,
    states_of: Sequence[str] | None = None,
    states_dtype: str | None = None,
    on_mismatch: str = "refuse",
    made_by: str = "hand",
    shards: int = 1,
) -> xr.Dataset:
    """Run a model on questions under every condition; pool, store and label what happens inside.

    Parameters
    ----------
    vlm
        from `load_model`.
    questions
        from `load_questions`; one task's, so that ``answer_logits`` range over that task's answers.
    conditions
        names, as `named_condition` takes them, or `Condition` objects, each with its own name.
    store
        folder of the activation store. An interrupted run resumes where it stopped, if the pictures behind what is
        done still hold what they held, wherever they lie now; ``None`` keeps everything in memory.
    batch_size
        questions that run together; halved, with a warning, when they do not fit into memory.
    backend
        ``"lockstep"`` runs the part before the question once for all conditions and is checked on the first
        questions against ``"reference"``, the model's own forward under hooks, one condition after the other, for
        at most six conditions of all sorts. Where they differ by more than rounding, a warning says by how much and
        the reference goes on.
    scoring
        what makes an answer correct. ``"generation"``: all that the untouched model says, greedily, is the answer
        but for case, articles, punctuation and words for numbers, as GQA's and VQA's evaluations have it. A condition
        under which the first token is the untouched model's has its verdict; another first token is correct when it
        begins the answer, as with ``"first-token"``. Both are stored: ``correct`` and ``correct_first_token``.
    max_new_tokens
        how many tokens an answer may have.
    states_of
        names of the conditions whose states are kept; of the others what was answered is kept alone, a thousandth of
        it. ``None`` keeps all.
    states_dtype
        number format in which states are kept: ``"float32"`` or ``"float16"``. ``None`` takes float16 where the model
        runs in half precision: between 6e-5 and 65504 it holds the numbers of float16 and bfloat16 exactly, and the
        means over tokens, which are taken in float32, to .05 %.
    on_mismatch
        what to do with a store that other settings or pictures made, or that is damaged beyond its batches:
        ``"refuse"`` it, or ``"replace"`` it. What is no store, or not the store's, is never touched.
    made_by
        who asks, one word that the store keeps: ``"hand"`` may replace any store, others only their own.
    shards
        how many shards `extract_shard` has made of this extraction, which are merged into the store, the same that one
        job writes, and taken away; a store that is whole already needs them no more.

    Returns
    -------
    The dataset that `open_activations` documents.

    Raises
    ------
    ValueError, FileNotFoundError
        unusable questions, answers, pictures, conditions or store, with what to do about it.
    MemoryError
        not even one question fits.
    """
    asked: dict[str, Any] = {"batch_size": batch_size, "backend": backend, "scoring": scoring}
    asked |= {"max_new_tokens": max_new_tokens}
    asked |= {"states_of": states_of, "states_dtype": states_dtype, "on_mismatch": on_mismatch, "made_by": made_by}
    by = _code_digest()
    with _folder(store) as folder, extracted(vlm, questions, conditions, folder, None, shards, by, **asked) as done:
        writer, chosen, kept, answers = done
        reference = untouched(chosen) or 0
        writer.finish(
            {
                "conditions": [condition.name for condition in chosen],
                "kept": [chosen[number].name for number in kept],
                "options": [] if answers is None else list(answers.options),
                **_what_was_said(vlm, folder, reference),
            }
        )
        if shards != 1:
            remove_shards(folder)
        dataset = open_activations(folder, verify=False)  # all of it was checked, or has just been written
        if answers is None:
            warnings.warn("the questions have no answers, so what is said to them is not scored", stacklevel=2)
        elif (nothing := no_right_answer(dataset, chosen[reference].name)) is not None:
            warnings.warn(nothing, stacklevel=2)
        return dataset if store is not None else dataset.load()


def extract_shard(
    vlm: VisionLanguageModel,
    questions: pd.DataFrame,
    conditions: Sequence[str | Condition] = ("baseline", "paper", "strict"),
    *,
    store: str | Path,
    shard: str,
    **asked: Any,
) -> None:
    """Run a model on one of several blocks of the pictures, which `extract` merges into a store.

    Parameters
    ----------
    vlm, questions, conditions
        as of `extract`: all questions, of which this takes its block.
    store
        the folder of the store that is to be; the shard lies beside it, in ``STORE.shards/2-of-4``. A killed one
        resumes where it stopped, and takes over what the store has already.
    shard
        its number from 1 and how many there are, such as ``"2/4"``.
    **asked
        what else `extract` takes by name, the same for all shards of a store.

    Raises
    ------
    ValueError, FileNotFoundError, MemoryError
        as `extract`; or no such shard.
    """
    which = Shard.named(shard)
    with extracted(vlm, questions, conditions, which.folder(Path(store)), which, 1, _code_digest(), **asked):
        pass


def _what_was_said(vlm: VisionLanguageModel, folder: Path, condition: int) -> dict[str, Any]:
    """The texts of all tokens predicted and of all answers given, and how many are right under a condition."""
    import zarr

    group = zarr.open_group(folder / "activations.zarr", mode="r")
    tokens = np.unique(np.asarray(group["predicted_token"]))
    found: dict[str, Any] = {"words": {str(token): vlm.tokenizer.decode([int(token)]).strip() for token in tokens}}
    answered = "correct" in group
    right = {"first-token": np.asarray(group["correct_first_token"])[:, condition]} if answered else {}
    if "said_tokens" in group:
        said = np.unique(np.asarray(group["said_tokens"]), axis=0)
        found["said"] = dict(zip(map(said_key, said), texts_said(vlm, said), strict=True))
        if answered:
            right["generation"] = np.asarray(group["correct"])[:, condition]
    return found | {"accuracy": {name: float(values.mean()) for name, values in right.items()}}


@contextmanager
def _folder(store: str | Path | None) -> Iterator[Path]:
    if store is not None:
        yield Path(store)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary) / "store"
