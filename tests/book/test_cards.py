"""Every checkpoint and world has a card, each card says what its files say, and the book shows it."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from companion.cards import CARD, CHECKPOINTS, WORLDS, data_cards, model_cards
from companion.cards.filling import share
from companion.cards.mini_models import mini_card
from companion.cards.smol_model import smol_card
from jinja2 import UndefinedError

from analysis_lib.tasks import TASKS
from tests.book.conftest import REPOSITORY, build
from tests.book.prose import typed_results

MODELS, WORLD_CARDS = model_cards(REPOSITORY), data_cards(REPOSITORY)
FILES = sorted([*MODELS, *WORLD_CARDS])
TEMPLATES = sorted((REPOSITORY / "book/_ext/companion/cards/templates").iterdir())
OF_A_MODEL = [
    "Model details",
    "Uses",
    "Limits and biases",
    "How to use it",
    "Training",
    "Evaluation",
    "Checksums",
    "Citation",
]
OF_A_WORLD = ["Dataset description", "Uses", "Structure", "Creation", "What is known of the answers"]
OF_A_WORLD += ["Biases, risks and limits", "Checksum", "Citation"]
CHECKSUM = re.compile(r"^\| `([\w.]+)` \| `(\w{64})` \|$", re.MULTILINE)


def named(path: Path) -> str:
    return path.parent.relative_to(REPOSITORY / WORLDS).as_posix()


def metadata(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_model_card_says_what_the_files_of_its_model_say(path: Path):
    assert path.read_text(encoding="utf-8") == MODELS[path](), "run `make cards`"


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if "smol" in path.parts else []) for path in WORLD_CARDS],
    ids=named,
)
def test_a_data_card_says_what_its_world_is(path: Path):
    assert path.read_text(encoding="utf-8") == WORLD_CARDS[path](), "run `make cards`"


def test_every_checkpoint_that_ships_has_a_card():
    weights = {path.parent for path in (REPOSITORY / WORLDS).rglob("*.safetensors")}
    assert weights == {path.parent for path in MODELS} and len(weights) > 10


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_card_follows_the_template_of_the_field(path: Path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == (OF_A_MODEL if path in MODELS else OF_A_WORLD)
    assert metadata(text)["license"] == "mit" and metadata(text)["language"] == "en"


@pytest.mark.parametrize("path", MODELS, ids=named)
def test_a_card_has_every_task_and_the_checksums_that_loading_compares(path: Path):
    text = path.read_text(encoding="utf-8")
    report = json.loads(path.with_name("training.json").read_text(encoding="utf-8"))
    told = {one["dataset"]["config"]: one["metrics"][0]["value"] for one in metadata(text)["model-index"][0]["results"]}
    assert told == {task: report["accuracy"][task] for task in TASKS}
    sums = next(
        folder / "SHA256SUMS" for folder in (path.parent, path.parent.parent) if (folder / "SHA256SUMS").is_file()
    )
    listed = {Path(name).name: digest for digest, name in map(str.split, sums.read_text().splitlines()) if
              "/" not in name or name.startswith(f"{path.parent.name}/")}  # fmt: skip
    shown = dict(CHECKSUM.findall(text))
    assert listed.items() <= shown.items() and set(shown) - set(listed) <= {"training.json"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_holds_no_number_of_its_own(template: Path):
    words = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "value", template.read_text(encoding="utf-8"))
    assert typed_results(words) == []


def test_what_a_report_says_reaches_the_card_and_what_it_lacks_is_no_card(tmp_path: Path):
    folder = tmp_path / "mini-llava-1.6-seed-1"
    shutil.copytree(REPOSITORY / CHECKPOINTS / folder.name, folder)
    report = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    report["accuracy"] |= {"QueryAttr": 0.123, "CompareAttr": 0.99}
    (folder / "training.json").write_text(json.dumps(report))
    card = mini_card(folder)
    assert "| QueryAttr | 12.3 (" in card and "Worst of its tasks is QueryAttr, with 12.3 % right" in card
    assert "has not learned QueryAttr to the 97 %" in card
    (folder / "training.json").write_text(json.dumps({key: report[key] for key in report if key != "parameters"}))
    with pytest.raises(KeyError, match="parameters"):
        mini_card(folder)


def test_a_value_that_a_template_asks_for_has_to_be_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("companion.cards.smol_model.fill", lambda name, data, values: _without(name, data, values))
    with pytest.raises(UndefinedError, match="seconds"):
        smol_card(REPOSITORY / WORLDS / "smol" / "checkpoint")


def _without(name: str, data: object, values: dict) -> str:
    from companion.cards.filling import fill

    return fill(name, data, {key: value for key, value in values.items() if key != "seconds"})


def test_a_share_is_all_only_where_all_were_right():
    assert [share(1.0, 1000), share(0.9989, 10_120), share(0.99996, 10_120), share(0.91, 1000)] == [
        "100",
        "99.89",
        "99.99",
        "91",
    ]


def test_the_book_has_a_page_for_every_card():
    contents = yaml.safe_load((REPOSITORY / "_toc.yml").read_text(encoding="utf-8"))
    (chapter,) = [one for part in contents["parts"] for one in part["chapters"] if one["file"] == "book/cards"]
    pages = [REPOSITORY / f"{section['file']}.md" for section in chapter["sections"]]
    assert sorted(pages) == sorted((REPOSITORY / "book/cards").glob("*.md"))
    shown = [(page.parent / re.search(r"\{include\} (\S+)", page.read_text())[1]).resolve() for page in pages]
    assert sorted(shown) == [path.resolve() for path in FILES]


@pytest.mark.slow
def test_a_page_shows_the_card_without_what_is_for_hubs(tmp_path: Path):
    for name in ("_config.yml", "analysis_lib", "book/_ext", "book/_static", "book/references.bib", "book/cards"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(REPOSITORY / name)
    chapters = [{"file": "book/cards/minigqa"}, {"file": "book/cards/smol-llava"}]
    (tmp_path / "_toc.yml").write_text(
        yaml.safe_dump({"format": "jb-book", "root": "book/cards/mini-llava-1.5", "chapters": chapters})
    )
    build(tmp_path)
    for page in ("mini-llava-1.5", "minigqa", "smol-llava"):
        html = (tmp_path / f"_build/html/book/cards/{page}.html").read_text(encoding="utf-8")
        article = BeautifulSoup(html, "html.parser").select_one("article")
        assert (
            article.select_one("h1").get_text().startswith(("Model card: mini", "Data card: Mini", "Model card: smol"))
        )
        assert len(article.select("table")) >= 3 and "library_name" not in article.get_text()
        assert CARD not in article.get_text()
