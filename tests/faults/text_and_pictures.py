"""Malformed pictures, questions, tables and values, drawn at random: a campaign of any length, the same for a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from analysis_lib.activations.columns import RESERVED, check_columns
from analysis_lib.pictures import open_image
from analysis_lib.report import charts, table
from analysis_lib.report.theme import ATOMS
from analysis_lib.tasks import check_questions, load_questions
from analysis_lib.tasks.from_table import write_questions
from analysis_lib.text import visible
from tests.faults.outcomes import Case

TYPES = {"structural": "query", "semantic": "attr", "detailed": "positionQuery"}
TEXTS = [
    "", " ", "a\x00b", "\x0b", "\ud800", "\u202eab", "a\u200bb", "x" * 5000, "<script>", "=1+1", "é", "\uffff", "a/b",
    "..",
]  # fmt: skip
VALUES: list[Any] = [
    None, np.nan, np.inf, -np.inf, 1.7e308, 10**400, 1j, pd.NA, pd.NaT, "0.5", b"x", [1], {"a": 1}, Path("a"),
    Decimal("NaN"), True, 3, 0.25, "left",
]  # fmt: skip
SUFFIXES = (".png", ".jpg", ".gif", ".bmp", ".webp", ".tif")


def cases(folder: Path, count: int, seed: int = 20261127) -> Iterator[Case]:
    """``count`` cases, or up to six more: seven a round, one of each kind."""
    draw = random.Random(seed)
    for number in range(-(-count // 7)):
        place = folder / str(number)
        place.mkdir()
        yield _picture(place, draw)
        yield _questions_file(place, draw)
        yield _csv(place, draw)
        yield _cell(draw)
        yield _column(draw)
        yield _chart(draw)
        yield _page(draw)


def _picture(place: Path, draw: random.Random) -> Case:
    suffix = draw.choice(SUFFIXES)
    path = place / f"picture{suffix}"
    pixels = np.random.default_rng(draw.randrange(2**31)).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    content = bytearray(path.read_bytes())
    if draw.random() < 0.5:
        del content[draw.randrange(len(content)) :]
    for _ in range(draw.randrange(1, 6)):
        if content:
            content[draw.randrange(min(len(content), draw.choice((40, 4000))))] = draw.randrange(256)
    path.write_bytes(content)
    return Case("pictures", suffix, lambda: open_image(path), (str(path),), lambda found: found.mode == "RGB")


def _questions_file(place: Path, draw: random.Random) -> Case:
    record: dict[str, Any] = {"imageId": "a", "question": "Which side?", "answer": "left", "types": TYPES}
    key = draw.choice([*record, "none"])
    if key in record:
        record[key] = draw.choice([*TEXTS, 3, None, ["left"], {}, True])
    text = json.dumps({draw.choice(["1", *TEXTS]): record})
    if draw.random() < 0.3:
        cut = draw.randrange(len(text))
        text = text[:cut] + draw.choice(['"', "}", ", NaN", "\x00", "", "1" * 5000]) + text[cut + draw.randrange(2) :]
    path = place / "val_balanced_questions.json"
    path.write_bytes(text.encode(draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"]), "replace"))

    def right(found: pd.DataFrame) -> bool:
        (row,) = json.loads(path.read_text(encoding="utf-8-sig")).values()
        names = {"question": "question", "answer": "answer", "image_id": "imageId"}
        return all(found.loc[0, mine] == row[its] for mine, its in names.items())

    return Case("questions files", str(key), lambda: load_questions(place, "QueryAttr"), (path.name, str(place)), right)


def _csv(place: Path, draw: random.Random) -> Case:
    Image.new("RGB", (4, 4)).save(place / "a.png")
    cells = ["a.png", "Which side?", "left"]
    cells[draw.randrange(3)] = draw.choice(TEXTS)
    rows = [["image", "question", "answer"], cells][draw.randrange(5) == 0 :]
    line = draw.choice(["\n", "\r\n", "\r", "\n\n"])
    text = line.join(draw.choice([",", ",", ",", ";", "\t"]).join(row) for row in rows)
    path = place / "mine.csv"
    path.write_bytes(text.encode(draw.choice(["utf-8", "utf-8-sig", "utf-16"]), "replace"))

    def run() -> pd.DataFrame:
        return load_questions(write_questions(path, place / "data", "QueryAttr"), "QueryAttr")

    def right(found: pd.DataFrame) -> bool:
        return found["question"][0] in path.read_text(encoding="utf-8-sig")

    return Case("CSV tables", repr(cells)[:60], run, (str(place),), right)


def _sound() -> pd.DataFrame:
    columns = ("question_id", "image_id", "question", "answer", "task", "detailed", "image")
    return pd.DataFrame({name: [f"{name} {row}" for row in range(4)] for name in columns})


def _cell(draw: random.Random) -> Case:
    questions, row, value = _sound(), draw.randrange(4), draw.choice([*VALUES, *TEXTS])
    name = draw.choice(list(questions.columns))
    values = questions[name].tolist()
    values[row] = value
    given = questions.assign(**{name: pd.Series(values, dtype=object)})
    sound = isinstance(value, str) and bool(value.strip()) and "\ud800" not in value
    case = f"{name}: {value!r}"[:60]
    return Case("cells of questions", case, lambda: check_questions(given), (name,), lambda _: sound)


def _column(draw: random.Random) -> Case:
    values = [draw.choice(VALUES) for _ in range(4)] if draw.random() < 0.7 else [draw.choice(VALUES)] * 4
    name = draw.choice(["mine", "mine", "é", *TEXTS, 3, *sorted(RESERVED)])
    given = _sound().assign(mine=pd.Series(values, dtype=object))
    given.columns = pd.Index([*given.columns[:-1], name], dtype=object)
    fit = isinstance(name, str) and name not in RESERVED
    told = (visible(name)[:20], repr(name)[:20])
    return Case("columns of questions", repr(name)[:60], lambda: check_columns(given), told, lambda _: fit)


def _chart(draw: random.Random) -> Case:
    atoms = pd.DataFrame({"task": "a", "layer": [0, 0, 0, 0, 1, 1, 1, 1], "quantity": ATOMS * 2, "bits": 0.5})
    atoms = atoms.assign(low=0.4, high=0.6, null_high=0.1)
    name, value = draw.choice(list(atoms.columns)), draw.choice([*VALUES, *TEXTS])
    values = atoms[name].tolist()
    values[draw.randrange(8)] = value
    given = atoms.assign(**{name: pd.Series(values, dtype=object)})

    def run() -> str:
        chart = charts.layer_trajectories(given, description="Four atoms at two layers, one value of them odd.")
        return json.dumps(chart.to_dict(), allow_nan=False)

    return Case("values in charts", f"{name}: {value!r}"[:60], run, (name, visible(value)[:20]), bool)


def _page(draw: random.Random) -> Case:
    text = "".join(draw.choice([*TEXTS, chr(draw.randrange(0x11000))]) for _ in range(4)) + "."
    frame = pd.DataFrame({"name": [None], "value": [None]}, dtype=object)
    frame.iat[0, 0], frame.iat[0, 1] = text, draw.choice(VALUES)

    def shown(found: str) -> bool:
        return visible(found) == found and bool(found.encode()) and "<script>" not in found

    return Case("texts in pages", ascii(text)[:60], lambda: table(frame, caption=text)._repr_html_(), ("table",), shown)
