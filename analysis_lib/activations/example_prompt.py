"""A short prompt on which conditions can be seen: who may read whom, and what is cut in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from analysis_lib.models import Spans
from analysis_lib.vocabulary import ConditionName

from .conditions import Condition
from .knockout import Knockout
from .masks import allowed_mask

__all__ = ["EXAMPLE_SPANS", "cuts_in_words", "example_masks", "shorten_picture"]

EXAMPLE_SPANS = Spans(system=(0, 2), image=(2, 10), gap=(10, 11), question=(11, 17), tail=(17, 20), last=(19, 20))
"""The prompt's spans: two tokens of a system prompt, eight of a picture, six of a question."""


def example_masks(conditions: Iterable[Condition], spans: Spans = EXAMPLE_SPANS) -> dict[str, np.ndarray]:
    """Masks ``(n_tokens, n_tokens)`` of a short prompt, true where the row may read the column, by condition.

    Windows look like what holds in them and are left out, as is every further draw of a control, whose name here says
    no number.

    Examples
    --------
    >>> from analysis_lib.activations import CONDITIONS, random_edges
    >>> list(example_masks([CONDITIONS["strict"], random_edges("strict", 0), random_edges("strict", 1)]))
    ['strict', 'strict, random edges']
    """
    return {name: allowed_mask([spans], one.knockouts, 0)[0, 0].numpy() for name, one in _shown(conditions)}


def cuts_in_words(conditions: Iterable[Condition]) -> dict[str, str]:
    """What each condition of `example_masks` cuts, in words, where single pathways are cut.

    Examples
    --------
    >>> from analysis_lib.activations import CONDITIONS
    >>> cuts_in_words([CONDITIONS["baseline"], CONDITIONS["strict"]])
    {'strict': 'question reads no image, gap reads no image'}
    """
    words = {
        name: ", ".join(f"{cut.target} reads no {cut.source}" for cut in one.knockouts if isinstance(cut, Knockout))
        for name, one in _shown(conditions)
    }
    return {name: said for name, said in words.items() if said}


def shorten_picture(spans: Spans, most: int = 60) -> Spans:
    """The spans of a prompt whose picture keeps at most so many tokens, to draw it; each reads and is read alike.

    Examples
    --------
    >>> shorten_picture(EXAMPLE_SPANS, most=3).question
    (6, 12)
    """
    start, stop = spans.image
    gone = max(0, stop - start - most)
    moved = {name: tuple(end - gone * (end >= stop) for end in ends) for name, ends in asdict(spans).items()}
    return Spans(**moved)


def _shown(conditions: Iterable[Condition]) -> Iterable[tuple[str, Condition]]:
    shown: dict[str, Condition] = {}
    for one in conditions:
        name = ConditionName.of(one.name)
        if name.layers is None:
            shown.setdefault(name.family, one)
    return shown.items()
