"""Sample questions as a grid of pictures: the image, the question, the true answer and the model's.

Images become PNG data inside the page, scaled up without smoothing, so the reader sees the pixels the model saw. All
text comes from data and is escaped; whether the model was right is said in words and by a sign, not by colour alone.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis_lib.answers import normalised
from analysis_lib.pictures import open_image
from analysis_lib.report.page.markup import Markup, escape

MAX_SIDE = 336
"""Largest side of an embedded image in pixels; larger photographs are shrunk, smaller pictures keep their pixels."""


def png_data_uri(image: Image.Image | np.ndarray | str | Path) -> str:
    """An image as a PNG data URI.

    Parameters
    ----------
    image
        A PIL image, a path, or an array ``(height, width, 3)`` or ``(height, width)`` of bytes or of values
        in [0, 1].

    Raises
    ------
    ValueError
        An array has another shape or values outside its range, or a file is no picture.
    FileNotFoundError
        The path does not exist.

    Examples
    --------
    >>> png_data_uri(np.zeros((2, 2, 3), dtype=np.uint8))[:22]
    'data:image/png;base64,'
    """
    if isinstance(image, str | Path):
        picture = open_image(image, MAX_SIDE)
    elif isinstance(image, np.ndarray):
        picture = _from_array(image)
    else:
        picture = image.convert("RGB")
    if max(picture.size) > MAX_SIDE:
        picture.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"expected an image (height, width) or (height, width, 3), got shape {array.shape}")
    if array.dtype != np.uint8:
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError("an image that is not of bytes must have values between 0 and 1")
        array = np.round(array * 255).astype(np.uint8)
    return Image.fromarray(array).convert("RGB")


def question_grid(examples: Sequence[Mapping[str, Any]], *, caption: str, size: int = 168) -> Markup:
    """Sample questions with their pictures.

    Parameters
    ----------
    examples
        Mappings with ``image`` (see `png_data_uri`), ``question``, ``answer`` and optionally ``prediction``,
        ``task``, ``alt`` (what the image shows) and ``note`` (a line under the answer).
    caption
        What the grid shows.
    size
        Width of a picture on the page in pixels.

    Returns
    -------
    Markup that a notebook shows.

    Raises
    ------
    ValueError
        There is no example, an example lacks a field, or the caption is empty.

    Examples
    --------
    >>> black = np.zeros((4, 4, 3), dtype=np.uint8)
    >>> example = {"image": black, "question": "Is it dark?", "answer": "yes", "prediction": "no"}
    >>> print(question_grid([example], caption="One sample."))
    One sample.
    Is it dark? answer: yes; model: no (wrong)
    """
    if not examples or not caption.strip():
        raise ValueError("a grid of questions needs at least one example and a caption")
    items, lines = [], [caption]
    for example in examples:
        lacking = [field for field in ("image", "question", "answer") if example.get(field) is None]
        if lacking:
            raise ValueError(f"an example lacks {lacking}; it has {sorted(example)}")
        item, line = _card(example, size)
        items.append(item)
        lines.append(line)
    markup = (
        f'<figure class="question-grid"><ul style="display:grid;gap:1rem;padding:0;list-style:none;'
        f'grid-template-columns:repeat(auto-fill,minmax(min({round(0.8 * size)}px,100%),1fr))">{"".join(items)}</ul>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
    return Markup(markup, "\n".join(lines))


def _card(example: Mapping[str, Any], size: int) -> tuple[str, str]:
    question, answer, prediction = str(example["question"]), str(example["answer"]), example.get("prediction")
    line = f"{question} answer: {answer}"
    rows = f"<dt>answer</dt><dd>{escape(answer)}</dd>"
    if prediction is not None:
        right = normalised(str(prediction)) == normalised(answer)
        sign, word = ("\N{CHECK MARK}", "right") if right else ("\N{BALLOT X}", "wrong")
        line += f"; model: {prediction} ({word})"
        rows += (
            f'<dt>model</dt><dd class="{word}">{escape(prediction)} '
            f'<span aria-hidden="true">{sign}</span> <span class="verdict">{word}</span></dd>'
        )
    task = f'<p class="task">{escape(example["task"])}</p>' if example.get("task") else ""
    note = f'<p class="note">{escape(example["note"])}</p>' if example.get("note") else ""
    alt = escape(example.get("alt") or f"The picture that goes with the question: {question}")
    card = (
        f'<li style="list-style:none"><img class="dark-light" alt="{alt}" width="{size}" '
        f'src="{png_data_uri(example["image"])}" '
        f'style="width:100%;max-width:{size}px;height:auto;image-rendering:pixelated">'
        f'{task}<p class="question">{escape(question)}</p><dl>{rows}</dl>{note}</li>'
    )
    return card, line
