"""Whether a profile could run here, before anything does: what is installed, what ships, what is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata

from packaging.requirements import Requirement

from analysis_lib.run.execute import repository_root
from analysis_lib.run.preflight import check_compared, check_installed, check_profile, fill_in_places
from analysis_lib.run.profile import profile_path, read_profile

__all__ = ["CHECKS", "main"]

PROJECT = "pid-vision-language-companion"
WRONG = 1
Given = Mapping[str, str]


def packages(profile: str, given: Given) -> str:
    """Every package that the library asks for is installed in a version that it allows.

    Raises
    ------
    ValueError
        some are not.
    """
    asked = [Requirement(line) for line in metadata.requires(PROJECT) or ()]
    asked = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [f"{one} (there is {_installed(one.name) or 'none'})" for one in asked if not _satisfied(one)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: install them with `pip install -r requirements.lock`")
    return f"{len(asked)} packages are installed in versions that the library allows"


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _satisfied(asked: Requirement) -> bool:
    installed = _installed(asked.name)
    return bool(installed) and asked.specifier.contains(installed, prereleases=True)


def checkpoints(profile: str, given: Given) -> str:
    """The models that ship are what was shipped.

    Raises
    ------
    ValueError
        a file is missing, damaged, changed or new.
    """
    from analysis_lib.worlds.mini.embedded import EMBEDDED_MODELS, verify
    from analysis_lib.worlds.smol.assembly import CHECKPOINT
    from analysis_lib.worlds.smol.storage import checked_files

    folders = sorted({path for one in EMBEDDED_MODELS.values() for path in one.parent.iterdir() if path.is_dir()})
    for folder in folders:
        verify(folder)
    checked_files(CHECKPOINT)
    return f"{len(folders) + 1} checkpoints that ship have their checksums"


def brought(profile: str, given: Given) -> str:
    """What other packages bring can be loaded.

    Raises
    ------
    ValueError
        an entry point leads to nothing that can be used, or its name is taken.
    """
    from analysis_lib.pid import DEFINITIONS
    from analysis_lib.tasks import TASKS

    found = []
    for what, registry in (("task", TASKS), ("definition", DEFINITIONS)):
        names = [name for name in registry if registry.origin(name)]
        found += [f"{what} {registry[name].name} of {registry.origin(name)}" for name in names]
    return f"brought by other packages: {', '.join(found) or 'nothing'}"


def settings(profile: str, given: Given) -> str:
    """The profile can be read, and every name and parameter in it is known.

    Raises
    ------
    ValueError
        something is not known, or what its models need is not installed.
    """
    path, root = profile_path(profile), repository_root()
    found = fill_in_places(read_profile(path, given), path.stem, given)
    check_profile(found, path.stem, root)
    check_installed(found, path.stem)
    check_compared(found, path.stem, root, [])
    return (
        f"profile {path.stem}: {len(found['models'])} models, {len(found['tasks'])} tasks, {len(found['pages'])} pages"
    )


CHECKS: tuple[Callable[[str, Given], str], ...] = (packages, checkpoints, brought, settings)
"""What is looked at, in this order; each says what it found, or raises."""


def findings(profile: str, given: Given) -> Iterator[tuple[bool, str]]:
    """Whether each check was passed, and what it says."""
    for check in CHECKS:
        try:
            yield True, check(profile, given)
        except (ValueError, OSError) as error:
            yield False, str(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, look and tell; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="hvbl check", description=__doc__)
    parser.add_argument("profile", nargs="?", default="mini", help="a name in workflow/profiles, or a .yaml file; mini")
    parser.add_argument("--gqa", help="GQA's folder, for profiles that need it")
    parser.add_argument("--model-path", help="the folder of the weights, where the profile has one model")
    asked = parser.parse_args(arguments)
    given = {key: value for key, value in (("gqa", asked.gqa), ("model_path", asked.model_path)) if value}
    all_right = True
    for right, said in findings(asked.profile, given):
        all_right &= right
        print(f"{'ok   ' if right else 'WRONG'} {said}", file=sys.stdout if right else sys.stderr, flush=True)
    return 0 if all_right else WRONG
