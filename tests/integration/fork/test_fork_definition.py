"""The page "Fork: a definition of the atoms", followed to the letter in a copy of the repository."""

import json
from pathlib import Path

import pytest

from tests.integration.fork.following import Checkout, Step, steps


@pytest.fixture(scope="module")
def told(repository: Path) -> list[Step]:
    """What the page tells its reader to do."""
    return list(steps((repository / "book" / "fork_definition.md").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def prepared(repository: Path, told: list[Step], tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    """The copy after every step but the last, and what the reader's own test printed."""
    checkout = Checkout.of(repository, tmp_path_factory.mktemp("fork-definition"))
    printed = [checkout.follow(step) for step in told[:-1]]
    return checkout, printed[-1]


def test_the_readers_own_test_passes(prepared: tuple[Checkout, str]):
    assert "2 passed" in prepared[1]


def test_a_notebook_may_be_asked_for_it(prepared: tuple[Checkout, str]):
    checkout, _ = prepared
    done = checkout.run("python -c \"from analysis_lib.run.kinds import KINDS; KINDS['definition']('least', None)\"")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_page_on_definitions_draws_it(prepared: tuple[Checkout, str], told: list[Step]):
    checkout, _ = prepared
    checkout.follow(told[-1])
    shown = json.loads((checkout.root / "mine/definitions.ipynb").read_text(encoding="utf-8"))
    outputs = json.dumps([cell.get("outputs") for cell in shown["cells"]])
    assert "redundancy is as small as non-negative atoms allow" in outputs
    numbers = json.loads((checkout.root / "mine/definitions.numbers.json").read_text(encoding="utf-8"))["numbers"]
    assert numbers["n_definitions"]["text"] == "7"
