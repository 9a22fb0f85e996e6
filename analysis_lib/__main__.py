"""One command for all others: ``hvbl``, or ``python -m analysis_lib`` where it is not on the path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

REFUSED = 2


def _run(arguments: Sequence[str]) -> int:
    from analysis_lib.run.__main__ import main

    return main(list(arguments))


def _plan(arguments: Sequence[str]) -> int:
    from analysis_lib.plan.__main__ import main

    return main(arguments)


def _tasks(arguments: Sequence[str]) -> int:
    from analysis_lib.tasks.__main__ import main

    return main(arguments or ["list"])


def _status(arguments: Sequence[str]) -> int:
    from analysis_lib.run.status import main

    return main(arguments)


def _check(arguments: Sequence[str]) -> int:
    from analysis_lib.plan.readiness import main

    return main(arguments)


def _new(arguments: Sequence[str]) -> int:
    from analysis_lib.new.__main__ import main

    return main(arguments)


COMMANDS: dict[str, tuple[str, Callable[[Sequence[str]], int]]] = {
    "run": ("run a notebook with checked parameters", _run),
    "plan": ("say what a profile takes before it runs: memory, disk, minutes on GPUs", _plan),
    "status": ("say how far a run of a profile is", _status),
    "tasks": ("list the tasks; check, fetch or select questions; make a task of a table", _tasks),
    "check": ("look whether a profile could run here: packages, checkpoints, names, parameters", _check),
    "new": ("begin a page of your own: a notebook with a chart, a number and a test", _new),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand the rest of the command line to the command that it names; 2 where it names none."""
    name, *rest = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    if name in COMMANDS:
        return COMMANDS[name][1](rest)
    lines = ["usage: hvbl COMMAND ...", "", *(f"  {name:6} {said}" for name, (said, _) in COMMANDS.items())]
    lines += ["", "hvbl COMMAND --help says more of each."]
    if name in ("-h", "--help"):
        print(*lines, sep="\n")
        return 0
    print(f"error: there is no command {name!r}; give one of {', '.join(COMMANDS)}", file=sys.stderr)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
