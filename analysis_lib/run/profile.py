"""Profiles: the named sets of choices in ``workflow/profiles``, as parameters of one notebook."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis_lib.reading import parse_yaml, read_yaml
from analysis_lib.run.execute import repository_root
from analysis_lib.run.parameters import ParameterError
from analysis_lib.run.types import TRUTHS

STAGES = ("extract", "decompose")
COMMAND_LINE = ("profile", "only", "gqa", "model_path")
"""What the workflow is told beside the profile, every value taken as it is typed: which profile, which pages, and the
folders that take the place of ``source: $GQA`` and of the only model."""
UNTOUCHED: dict[str, dict[str, Any]] = {
    "extract": {"conditions": ["baseline"], "windows_of": []},
    "decompose": {
        "decomposed": ["baseline"],
        "targets": ["prediction_hidden"],
        "definitions": [],
        "paper_recipe": False,
        "probe_every": 0,
    },
}
"""What is asked of other seeds of a model, in the place of what the profile asks of the model."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def profile_path(name: str) -> Path:
    """Find a profile by name (``mini``) or by the path of its file.

    Raises
    ------
    ParameterError
        There is no such profile; the message lists those there are. Or its results would lie in the folder of another.
    """
    folder = repository_root() / "workflow" / "profiles"
    by_path = name.endswith((".yaml", ".yml"))
    path = Path(name) if by_path else folder / f"{name}.yaml"
    known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
    if not by_path and not PLAIN_NAME.fullmatch(name) or "\0" in name or not path.exists():
        shown = repr(name) if len(name) < 300 else reprlib.repr(name)
        raise ParameterError(f"there is no profile {shown}; give one of {known}, or the path of a .yaml file")
    if not PLAIN_NAME.fullmatch(path.stem):
        raise ParameterError(
            f"the profile {path} cannot name a folder of results; rename it, with letters, digits, _, . and - alone"
        )
    shipped = folder / f"{path.stem}.yaml"
    if shipped.exists() and not path.samefile(shipped):
        raise ParameterError(
            f"the profile {path} would write over the results of {shipped}, which has the same name; rename it"
        )
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
        content = read_yaml(path)
    except (OSError, ValueError) as error:
        raise ParameterError(str(error)) from None
    if not isinstance(content, dict):
        raise ParameterError(f"the parameter file {path} must be a mapping, `key: value` a line")
    return content


def command_line(entries: Iterable[str]) -> dict[str, str]:
    """What the workflow was told as ``key=value``, the values as they were typed; the last of a key counts.

    Raises
    ------
    ParameterError
        An entry has no ``=``.
    """
    for entry in entries:
        if "=" not in entry:
            raise ParameterError(f"{entry!r} must be written key=value")
    return {key: value for key, _, value in (entry.partition("=") for entry in entries)}


def read_profile(path: Path, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read a profile and check its keys and the shapes of their values.

    Parameters
    ----------
    path
        Its file.
    given
        What the command line says: keys of a profile, whose values are read as YAML and win over the file's, and those
        of `COMMAND_LINE`, which are left out here.

    Returns
    -------
    The profile, values as written, but for ``offline`` and ``extract_alone``, which are truths, and sections
    that say nothing, which are empty.

    Raises
    ------
    ParameterError
        It cannot be read, lacks a key, has an unknown one or a value of another kind; everything is named at once.
    """
    import jsonschema  # takes half a second; refusing a parameter should not

    content = read_text_mapping(path)
    for key, text in (given or {}).items():
        if key not in COMMAND_LINE:
            try:
                content[key] = parse_yaml(text, f"{key}={text}")
            except ValueError as error:
                raise ParameterError(str(error)) from None
    schema = read_yaml(repository_root() / "workflow" / "profile.schema.yaml", typed=True)
    found = sorted(jsonschema.Draft202012Validator(schema).iter_errors(content), key=lambda error: list(error.path))
    if found:
        problems = [_told(error, schema) for error in found]
        raise ParameterError("\n".join([f"the profile {path} cannot be used:", *problems]))
    content |= {stage: _section(content[stage]) for stage in STAGES}
    content["pages"] = {page: _section(section) for page, section in content["pages"].items()}
    return content | {key: TRUTHS[content[key].lower()] for key in ("offline", "extract_alone") if key in content}


def _section(content: Any) -> dict[str, Any]:
    """The parameters of a notebook; nothing may be written as nothing or as null."""
    return content if isinstance(content, dict) else {}


def _told(error: Any, schema: Mapping[str, Any]) -> str:
    """One violation of the schema in words: where, what and what was expected."""
    place = ".".join(map(str, error.path))
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"  it lacks {', '.join(missing)}; write {'them' if len(missing) > 1 else 'it'} as in profiles/mini.yaml"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        strangers = sorted(set(error.instance) - set(known))
        close = [f"`{near[0]}`" for name in strangers if (near := difflib.get_close_matches(name, known, n=1))]
        hint = f"; did you mean {' and '.join(close)}?" if close else ""
        return f"  unknown {', '.join(map(repr, strangers))}{hint} It may say {', '.join(known)}."
    if "propertyNames" in error.schema_path:
        return f"  {place}: {error.instance!r} is no name; use letters, digits, _, . and -, as in profiles/mini.yaml"
    top = schema["properties"][error.path[0]] if error.path else {}
    expected = error.schema.get("description") or top.get("description") or "a mapping, `key: value` a line"
    return f"  {place}: expected {expected}, got {reprlib.repr(error.instance)}"


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
        The profile has no seed, or not the section that is asked for, or that is no mapping.

    Examples
    --------
    >>> notebook_parameters({"seed": 0, "decompose": {"mode": "joint"}}, "mini", "decompose")
    {'seed': 0, 'mode': 'joint'}
    >>> notebook_parameters({"seed": 0, "pages": {"method": None}}, "mini", "method")
    {'profile': 'mini', 'results': 'results', 'seed': 0}
    """
    needed = ("seed", notebook if notebook in STAGES else "pages")
    if missing := [section for section in needed if section not in profile]:
        there = ", ".join(map(str, profile)) or "nothing"
        raise ParameterError(f"the profile {name} lacks {' and '.join(missing)}; it has {there}")
    pages = profile[needed[1]] or {}
    section = pages if notebook in STAGES or not isinstance(pages, Mapping) else pages.get(notebook) or {}
    if not isinstance(section, Mapping):
        raise ParameterError(f"the profile {name}: {notebook} must be a mapping of parameters, got {section!r}")
    common = {} if notebook in STAGES else {"profile": name, "results": "results"}
    return common | {"seed": profile["seed"]} | dict(section)
