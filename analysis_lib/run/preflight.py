"""What has to hold before the workflow runs a job: a job that starts removes its old outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis_lib.contents import contents
from analysis_lib.run.execute import read_declared
from analysis_lib.run.kinds import check_kind
from analysis_lib.run.needs import NEEDS, page_needs
from analysis_lib.run.parameters import ParameterError, complete_parameters, try_kinds
from analysis_lib.run.profile import STAGES, notebook_parameters
from analysis_lib.vocabulary import ASSEMBLED_MODELS, ConditionName, architecture_of, parse_condition

GQA = "$GQA"
"""Stands in a profile for a folder that the command line names."""


def fill_in_places(profile: Mapping[str, Any], name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Put what the command line names where the profile leaves a place for it; refuse what has no place.

    Parameters
    ----------
    profile
        As `read_profile` gives it.
    name
        Its name.
    given
        What the command line says; ``gqa`` and ``model_path`` are used.

    Raises
    ------
    ParameterError
        A folder is missing, has no place, or is not what is needed there.
    """
    models, source = profile["models"], profile["extract"].get("source")
    folder, path = given.get("gqa"), given.get("model_path")
    filled = dict(profile)
    if source == GQA:
        needed = "a folder with GQA's val_balanced_questions.json and its pictures in images/IMAGEID.jpg"
        if not folder:
            raise ParameterError(f"profile {name} needs GQA: make book PROFILE={name} GQA=/folder, {needed}")
        if not (contents(folder, "*_questions.json") and Path(folder, "images").is_dir()):
            raise ParameterError(f"GQA={folder} lacks *_questions.json or images/; give {needed}")
        filled["extract"] = profile["extract"] | {"source": folder}
    elif folder:
        raise ParameterError(f"profile {name} reads {source}; GQA={folder} is for profiles with `source: {GQA}`")
    if path:
        if len(models) > 1:
            raise ParameterError(f"MODEL_PATH={path} could be any of {sorted(models)}; write it into profile {name}")
        if not Path(path, "config.json").is_file():
            raise ParameterError(f"MODEL_PATH={path} has no config.json; give a model's folder in transformers format")
        filled["models"] = dict.fromkeys(models, path)
    return filled


def check_profile(profile: Mapping[str, Any], name: str, root: Path) -> None:
    """Look up every name that a profile uses, and check its parameters against the notebooks that they are for.

    Parameters
    ----------
    profile
        As `fill_in_places` gives it.
    name
        Its name.
    root
        The folder that relative paths count from; its ``notebooks`` are asked.

    Raises
    ------
    ParameterError
        Models, tasks, sources or conditions that there are not, or parameters that a notebook does not take.
    """
    models, seeds, sources = (profile.get(key, {}) for key in ("models", "seeds", "sources"))
    for told, strangers in (
        ("sources for {}; its models are", sorted(set(sources) - set(models))),
        ("seeds {} of models that it does not run:", [s for s in seeds if architecture_of(s) not in models]),
    ):
        if strangers:
            raise ParameterError(f"profile {name} has {told.format(strangers)} {sorted(models)}: name one of those")
    for kind, key, values in (
        ("task", "tasks", profile["tasks"]),
        ("model", "models", models.values()),
        ("model", "seeds", seeds.values()),
        ("source", "sources", sources.values()),
    ):
        for value in values:
            try:
                check_kind(kind, value, root)
            except ValueError as error:
                raise ParameterError(f"profile {name}, {key}: {error}") from None
    asked = {}
    for notebook in [*STAGES, *profile["pages"]]:
        path = root / "notebooks" / f"{notebook}.md"
        given = {key: _as_text(value) for key, value in notebook_parameters(profile, name, notebook).items()}
        try:
            declared = read_declared(path)
            asked[notebook] = complete_parameters(declared, given, from_text=True)
            try_kinds({key: declared[key] for key in given}, asked[notebook], root)
        except (ParameterError, FileNotFoundError) as error:
            raise ParameterError(f"profile {name}, notebook {path.relative_to(root)}:\n{error}") from None
    _check_conditions(name, **{stage: asked[stage] for stage in STAGES})


def check_installed(profile: Mapping[str, Any], name: str) -> None:
    """Refuse a profile whose models need what another package brings, where that is not installed or not whole.

    Parameters
    ----------
    profile
        As `check_profile` has passed it.
    name
        Its name.

    Raises
    ------
    ParameterError
        What is missing or wrong, and how to get it.
    """
    if not set(ASSEMBLED_MODELS) & {*profile["models"].values(), *profile.get("seeds", {}).values()}:
        return
    from analysis_lib.worlds.smol.pretrained_decoder import check_decoder, decoder_path  # takes seconds

    try:
        check_decoder(decoder_path())
    except (FileNotFoundError, ValueError) as error:
        raise ParameterError(f"profile {name}, models: {error}") from None


def check_compared(profile: Mapping[str, Any], name: str, root: Path, only: Sequence[str] = ()) -> None:
    """Refuse pages that compare where the profile has one of what they compare: they would have nothing to show.

    Parameters
    ----------
    profile
        As `check_profile` has passed it.
    name
        Its name.
    root
        The folder whose ``notebooks`` are asked what they need.
    only
        Pages that are to be made; none for all that the profile has.

    Raises
    ------
    ParameterError
        A page needs two tasks or models; with the page, and the command that makes the others.
    """
    tasks, models = profile["tasks"], list(profile["models"])
    lacking = {"tasks"} if len(tasks) < 2 else set()
    lacking |= {"others"} if len(tasks) * len(models) < 2 else set()
    needed = {page: lacking.intersection(page_needs(root / "notebooks" / f"{page}.md")) for page in profile["pages"]}
    refused = [page for page in only or profile["pages"] if needed.get(page)]
    if refused:
        others = " ".join(page for page in only or profile["pages"] if page not in refused)
        reasons = "; ".join(f"page {page} needs {NEEDS[min(needed[page])]}" for page in refused)
        instead = f'the other pages only: make book PROFILE={name} PAGES="{others}"' if others else "other pages"
        raise ParameterError(
            f"profile {name} has {', '.join(tasks)} alone, of {', '.join(models)}: {reasons}. Name another task, or "
            f"make {instead}"
        )


def _as_text(value: Any) -> Any:
    return value if isinstance(value, str | list | dict) else str(value)


def _check_conditions(name: str, extract: Mapping[str, Any], decompose: Mapping[str, Any]) -> None:
    """What is held in windows has to be whole, and what is decomposed has to be extracted."""
    conditions, windows = extract.get("conditions") or [], extract.get("windows_of") or []
    width = extract.get("window_width", 1)
    if narrow := [one for one in windows if parse_condition(one).layers is not None]:
        raise ParameterError(f"profile {name}: windows_of names {narrow}, which are windows: list them as conditions")
    strangers = [
        one
        for one in decompose.get("decomposed") or []
        if one not in conditions and not _is_window_of(windows, width, parse_condition(one))
    ]
    if strangers:
        also = f", and {windows[0]} in windows of {width} layers" if windows else ""
        raise ParameterError(
            f"profile {name}: decomposed names {strangers}; extract asks for {', '.join(conditions)}{also}: ask for "
            "those as well, or leave them out"
        )


def _is_window_of(wholes: Sequence[str], width: int, name: ConditionName) -> bool:
    """Whether a name is of a window around any layer, as far as that can be told without the number of layers."""
    if name.width is None or not name.is_window or str(replace(name, layers=None)) not in wholes:
        return False
    return (width + 1) // 2 <= name.width <= width  # fewer where the model begins or ends
