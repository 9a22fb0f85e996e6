"""The page "Fork: a new model", followed to the letter with the tiny model that it offers."""

import re
from pathlib import Path

import pytest

from analysis_lib.activations import open_activations
from tests.integration.fork.following import Checkout, steps


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "book" / "fork_model.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["llava", pytest.param("llava_next", marks=pytest.mark.slow)])
def followed(request: pytest.FixtureRequest, repository: Path, page: str, tmp_path_factory: pytest.TempPathFactory):
    """The copy after all steps, with what they printed."""
    checkout = Checkout.of(repository, tmp_path_factory.mktemp("fork-model"))
    told = list(steps(page.replace('Path("mine/model"), "llava"', f'Path("mine/model"), "{request.param}"')))
    return checkout, [checkout.follow(step) for step in told]


@pytest.mark.timeout(1200)
def test_the_parts_of_the_prompt_are_shown(followed):
    _, (_, _, looked, _) = followed
    spans = dict(re.findall(r"^ *(\w+) '(.*)'$", looked, re.M))
    assert list(spans) == ["system", "image", "gap", "question", "tail", "last"]
    assert re.search(r"kind|type", spans["question"]) and "assistant" not in spans["question"]
    assert set(spans["image"].split()) == {"<image>"}
    assert re.search(r"assistant", spans["tail"])


def test_the_store_holds_the_new_model(followed):
    checkout, _ = followed
    store = open_activations(checkout.root / "results/my-model/activations/my-model/ChooseCat")
    assert store.sizes["sample"] == 20
    assert store.attrs["model"] == "model"
    assert list(store["condition"].values) == ["baseline", "paper", "strict"]


def test_every_error_on_the_page_is_raised_somewhere(page: str, repository: Path):
    sources = "".join(path.read_text(encoding="utf-8") for path in (repository / "analysis_lib").rglob("*.py"))
    plain = re.sub(r"\{[^{}]*\}|\"\s*\n?\s*f?\"|[`()]|\s+", " ", sources)
    plain = re.sub(r"\s+", " ", plain)
    table = re.findall(r"^\| \*(.+?)\* \|", page, re.M)
    assert len(table) == 18
    for message in table:
        for part in message.split(" … "):
            words = re.sub(r"[`()]", " ", part)
            words = re.sub(r"\s+", " ", words).strip()
            assert words in plain, words
