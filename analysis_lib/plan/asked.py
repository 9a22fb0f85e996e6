"""What a profile asks: one run per model, other seeds included, with the parameters of its notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis_lib.decompose import Settings
from analysis_lib.run.execute import read_notebook
from analysis_lib.run.parameters import ParameterError, complete_parameters
from analysis_lib.run.preflight import GQA, check_profile, fill_in_places
from analysis_lib.run.profile import UNTOUCHED, notebook_parameters, profile_path, read_profile
from analysis_lib.vocabulary import architecture_of

__all__ = ["Asked", "Run", "read_asked"]


@dataclass(frozen=True)
class Run:
    """What is asked of one model: each of the tasks is a store and a table.

    Attributes
    ----------
    model
        its name in the results; ``loaded_from``: an embedded model, a folder, or a name on a hub.
    folder
        where stores and tables lie, below the folder of results.
    source
        of the questions; ``None`` where the profile asks for GQA and nobody said where it lies.
    extract, decompose
        parameters of the notebooks, complete.
    """

    model: str
    loaded_from: str
    folder: str
    tasks: tuple[str, ...]
    source: str | None
    extract: Mapping[str, Any]
    decompose: Mapping[str, Any]

    @property
    def settings(self) -> Settings:
        """What is asked of the decomposition."""
        return Settings(**{name: value for name, value in self.decompose.items() if name not in ("store", "output")})


@dataclass(frozen=True)
class Asked:
    """A profile, read: its name, and its runs. ``real``: it reads GQA, whose photographs no world stands in for."""

    profile: str
    real: bool
    runs: tuple[Run, ...]


def read_asked(name: str, root: Path, *, gqa: str | None = None, model_path: str | None = None) -> Asked:
    """Read a profile as the workflow does, but for GQA, which may be missing: it is planned for all the same.

    Raises
    ------
    ParameterError
        no such profile, or one that cannot be used; what is wrong is named as by the workflow.
    """
    path = profile_path(name)
    given = {key: value for key, value in (("gqa", gqa), ("model_path", model_path)) if value}
    profile = read_profile(path)
    real = profile["extract"].get("source") == GQA
    missing = real and not gqa
    if missing:
        profile["extract"] = {key: value for key, value in profile["extract"].items() if key != "source"}
    profile = fill_in_places(profile, path.stem, given)
    check_profile(profile, path.stem, root)
    stages = {stage: _complete(profile, path.stem, stage, {}, root) for stage in UNTOUCHED}
    others = {stage: _complete(profile, path.stem, stage, UNTOUCHED[stage], root) for stage in UNTOUCHED}
    sources, tasks = profile.get("sources", {}), tuple(profile["tasks"])
    usual = None if missing else stages["extract"]["source"]
    runs = [
        Run(model, place, "", tasks, sources.get(model, usual), **stages) for model, place in profile["models"].items()
    ]
    runs += [
        Run(seed, place, "seeds/", tasks, sources.get(architecture_of(seed), usual), **others)
        for seed, place in profile.get("seeds", {}).items()
    ]
    return Asked(path.stem, real, tuple(runs))


def _complete(
    profile: Mapping[str, Any], name: str, stage: str, instead: Mapping[str, Any], root: Path
) -> dict[str, Any]:
    """A notebook's parameters by the profile, and those it leaves out by the notebook."""
    _, declared = read_notebook(root / "notebooks" / f"{stage}.md")
    asked = {
        key: value if isinstance(value, str | list) else str(value)
        for key, value in notebook_parameters(profile, name, stage).items()
    }
    try:
        return complete_parameters(declared, asked, from_text=True) | dict(instead)
    except ParameterError as error:
        raise ParameterError(f"profile {name}, {stage}:\n{error}") from None
