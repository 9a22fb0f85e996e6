"""A profile that ships is explained, accepted by its notebooks, and builds the book that the contents name."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from analysis_lib.run.execute import read_notebook
from analysis_lib.run.parameters import complete_parameters
from analysis_lib.run.preflight import check_profile, fill_in_places
from analysis_lib.run.profile import STAGES, notebook_parameters, read_profile, read_text_mapping

REAL = ("llava-7b", "llava-1.5-7b", "llava-1.6-vicuna-7b")
OF_PHOTOGRAPHS = (*REAL, "smolvlm-256m")
PROFILES = sorted(
    path.stem for path in Path(__file__).resolve().parents[3].joinpath("workflow", "profiles").glob("*.yaml")
)


@pytest.fixture(params=PROFILES)
def profile(request, repository: Path) -> Path:
    return repository / "workflow" / "profiles" / f"{request.param}.yaml"


def test_the_two_profiles_are_there():
    assert {"mini", "smoke"} <= set(PROFILES)


def test_it_says_only_what_a_profile_may_say(profile, repository):
    read = read_profile(profile)
    if profile.stem not in OF_PHOTOGRAPHS:
        check_profile(fill_in_places(read, profile.stem, {}), profile.stem, repository)


def test_every_key_has_a_comment(profile):
    """A comment stands over each key, or within a section over keys written one below the other."""
    lines = profile.read_text().split("\npages:")[0].splitlines() + ["pages:"]
    for before, line in pairwise(lines):
        if key := re.match(r"( *)\w+:", line):
            beside = re.match(r"( +)\w+:", before)
            explained = before.lstrip().startswith("#") or (beside and beside[1] == key[1])
            assert explained or line == "pages:", f"no comment over `{line.strip()}`"


def test_its_notebooks_take_its_parameters(profile, repository):
    content = read_text_mapping(profile)
    for name in [*STAGES, *content["pages"]]:
        _, declared = read_notebook(repository / "notebooks" / f"{name}.md")
        values = complete_parameters(declared, notebook_parameters(content, profile.stem, name), from_text=True)
        assert values["seed"] == int(content["seed"])


def test_it_makes_every_page_that_the_book_names(profile, repository):
    contents = (repository / "_toc.yml").read_text()
    assert sorted(re.findall(r"book/pages/(\w+)", contents)) == sorted(read_text_mapping(profile)["pages"])


def test_the_real_models_are_asked_alike(repository):
    """Whatever differed besides the models would pass for a difference between them."""
    folder = repository / "workflow" / "profiles"
    both, *single = (read_text_mapping(folder / f"{name}.yaml") for name in REAL)
    assert list(both["models"].items()) == [pair for one in single for pair in one["models"].items()]
    for one in single:
        one["models"] = both["models"]
        one["extract"]["batch_size"] = both["extract"]["batch_size"]
        assert one == both


def test_a_shard_is_asked_what_an_extraction_is(repository):
    """Two notebooks declare the same parameters, so that a profile's section is for both."""
    whole, shard = (read_notebook(repository / "notebooks" / f"{name}.md")[1] for name in ("extract", "extract_shard"))
    assert [*shard] == [*whole, "shard"]
    assert all((shard[name].type, shard[name].limits) == (whole[name].type, whole[name].limits) for name in whole)
    defaults = {name for name in whole if shard[name].default != whole[name].default}
    assert defaults == {"shards"}
