"""Fill a template with values: what all cards share."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import CardData, EvalResult
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis_lib.compare.proportions import wilson_interval
from analysis_lib.digests import file_digest
from analysis_lib.tasks import TASKS

PAPER = "wu2026vision"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # Markdown of our own, no page of a browser
)


def fill(template: str, metadata: CardData, values: dict[str, Any]) -> str:
    """The card: metadata in front, as hubs read it, and the template with the values in it.

    Raises ``jinja2.UndefinedError`` for a value that the template asks for and that is not there.
    """
    text = _TEMPLATES.get_template(template).render(tasks=TASKS, **values)
    return (
        f"---\n{metadata.to_yaml()}\n---\n<!-- written by `make cards`; the book begins below this line -->\n\n{text}"
    )


def read_report(folder: Path) -> dict[str, Any]:
    """What training wrote of itself, whatever else lies in the folder."""
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def share(value: float, n: int) -> str:
    """A share of ``n`` questions in percent, cut and not rounded, so that 100 stands for all of them alone."""
    steps = 10 if n < 10_000 else 100
    return f"{math.floor(value * 100 * steps + 1e-6) / steps:g}"


def with_interval(value: float, n: int) -> str:
    """The same with its 90 % interval."""
    low, high = wilson_interval(round(value * n), n)
    return f"{share(value, n)} ({100 * low:.1f} to {100 * high:.1f})"


def megabytes(paths: Iterable[Path]) -> str:
    """How much files take together."""
    return f"{sum(path.stat().st_size for path in paths) / 1e6:.1f}"


def checksums(paths: Iterable[Path]) -> str:
    """A table of files with their SHA-256."""
    return table(["File", "SHA-256"], ([f"`{path.name}`", f"`{file_digest(path)}`"] for path in paths))


def results(world: str, accuracy: dict[str, float]) -> list[EvalResult]:
    """Accuracies of the tasks as hubs read them."""
    return [
        EvalResult(
            task_type="visual-question-answering",
            dataset_type=world.lower(),
            dataset_name=world,
            dataset_config=task,
            metric_type="accuracy",
            metric_value=value,
        )
        for task, value in accuracy.items()
        if task in TASKS
    ]
