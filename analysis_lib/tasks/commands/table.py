"""Turn a table of pictures, questions and answers of your own into a folder in GQA's layout, for every notebook."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ..from_table import REQUIRED, write_questions
from ..gqa import load_questions

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("table", help=f"CSV file with the columns {', '.join(REQUIRED)}")
    parser.add_argument("folder", help="folder to write, in GQA's layout; must not exist")
    parser.add_argument("--task", required=True, help="task of the registry that the questions belong to")


def run(given: argparse.Namespace) -> Iterator[str]:
    """Write the folder and say what is in it."""
    folder = write_questions(given.table, given.folder, given.task)
    questions = load_questions(folder, given.task)
    yield (
        f"{folder}: {len(questions)} questions of {given.task} about {questions['image_id'].nunique()} pictures, "
        f"{questions['answer'].nunique()} different answers"
    )
