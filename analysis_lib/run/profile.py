"""Profiles: the named sets of choices in ``workflow/profiles``, as parameters of one notebook."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis_lib.run.execute import repository_root
from analysis_lib.run.parameters import ParameterError

STAGES = ("extract", "decompose")


def profile_path(name: str) -> Path:
    """Find a profile by name (``mini``) or by the path of its file.

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
    return path


def read_text_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML mapping with its values left as text, for a notebook's types to read.

    YAML's own guesses would turn ``1e-3`` into text and a revision made of digits into a number.

    Raises
    ------
    ParameterError
        The file is missing, no YAML, or no mapping.
    """
    try:
        # This loader makes nothing but strings, lists and mappings.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise ParameterError(f"the parameter file {path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ParameterError(f"the parameter file {path} must be a mapping, `key: value` a line")
    return content


def notebook_parameters(profile: Mapping[str, Any], name: str, notebook: str) -> dict[str, Any]:
    """Choose from a profile what it says for one notebook.

    Parameters
    ----------
    profile
        The mapping of a profile file.
    name
        The profile's name, which is also that of its folder under ``results``.
    notebook
        The notebook's name: a stage, ``extract`` or ``decompose``, gets the seed and its section; a page gets profile,
        results (the folder of all results) and seed, and its section if there is one.

    Raises
    ------
    ParameterError
        The profile has no seed, or not the section that is asked for.

    Examples
    --------
    >>> notebook_parameters({"seed": 0, "decompose": {"mode": "joint"}}, "mini", "decompose")
    {'seed': 0, 'mode': 'joint'}
    >>> notebook_parameters({"seed": 0, "pages": {"method": None}}, "mini", "method")
    {'profile': 'mini', 'results': 'results', 'seed': 0}
    """
    needed = ("seed", notebook if notebook in STAGES else "pages")
    if missing := [section for section in needed if section not in profile]:
        there = ", ".join(profile) or "nothing"
        raise ParameterError(f"the profile {name} lacks {' and '.join(missing)}; it has {there}")
    if notebook in STAGES:
        return {"seed": profile["seed"]} | dict(profile[notebook] or {})
    section = profile["pages"].get(notebook) or {}
    return {"profile": name, "results": "results", "seed": profile["seed"]} | dict(section)
