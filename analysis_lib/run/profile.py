"""Profiles: the named sets of choices in ``workflow/profiles``, as parameters of one notebook."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis_lib.run.execute import repository_root
from analysis_lib.run.parameters import ParameterError

STAGES = ("extract", "decompose")


def load_profile(name: str) -> dict[str, Any]:
    """Read a profile by name (``mini``) or path, its values left as text for the notebook's types to read.

    Raises
    ------
    ParameterError
        There is no such profile; the message lists those there are.
    """
    folder = repository_root() / "workflow" / "profiles"
    path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise ParameterError(f"there is no profile {name!r} ({path}); give one of {known}, or the path of a .yaml file")
    # This loader makes nothing but strings, lists and mappings; YAML's own guesses would turn 1e-3 into text and
    # a revision made of digits into a number.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506


def profile_parameters(profile: Mapping[str, Any], notebook: str, declared: Collection[str]) -> dict[str, Any]:
    """Choose from a profile what concerns one notebook.

    Parameters
    ----------
    profile
        The mapping of a profile file.
    notebook
        The notebook's name: ``extract``, ``decompose``, or a page.
    declared
        The parameters that the notebook declares. ``profile``, ``results`` and ``seed`` are given where declared; the
        section of the profile written for this notebook is given whole, so that a misspelt key is refused.

    Examples
    --------
    >>> mini = {"name": "mini", "seed": 0, "decompose": {"mode": "joint"}}
    >>> profile_parameters(mini, "decompose", ["mode", "seed"])
    {'seed': 0, 'mode': 'joint'}
    """
    common = {"profile": profile["name"], "results": f"results/{profile['name']}", "seed": profile["seed"]}
    section = profile.get(notebook) if notebook in STAGES else profile.get("pages", {}).get(notebook)
    return {name: value for name, value in common.items() if name in declared} | dict(section or {})
