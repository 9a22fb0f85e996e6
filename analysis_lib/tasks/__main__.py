"""Turn a reader's table of pictures, questions and answers into a folder in GQA's layout, for every notebook."""

import argparse
import sys

from .from_table import REQUIRED, write_questions
from .gqa import load_questions


def main() -> int:
    """Read the command line, write the folder and say what is in it; 2 after a refusal."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.tasks", description=__doc__)
    parser.add_argument("table", help=f"CSV file with the columns {', '.join(REQUIRED)}")
    parser.add_argument("folder", help="folder to write, in GQA's layout; must not exist")
    parser.add_argument("--task", required=True, help="task of the registry that the questions belong to")
    given = parser.parse_args()
    try:
        folder = write_questions(given.table, given.folder, given.task)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    questions = load_questions(folder, given.task)
    answers = questions["answer"].nunique()
    print(f"{folder}: {len(questions)} questions of {given.task} about {questions['image_id'].nunique()} pictures, "
          f"{answers} different answers")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
