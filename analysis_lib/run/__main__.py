"""Command line of `analysis_lib.run`."""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

from analysis_lib.run import NotebookFailedError, ParameterError, parameter_table, run_notebook
from analysis_lib.run import __doc__ as description
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.gpus import gpus_of_its_own
from analysis_lib.run.profile import notebook_parameters, profile_path, read_profile, read_text_mapping

REFUSED, FAILED, STOPPED = 2, 1, 130


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.run", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebook", type=Path, help="source: jupytext MyST Markdown (.md) or .ipynb")
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("KEY", "VALUE"),
        help="one parameter; wins over files and profile",
    )
    parser.add_argument(
        "-f",
        "--file",
        type=Path,
        action="append",
        default=[],
        metavar="YAML",
        help="a YAML mapping of parameters; later files win",
    )
    parser.add_argument(
        "--profile", metavar="NAME", help="start from what workflow/profiles/NAME.yaml says for this notebook"
    )
    parser.add_argument("-o", "--output", type=Path, help="the executed notebook (default: NOTEBOOK.ipynb, here)")
    parser.add_argument(
        "--numbers",
        type=Path,
        metavar="JSON",
        help="the page's numbers (default: beside the executed notebook, NAME.numbers.json)",
    )
    parser.add_argument(
        "--gpus",
        type=int,
        metavar="N",
        help="wait for N GPUs of this machine that no other run holds, and see only them",
    )
    parser.add_argument("--list-parameters", action="store_true", help="print what the notebook takes, and stop")
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; a parameter's value may begin with a dash, which argparse takes for an option."""
    pairs, rest, waiting = [], [], list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word in ("-p", "--parameter") and len(waiting) > 1:
            pairs.append([waiting.pop(0), waiting.pop(0)])
        else:
            rest.append(word)
    options = build_parser().parse_args(rest)
    options.parameter = pairs
    return options


def once(pairs: list[list[str]]) -> dict[str, str]:
    """Parameters by name; raises `ParameterError` for one that is given twice, of which nobody knows which is meant."""
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ParameterError(f"-p {', '.join(twice)} is given more than once; leave one of them")
    return dict(pairs)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns 0, 1 when the notebook failed, 2 when it was not run at all, 130 when stopped."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        _, declared = read_notebook(options.notebook)
        if options.list_parameters:
            print(parameter_table(declared))
            return 0
        given: dict[str, object] = {}
        if options.profile is not None:
            profile = profile_path(options.profile)
            given |= notebook_parameters(read_profile(profile), profile.stem, options.notebook.stem)
        for path in options.file:
            given |= read_text_mapping(path)
        given |= once(options.parameter)
        with nullcontext() if options.gpus is None else gpus_of_its_own(options.gpus):
            written = run_notebook(
                options.notebook, given, options.output, numbers=options.numbers, from_text=True,
                progress=sys.stderr.isatty(),
            )  # fmt: skip
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    except NotebookFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as stopped:
        print(f"\n{stopped or 'stopped before it began'}", file=sys.stderr)
        return STOPPED
    print(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
