"""Command line of `analysis_lib.new`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __doc__ as description
from .page import new_page

REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, write the page and say what comes next; 2 where it is refused."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.new", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    page = commands.add_parser("page", help="a notebook with one chart and one number, and its test")
    page.add_argument("name", help="of the notebook: a word of small letters, digits and _")
    page.add_argument("--title", help="its heading; the name in words")
    page.add_argument("--profile", default="mini", help="the profile of workflow/profiles that gets the page; mini")
    given = parser.parse_args(arguments)
    root = Path(__file__).resolve().parents[2]
    try:
        written = new_page(root, given.name, given.title, given.profile)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    files = [path.relative_to(root).as_posix() for path in written]
    print(*files, sep="\n")
    print(f'Next: make book PROFILE={given.profile} PAGES="{given.name}"; python -m pytest {files[1]}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
