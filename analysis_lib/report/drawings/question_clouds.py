"""Many questions as clouds along principal components, and one component before and after it was made Gaussian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.drawings.ink import WIDTH, box, dots, drawing, line, text
from analysis_lib.report.drawings.state_strips import BLOCKS
from analysis_lib.report.page.markup import Markup
from analysis_lib.report.values import finite_array

PANEL, GAP = 138, 13
TOP = 24
MOST_COLORS = len(theme.SERIES_COLORS)
BINS = 28


def clouds_drawing(
    scores: Mapping[str, ArrayLike], answers: Sequence[str], marked: int | None, answer: str, *, caption: str
) -> Markup:
    """Draw the first two principal components of vision, language and target, a dot per question.

    Parameters
    ----------
    scores
        ``vision``, ``language`` and ``target``: scores ``(n_questions, >= 2)``.
    answers
        The right answer of each question. Up to six have a colour each; of more the marked question's alone has one.
    marked
        Row of the question that is followed, or ``None`` where it is not among these.
    answer
        Its right answer.
    caption
        The line under it.

    Raises
    ------
    ValueError
        Scores are not finite, answers are not as many, or the caption is empty.
    """
    given = np.asarray(answers, dtype=str)
    names = sorted(set(given.tolist()))
    each = len(names) <= MOST_COLORS
    groups = names if each else [answer]
    colors = dict(zip(groups, theme.SERIES_COLORS, strict=False))
    parts = []
    for place, (name, (letter, _)) in enumerate(BLOCKS.items()):
        values = finite_array(scores[name], name, 2)
        if len(values) != len(given):
            raise ValueError(f"{name} has {len(values)} questions and there are {len(given)} answers")
        left = place * (PANEL + GAP)
        at = _places(values, left)
        parts += [text(left + 10, 16, letter, kind="letter"), box(left, TOP, PANEL, PANEL, kind="frame")]
        parts += [] if each else [dots(at[given != answer], "", size=3)]
        parts += [dots(at[given == group], colors[group], size=3.6) for group in groups]
        if marked is not None:
            x, y = at[marked]
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" class="this"/>')
    parts += [text(PANEL / 2, TOP + PANEL + 14, "first component \N{RIGHTWARDS ARROW}", kind="small")]
    parts += _legend(groups if each else [f"answer: {answer}"], list(colors.values()), each, marked is not None)
    shown = "a colour per answer" if each else f"those whose answer is {answer} in colour"
    words = f"Three clouds of {len(given)} questions, V, L and Y, along their first two principal components; {shown}"
    words += "; the question that is followed is ringed." if marked is not None else "."
    return drawing(parts, TOP + PANEL + 42, caption=caption, words=words)


def _places(values: np.ndarray, left: float) -> np.ndarray:
    """Two components in a panel, each from its smallest to its largest value."""
    two = values[:, :2] if values.shape[1] > 1 else np.column_stack([values[:, 0], np.zeros(len(values))])
    low, high = two.min(0), two.max(0)
    part = (two - low) / np.where(high > low, high - low, 1)
    return np.column_stack([left + 9 + part[:, 0] * (PANEL - 18), TOP + 9 + (1 - part[:, 1]) * (PANEL - 18)])


def _legend(said: Sequence[str], colors: Sequence[str], each: bool, ringed: bool) -> list[str]:
    y, x, parts = TOP + PANEL + 34, 4.0, []
    for name, color in zip(said, colors, strict=True):
        parts += [dots([[x + 4, y - 4]], color, size=8, opacity=1), text(x + 13, y, name, kind="small", anchor="start")]
        x += 26 + 6.4 * len(name)
    if not each:
        parts += [
            dots([[x + 4, y - 4]], "", size=8, opacity=1),
            text(x + 13, y, "another answer", kind="small", anchor="start"),
        ]
        x += 116
    if ringed:
        parts += [f'<circle cx="{x + 6:.1f}" cy="{y - 4}" r="5.5" class="this"/>']
        parts += [text(x + 16, y, "this question", kind="small", anchor="start")]
    return parts


def normal_scores(before: ArrayLike, after: ArrayLike, marked: int | None, *, letter: str, caption: str) -> Markup:
    """Draw how one component is distributed before and after its ranks became normal scores.

    Parameters
    ----------
    before, after
        The component ``(n_questions,)`` as it is, and as normal scores.
    marked
        Row of the question that is followed, or ``None``.
    letter
        Of the variable.
    caption
        The line under it.

    Raises
    ------
    ValueError
        Values are not finite or not as many, or the caption is empty.
    """
    values = finite_array(before, "the component", 1), finite_array(after, "the normal scores", 1)
    if len(values[0]) != len(values[1]):
        raise ValueError(f"{len(values[0])} values before and {len(values[1])} after; give the same questions")
    marks: list[tuple[float, float]] = []
    parts, height = [], 92.0
    for place, (said, shown) in enumerate(zip(("as it is", "by rank, made Gaussian"), values, strict=True)):
        top = 26 + place * (height + 58)
        low, high = (float(end) for end in (shown.min(), shown.max()))
        counts, _ = np.histogram(shown, BINS, (low, high))
        step, tall = WIDTH / BINS, height / max(counts.max(), 1)
        right = bool(place and marks and marks[0][0] < WIDTH / 2)  # out of the way of the line between the two
        named = f"first component of {letter}, {said}"
        parts.append(text(WIDTH * right, top - 12, named, kind="small", anchor="end" if right else "start"))
        parts += [
            box(i * step + 0.5, top + height - count * tall, step - 1, count * tall, kind="bar")
            for i, count in enumerate(counts)
        ]
        parts.append(line(0, top + height, WIDTH, top + height))
        if place:
            parts.append(_bell(low, high, len(shown) * (high - low) / BINS * tall, top + height))
        if marked is not None:
            x = float((shown[marked] - low) / (high - low)) * WIDTH
            marks.append((x, top))
            parts += [line(x, top - 4, x, top + height, "mark")]
    if len(marks) > 1:
        (x, top), (onto, below) = marks
        parts.append(line(x, top + height, onto, below - 4, "moved"))
    words = (
        f"Two histograms of the first component of {letter} over {len(values[0])} questions: as it is, and after its "
        "ranks became normal scores, which follow the bell curve"
    )
    words += ". A line leads from this question's place in the one to that in the other." if marks else "."
    return drawing(parts, 26 + 2 * height + 66, caption=caption, words=words)


def _bell(low: float, high: float, area: float, base: float) -> str:
    bell = NormalDist()
    points = [(at, bell.pdf(at)) for at in np.linspace(low, high, 61)]
    path = " ".join(f"{(at - low) / (high - low) * WIDTH:.1f},{base - tall * area:.1f}" for at, tall in points)
    return f'<polyline points="{path}" class="curve"/>'
