"""GQA in hand, or a table of your own: check a download, fetch what is needed, select questions, write a folder."""

import argparse
import sys
from collections.abc import Sequence

from .commands import check, fetch, listing, select, table

COMMANDS = {"list": listing, "check": check, "fetch": fetch, "select": select, "table": table}


def main(arguments: Sequence[str]) -> int:
    """Read the command line, do what it says and tell of it; 2 after a refusal."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.tasks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        told = (command.__doc__ or "").splitlines()[0]
        command.add_arguments(commands.add_parser(name, help=told, description=told))
    if arguments and arguments[0] not in COMMANDS and any(one.split("=")[0] == "--task" for one in arguments):
        arguments = ["table", *arguments]  # TABLE FOLDER --task NAME, without a command's name, writes a table's folder
    given = parser.parse_args(arguments)
    try:
        for line in COMMANDS[given.command].run(given):
            print(line, flush=True)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
