"""The data cards of the two generated worlds, from their own parameters, laws and written questions."""

import json
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData

from analysis_lib.digests import file_digest
from analysis_lib.worlds.grid import GRID
from analysis_lib.worlds.mini import PIXELS_PER_CELL, embedded_minigqa, written_world
from analysis_lib.worlds.mini import truth as mini_truth
from analysis_lib.worlds.mini import world as mini
from analysis_lib.worlds.smol import laws, things
from analysis_lib.worlds.smol import truth as smol_truth
from analysis_lib.worlds.smol import world as smol
from analysis_lib.worlds.smol.questions import BY_COLOR, CONTRARY_FIRST, TEMPTING
from analysis_lib.worlds.smol.scene_pictures import PICTURE_SIDE
from analysis_lib.worlds.smol.written_world import embedded_smolgqa
from companion.cards.filling import fill, table

QUESTIONS, SCENES = "val_balanced_questions.json", "val_sceneGraphs.json"


def minigqa_card() -> str:
    """The card of MiniGQA."""
    attributes = {"category": mini.CATEGORIES, "colour": mini.COLORS, "material": mini.MATERIALS, "size": mini.SIZES}
    return fill(
        "minigqa.md.jinja",
        _metadata("MiniGQA"),
        _written(embedded_minigqa(), mini_truth.ANSWERS, mini_truth.input_truth)
        | {
            "grid": GRID,
            "fewest": mini.FEWEST_OBJECTS,
            "most": mini.MOST_OBJECTS,
            "attributes": table(
                ["Attribute", "Values", "How many"],
                ([name, ", ".join(values), len(values)] for name, values in attributes.items()),
            ),
            "pixels": [GRID * PIXELS_PER_CELL, 2 * GRID * PIXELS_PER_CELL],
            "seed": written_world.EMBEDDED_SEED,
            "per_task": f"{written_world.EMBEDDED_QUESTIONS_PER_TASK:,}",
        },
    )


def smolgqa_card() -> str:
    """The card of the world of real things."""
    folder = embedded_smolgqa()
    records = json.loads((folder / QUESTIONS).read_text(encoding="utf-8")).values()
    natural = Counter(record["natural"] for record in records if "natural" in record)
    return fill(
        "smolgqa.md.jinja",
        _metadata("smolgqa"),
        _written(folder, laws.ANSWERS, smol_truth.input_truth)
        | {
            "grid": GRID,
            "fewest": smol.FEWEST_THINGS,
            "most": smol.MOST_THINGS,
            "things": len(things.NAMES),
            "colors": table(
                ["Natural colour", "Things"],
                (
                    [
                        color,
                        ", ".join(name for name, of in zip(things.NAMES, things.NATURAL, strict=True) if of == number),
                    ]
                    for number, color in enumerate(things.COLORS)
                ),
            ),
            "n_colors": len(things.COLORS),
            "sizes": smol.SIZES,
            "pixels": PICTURE_SIDE,
            "naturalness": f"{100 * smol.NATURALNESS:g}",
            "highest": f"{100 * smol.HIGHEST_NATURALNESS:g}",
            "by_color": f"{100 * BY_COLOR:g}",
            "contrary_first": f"{100 * CONTRARY_FIRST:g}",
            "tempting": f"{100 * TEMPTING:g}",
            "natural": {is_so: f"{natural[is_so]:,}" for is_so in (True, False)},
        },
    )


def _metadata(name: str) -> DatasetCardData:
    return DatasetCardData(
        language="en",
        license="mit",
        annotations_creators=["machine-generated"],
        language_creators=["machine-generated"],
        multilinguality=["monolingual"],
        source_datasets=["original"],
        task_categories=["visual-question-answering"],
        pretty_name=name,
    )


def _written(folder: Path, answers: dict[str, Collection[str]], truth: Callable[[str], Any]) -> dict[str, Any]:
    """What the files of the embedded questions hold, and what is known of each task."""
    records = json.loads((folder / QUESTIONS).read_text(encoding="utf-8"))
    scenes = json.loads((folder / SCENES).read_text(encoding="utf-8"))
    by_task: dict[str, list[dict[str, Any]]] = {task: [] for task in answers}
    for name, record in records.items():
        by_task[name.rpartition("-")[2]].append(record)
    said = {task: Counter(record["answer"] for record in asked) for task, asked in by_task.items()}
    first = next(iter(records.items()))
    known = {task: truth(task) for task in answers}
    return {
        "n_questions": f"{len(records):,}",
        "n_scenes": f"{len(scenes):,}",
        "example": json.dumps(dict([first]), indent=1),
        "counts": table(
            ["Task", "Questions", "Answers possible", "Most frequent answer"],
            (
                [task, f"{len(asked):,}", len(answers[task]), "{} ({:,})".format(*said[task].most_common(1)[0])]
                for task, asked in by_task.items()
            ),
        ),
        "truth": table(
            ["Task", "The answer's entropy, bits", "told by the question", "told by the scene"],
            ([task, f"{one.entropy:.3f}", f"{one.question:.3f}", f"{one.scene:.3f}"] for task, one in known.items()),
        ),
        "digest": file_digest(folder / QUESTIONS),
    }
