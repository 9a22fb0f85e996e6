"""The page "Fork: a new task", followed to the letter in a copy of the repository."""

import json
import re
from pathlib import Path

import pytest

from analysis_lib.activations import open_activations
from tests.integration.fork.following import Checkout, Step, steps


@pytest.fixture(scope="module")
def told(repository: Path) -> list[Step]:
    """What the page tells its reader to do."""
    return list(steps((repository / "book" / "fork_task.md").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def prepared(repository: Path, told: list[Step], tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The copy after every step but the last, which builds the book."""
    checkout = Checkout.of(repository, tmp_path_factory.mktemp("fork-task"))
    for step in told[:-1]:
        checkout.follow(step)
    return checkout


@pytest.fixture(scope="module")
def built(prepared: Checkout, told: list[Step]) -> Checkout:
    """The copy after all steps."""
    prepared.follow(told[-1])
    return prepared


def test_the_page_takes_its_reader_through_every_file(told: list[Step]):
    files = [step.file for step in told if step.file]
    assert [Path(name).parts[0] for name in files] == ["analysis_lib", "mine", "workflow", "notebooks", "_toc.yml"]
    assert told[-1] == Step("run", "make book PROFILE=mine\n")


def test_the_task_has_its_questions(prepared: Checkout):
    questions = json.loads((prepared.root / "mine/data/val_balanced_questions.json").read_text(encoding="utf-8"))
    answers = [record["answer"] for record in questions.values()]
    assert {record["types"]["detailed"] for record in questions.values()} == {"verifyAttr"}
    assert set(answers) == {"yes", "no"} and 0.4 < answers.count("yes") / len(answers) < 0.6
    assert {record["imageId"] for record in questions.values()} <= {
        path.stem for path in (prepared.root / "mine/data/images").iterdir()
    }


def test_the_workflow_would_run_just_this_task_and_page(prepared: Checkout):
    planned = prepared.run("snakemake --dry-run --config profile=mine")
    jobs = sorted(re.findall(r"^Job \d+: (.+)$", planned.stdout + planned.stderr, re.M))
    assert jobs == [
        "book: building _build/html/index.html",
        "decompose: VerifyAttr of mini-llava-1.5",
        "extract: VerifyAttr of mini-llava-1.5",
        "page: verify_attr",
    ], planned.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_model_can_do_the_task(built: Checkout):
    store = open_activations(built.root / "results/mine/activations/mini-llava-1.5/VerifyAttr")
    assert float(store["correct"].sel(condition="baseline").mean()) > 0.9


@pytest.mark.slow
def test_the_book_shows_the_page_with_its_number_and_chart(built: Checkout):
    page = (built.root / "_build/html/book/pages/verify_attr.html").read_text(encoding="utf-8")
    numbers = json.loads((built.root / "results/mine/numbers/verify_attr.json").read_text(encoding="utf-8"))
    assert numbers["numbers"]["language"]["text"] in page
    assert "The four atoms about the final hidden state at every layer, for a task of our own." in page


@pytest.mark.slow
def test_nothing_is_left_to_do(built: Checkout):
    assert "Nothing to be done" in built.run("snakemake --dry-run --config profile=mine").stdout
