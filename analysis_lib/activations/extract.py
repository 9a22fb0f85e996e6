"""From a model and questions to pooled states, targets and outcomes under every condition."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from tqdm.auto import tqdm

from analysis_lib.models import VisionLanguageModel, prepare
from analysis_lib.models.images import picture_digest
from analysis_lib.stores import digest
from analysis_lib.tasks import check_questions

from .backends import BACKENDS, OF_PREFIX, Backend, choose_backend, without_copies
from .batching import HalvingRunner, arrange, is_out_of_memory, same_picture
from .columns import check_columns
from .conditions import Condition, check_layers, get_condition
from .lock import writing
from .opening import open_activations
from .source import code_digest as _code_digest
from .store import ActivationStore, ArraySpec

__all__ = ["extract"]

N_CHECKED = 4
"""Questions on which lockstep is checked against the reference."""


def extract(
    vlm: VisionLanguageModel,
    questions: pd.DataFrame,
    conditions: Sequence[str | Condition] = ("baseline", "paper", "strict"),
    *,
    store: str | Path | None = None,
    batch_size: int = 100,
    backend: str = "lockstep",
    on_mismatch: str = "refuse",
    made_by: str = "hand",
) -> xr.Dataset:
    """Run a model on questions under every condition; pool, store and label what happens inside.

    Parameters
    ----------
    vlm: from `load_model`.
    questions: from `load_questions`; one task's, so that ``answer_logits`` range over that task's answers.
    conditions: names of presets or `Condition` objects, each with its own name.
    store: folder of the activation store. An interrupted run resumes where it stopped, if the pictures behind what is
        done still hold what they held, wherever they lie now; ``None`` keeps everything in memory.
    batch_size: questions that run together; halved, with a warning, when they do not fit into memory.
    backend: ``"lockstep"`` runs the part before the question once for all conditions and is checked on the first
        questions against ``"reference"``, the model's own forward under hooks, one condition after the other. Where
        they differ by more than rounding, a warning says by how much and the reference goes on.
    on_mismatch: what to do with a store that other settings or pictures made, or that is damaged beyond its batches:
        ``"refuse"`` it, or ``"replace"`` it. What is no store, or not the store's, is never touched.
    made_by: who asks, one word that the store keeps: ``"hand"`` may replace any store, others only their own.

    Returns
    -------
    The dataset that `open_activations` documents.

    Raises
    ------
    ValueError, FileNotFoundError: unusable questions, pictures, conditions or store, with what to do about it.
    MemoryError: not even one question fits.
    """
    check_questions(questions)
    check_columns(questions)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; at least 1 is needed")
    if on_mismatch not in ("refuse", "replace"):
        raise ValueError(f"on_mismatch is {on_mismatch!r}; it is 'refuse' or 'replace'")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}; it is {' or '.join(map(repr, BACKENDS))}")
    chosen = _unique_conditions(conditions, vlm.n_layers)
    if not re.fullmatch(r"\w+", made_by):
        raise ValueError(f"made_by is {made_by!r}; give one word, such as 'hand' or 'workflow'")
    options = _answer_options(vlm, questions["answer"])
    settings = _settings(vlm, questions, chosen, batch_size, backend)
    with _folder(store) as folder, writing(folder):
        extraction = _Extraction(vlm, chosen, options, backend)

        def begin(questions: pd.DataFrame) -> np.ndarray:  # what it refuses is refused before a folder is touched
            order = arrange(vlm, questions)
            try:
                extraction.choose_backend(questions)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):  # if it is, the first batch checks fewer questions at once
                    raise
            return order

        specs = _specs(vlm, chosen, len(options))
        replace = on_mismatch == "replace"
        writer = ActivationStore(
            folder, settings, questions, specs, begin, pictures=_pictures(), replace=replace, made_by=made_by
        )
        run = HalvingRunner(extraction)
        pending = writer.pending()
        with tqdm(total=len(questions), unit="question", disable=None) as bar:
            bar.update(len(questions) - sum(rows.stop - rows.start for rows in pending))
            for rows in pending:
                writer.write(rows, run(questions.iloc[writer.order[rows]]))
                bar.update(rows.stop - rows.start)
        writer.finish(
            {
                "conditions": [condition.name for condition in chosen],
                "options": list(options.values()),
                "words": _words(vlm, folder),
            }
        )
        dataset = open_activations(folder)
        return dataset if store is not None else dataset.load()


class _Extraction:
    """From questions to the arrays that `_specs` lists; the first questions decide on the backend."""

    def __init__(
        self, vlm: VisionLanguageModel, conditions: Sequence[Condition], options: dict[int, str], backend: str
    ) -> None:
        self.vlm, self.conditions, self.options, self.name = vlm, conditions, options, backend
        self.backend: Backend | None = None

    def choose_backend(self, questions: pd.DataFrame) -> Backend:
        """Check lockstep on a few of the questions, spread over them."""
        few = questions.iloc[np.unique(np.linspace(0, len(questions) - 1, N_CHECKED).astype(int))]
        self.backend = choose_backend(self.name, self.vlm, prepare(self.vlm, few), self.conditions, same_picture(few))
        return self.backend

    def __call__(self, questions: pd.DataFrame) -> dict[str, np.ndarray]:
        backend = self.backend or self.choose_backend(questions)  # a resumed store begins here
        states = backend(self.vlm, prepare(self.vlm, questions), self.conditions, same_picture(questions))
        for name in _stored_once(self.conditions):
            states[name] = without_copies(states[name], name, self.vlm.dtype)
        logits = states.pop("logits")
        truth = torch.tensor([self.vlm.answer_token(answer) for answer in questions["answer"]], device=logits.device)
        predicted = logits.argmax(-1)
        states["answer_logits"] = logits[..., list(self.options)]
        probability = logits.softmax(-1)
        states["answer_probability"] = probability.gather(2, truth[:, None, None].expand(*predicted.shape, 1))[..., 0]
        states["predicted_token"] = predicted
        states["correct"] = predicted == truth[:, None]
        return {name: values.cpu().numpy() for name, values in states.items()}


def _stored_once(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """The arrays that are the same under all these conditions, by causality."""
    return () if any(condition.changes_prefix for condition in conditions) else OF_PREFIX


def _specs(vlm: VisionLanguageModel, conditions: Sequence[Condition], n_options: int) -> dict[str, ArraySpec]:
    n_conditions = len(conditions)
    residual = ArraySpec(("condition", "layer", "hidden"), (n_conditions, vlm.n_layers + 1, vlm.hidden_size))
    vector = ArraySpec(("condition", "hidden"), (n_conditions, vlm.hidden_size))
    specs = {
        "vision": residual,
        "language": residual,
        "vision_final_norm": vector,
        "language_final_norm": vector,
        "prediction_hidden": vector,
        "answer_logits": ArraySpec(("condition", "option"), (n_conditions, n_options)),
        "answer_probability": ArraySpec(("condition",), (n_conditions,)),
        "predicted_token": ArraySpec(("condition",), (n_conditions,), "int64"),
        "correct": ArraySpec(("condition",), (n_conditions,), "bool"),
    }
    for name in _stored_once(conditions):
        specs[name] = ArraySpec(specs[name].dims[1:], specs[name].shape[1:], specs[name].dtype)
    return specs


def _unique_conditions(conditions: Sequence[str | Condition], n_layers: int) -> list[Condition]:
    chosen = [get_condition(condition) for condition in conditions]
    names = [condition.name for condition in chosen]
    if not chosen or len(set(names)) != len(names):
        raise ValueError(f"conditions are {names}; give at least one, each with its own name")
    for condition in chosen:
        check_layers(condition, n_layers)
    return chosen


def _answer_options(vlm: VisionLanguageModel, answers: pd.Series) -> dict[int, str]:
    """First token -> answer, for every distinct answer; answers that begin alike share an option."""
    options: dict[int, str] = {}
    for answer in sorted(set(answers)):
        token = vlm.answer_token(answer)
        options[token] = f"{options[token]} | {answer}" if token in options else answer
    return options


def _settings(
    vlm: VisionLanguageModel,
    questions: pd.DataFrame,
    conditions: Sequence[Condition],
    batch_size: int,
    backend: str,
) -> dict[str, Any]:
    return {
        "model": Path(vlm.name).name,
        "fingerprint": vlm.fingerprint(),
        "prompt": vlm.prompt,
        "processor": _processor_digest(vlm),
        "assumed": dict(vlm.assumed),
        "dtype": str(vlm.dtype).removeprefix("torch."),
        "attention": vlm.attention,
        "tasks": sorted(set(questions["task"])),
        "n_questions": len(questions),
        "questions": _questions_digest(questions),
        "conditions": [condition.to_dict() for condition in conditions],
        "backend": backend,
        "batch_size": batch_size,
        "code": _code_digest(),
    }


def _questions_digest(questions: pd.DataFrame) -> str:
    """A short hash of all that is known of the questions, in order, but for where their pictures lie."""
    named = questions.assign(image=[Path(image).name for image in questions["image"]])
    columns = sorted(map(str, named.columns))
    rows = named[columns].astype(object).values.tolist()
    return digest([json.dumps(columns), *(json.dumps([*map(repr, row)]) for row in rows)])


def _pictures() -> Callable[[pd.DataFrame], str]:
    """A short hash of what the pictures of some questions hold, in order; each file is read once."""
    content = cache(picture_digest)
    return lambda questions: digest([content(path) for path in questions["image"]])


def _processor_digest(vlm: VisionLanguageModel) -> str:
    """A short hash of what prepares pictures, with all its settings, and of how they are put among the tokens."""
    return digest([type(vlm.processor.image_processor).__name__, vlm.processor.to_json_string()])


def _words(vlm: VisionLanguageModel, folder: Path) -> dict[str, str]:
    """The text of every token that was predicted."""
    import zarr

    tokens = np.unique(np.asarray(zarr.open_group(folder / "activations.zarr", mode="r")["predicted_token"]))
    return {str(token): vlm.tokenizer.decode([int(token)]).strip() for token in tokens}


@contextmanager
def _folder(store: str | Path | None) -> Iterator[Path]:
    if store is not None:
        yield Path(store)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary) / "store"
