"""Pictures and prompts prepared ahead of the computation, and results written behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis_lib.models import Batch, VisionLanguageModel, prepare

__all__ = ["Ahead", "written_behind"]

Write = Callable[[slice, Mapping[str, np.ndarray]], None]


class Ahead:
    """Prepares questions in a thread, so that a batch is ready when the one before it is done.

    Decoding pictures, making them smaller and tokenizing release Python's lock for most of their time. The thread has a
    processor of its own, as fast tokenizers may not be used by two threads at once.
    """

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self._vlm = vlm
        self._own = replace(vlm, processor=deepcopy(vlm.processor))
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._begun: dict[tuple[str, ...], Future[Batch]] = {}

    def begin(self, *batches: pd.DataFrame) -> None:
        """Prepare these one after the other, but for what is begun already."""
        for questions in batches:
            if _named(questions) not in self._begun:
                self._begun[_named(questions)] = self._pool.submit(prepare, self._own, questions, device="cpu")

    def __call__(self, questions: pd.DataFrame) -> Batch:
        """The questions prepared, on the model's device; errors are those of `prepare`."""
        begun = self._begun.pop(_named(questions), None)
        if begun is None:  # part of a batch that was too large
            return prepare(self._vlm, questions)
        return begun.result().to(self._vlm.device)

    def close(self) -> None:
        """Give up what is begun and not asked for."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _named(questions: pd.DataFrame) -> tuple[str, ...]:
    return tuple(questions["question_id"])


@contextmanager
def written_behind(write: Write) -> Iterator[Write]:
    """Give a function that returns while ``write`` is still at work, and waits for it before the next.

    What goes wrong in writing is raised by the call after it, or at the end. Whatever ends the block, what was given to
    write is written first.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="write")
    last: list[Future[None]] = []

    def begin(rows: slice, arrays: Mapping[str, np.ndarray]) -> None:
        if last:
            last.pop().result()
        last.append(pool.submit(write, rows, arrays))

    try:
        yield begin
        if last:
            last.pop().result()
    finally:
        pool.shutdown(wait=True)
