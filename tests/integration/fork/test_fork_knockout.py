"""The page "Fork: a knockout", followed to the letter in a copy of the repository."""

import re
from pathlib import Path

import pytest

from analysis_lib.activations import open_activations
from analysis_lib.vocabulary import parse_condition
from tests.integration.fork.following import Checkout, steps


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "book" / "fork_knockout.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def followed(repository: Path, page: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, list[str]]:
    """The copy after all steps, with what their commands printed."""
    checkout = Checkout.of(repository, tmp_path_factory.mktemp("fork-knockout"))
    return checkout, [printed for step in steps(page) if (printed := checkout.follow(step))]


def test_every_name_in_the_table_can_be_asked_for(page: str):
    names = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    assert len(names) == 5 and [str(parse_condition(name)) for name in names] == names


@pytest.mark.slow
def test_the_script_says_what_is_cut_and_what_is_lost(followed: tuple[Checkout, list[str]]):
    said, *table = followed[1][0].strip().splitlines()
    assert said == "gap does not read image; question does not read image; tail does not read image"
    right = {name: float(share) for name, share in (line.split() for line in table if line.split()[-1][0].isdigit())}
    assert right["baseline"] > 0.95 and 0.2 < right["blind"] < 0.8


@pytest.mark.slow
def test_the_readers_own_tests_pass(followed: tuple[Checkout, list[str]]):
    assert "4 passed" in followed[1][1]


@pytest.mark.slow
def test_the_store_holds_it_in_all_layers_and_in_a_window(followed: tuple[Checkout, list[str]]):
    store = open_activations(followed[0].root / "results/mine/activations/mini-llava-1.5/QueryAttr")
    assert list(store["condition"].values) == ["baseline", "blind", "blind@2-4"]
