"""From a model and questions to the batches of a store, or of one of its shards."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd

from analysis_lib.models import VisionLanguageModel
from analysis_lib.progress import progress
from analysis_lib.shard_folders import shards_there, store_of_shard
from analysis_lib.tasks import check_questions, is_answered

from .answering import SCORINGS, Answers
from .backends import BACKENDS
from .batching import HalvingRunner, arrange, is_out_of_memory
from .columns import check_columns
from .conditions import Condition
from .named_conditions import named_condition
from .one_batch import BatchExtraction, untouched
from .pipeline import written_behind
from .shards import Shard, check_count, shards_of
from .store import ActivationStore
from .store_lock import writing
from .store_settings import pictures_digest, settings_of
from .stored_arrays import array_specs, kept_of, states_format

__all__ = ["extracted"]


@contextmanager
def extracted(
    vlm: VisionLanguageModel,
    questions: pd.DataFrame,
    conditions: Sequence[str | Condition],
    folder: Path,
    shard: Shard | None,
    shards: int,
    code: str,
    *,
    batch_size: int = 100,
    backend: str = "lockstep",
    scoring: str = "generation",
    max_new_tokens: int = 16,
    states_of: Sequence[str] | None = None,
    states_dtype: str | None = None,
    on_mismatch: str = "refuse",
    made_by: str = "hand",
) -> Iterator[tuple[ActivationStore, list[Condition], list[int], Answers | None]]:
    """Write all batches of a store, or those of a shard, by the code of a digest; hold it, and what describes it."""
    check_count(shards)
    check_questions(questions)
    check_columns(questions)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; at least 1 is needed")
    count, batches = shards if shard is None else shard.count, -(-len(questions) // batch_size)
    if count > batches:
        raise ValueError(
            f"{count} shards are asked for, but {len(questions)} questions make {batches} batches of {batch_size}; ask "
            f"for at most {batches} shards, or for smaller batches"
        )
    if on_mismatch not in ("refuse", "replace"):
        raise ValueError(f"on_mismatch is {on_mismatch!r}; it is 'refuse' or 'replace'")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}; it is {' or '.join(map(repr, BACKENDS))}")
    chosen = _unique_conditions(conditions, vlm.n_layers)
    if not re.fullmatch(r"\w+", made_by):
        raise ValueError(f"made_by is {made_by!r}; give one word, such as 'hand' or 'workflow'")
    n_said = _tokens_to_say(scoring, max_new_tokens, chosen)
    kept = kept_of(states_of, chosen)
    stored_as = states_format(states_dtype, vlm)
    answers = Answers.of(vlm, questions) if is_answered(questions) else None
    settings = settings_of(vlm, questions, chosen, batch_size, backend, code) | {
        "scoring": "generation" if n_said else "first-token",
        "max_new_tokens": n_said,
        "states_of": [chosen[number].name for number in kept],
        "states_dtype": stored_as,
    }
    with writing(folder):
        extraction = BatchExtraction(vlm, chosen, kept, answers, backend, n_said)

        def begin(questions: pd.DataFrame) -> np.ndarray:  # what it refuses is refused before a folder is touched
            order = arrange(vlm, questions)
            if shards != 1:  # merged, nothing is computed
                return order
            try:
                extraction.choose_backend(questions)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):  # if it is, the first batch checks fewer questions at once
                    raise
            return order

        specs = array_specs(vlm, chosen, kept, stored_as, None if answers is None else len(answers.options), n_said)
        replace = on_mismatch == "replace"
        writer = ActivationStore(
            folder,
            settings,
            questions,
            specs,
            begin,
            pictures=pictures_digest(),
            share=1 / count if shard is not None or shards == 1 else 0,
            replace=replace,
            made_by=made_by,
        )
        _take_over(writer, folder, shard, shards)
        run = HalvingRunner(extraction)
        pending = writer.pending(shard)
        asked = [questions.iloc[writer.order[rows]] for rows in pending]
        with (
            progress(len(questions) if shard is None else sum(map(len, asked)), "question", "extract") as bar,
            closing(extraction.prepared),
            written_behind(writer.write) as write,
        ):
            bar.update(0 if shard is not None else len(questions) - sum(map(len, asked)))
            for number, rows in enumerate(pending):
                extraction.prepared.begin(*asked[number : number + 2])
                write(rows, run(asked[number]))
                bar.update(rows.stop - rows.start)
        yield writer, chosen, kept, answers


def _take_over(writer: ActivationStore, folder: Path, shard: Shard | None, shards: int) -> None:
    """Adopt the shards of a store; for a shard, what the store has already, or shards of another division."""
    if shard is not None:
        store = store_of_shard(folder)
        for place in (store, *(other for other, _, count in shards_there(store) if count != shard.count)):
            with suppress(ValueError, FileNotFoundError):  # of other settings, or not there
                writer.adopt(place, shard)
    elif shards != 1 and writer.pending():
        for one, place in shards_of(folder, shards):
            writer.adopt(place)
            if lacking := writer.pending(one):
                raise ValueError(
                    f"shard {one} is unfinished: {place} lacks {len(lacking)} batches; extract that shard again, which "
                    "goes on from what it has"
                )


def _tokens_to_say(scoring: str, max_new_tokens: int, conditions: Sequence[Condition]) -> int:
    """How many tokens an answer may have; 0 when none is generated."""
    if scoring not in SCORINGS:
        raise ValueError(f"scoring is {scoring!r}; it is {' or '.join(map(repr, SCORINGS))}")
    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}; give a whole number, at least 1")
    if scoring == "first-token":
        return 0
    if untouched(conditions) is None:
        warnings.warn(
            "no condition leaves the model untouched, so nothing is generated and answers are scored by their first "
            "token; add 'baseline' to the conditions",
            stacklevel=3,
        )
        return 0
    return max_new_tokens


def _unique_conditions(conditions: Sequence[str | Condition], n_layers: int) -> list[Condition]:
    chosen = [named_condition(condition, n_layers) for condition in conditions]
    names = [condition.name for condition in chosen]
    if not chosen or len(set(names)) != len(names):
        raise ValueError(f"conditions are {names}; give at least one, each with its own name")
    return chosen
