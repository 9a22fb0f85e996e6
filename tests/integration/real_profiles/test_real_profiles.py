"""The profiles of the real models go all the way with random weights of their class and GQA's own questions."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis_lib.activations import open_activations
from analysis_lib.models import PROMPTS
from analysis_lib.tasks import load_questions
from tests.integration.real_profiles.conftest import CHEAP, N_QUESTIONS, TASKS, Checkout
from tests.unit.models.tiny import LAYERS, WIDTH

CONDITIONS = ["baseline", "paper", "strict", *(f"paper@{layer}" for layer in range(LAYERS))]
PAGES = ("setup", "knockouts")
ALL_OF_THE_MODEL = ("introduction", "method", "setup", "trajectories", "knockouts", "making_of")


def run(
    checkout: Checkout,
    name: str,
    gqa: Path,
    weights: Path,
    tasks: tuple[str, ...],
    pages: tuple[str, ...],
    **draws: object,
) -> Path:
    """Everything but the book itself; the folder of the results."""
    checkout.cut_down(name, tasks, pages, **draws)
    done = checkout.snakemake("pages", profile=name, gqa=gqa, model_path=weights)
    assert done.returncode == 0, done.stderr + done.stdout
    return checkout.root / "results" / name


def check_store(folder: Path, source: Path, task: str, weights: Path) -> None:
    store, asked = open_activations(folder), load_questions(source, task, n=N_QUESTIONS, seed=0)
    assert dict(store.sizes)["sample"] == N_QUESTIONS and store["condition"].values.tolist() == CONDITIONS
    states = {"sample": N_QUESTIONS, "layer": LAYERS + 1, "hidden": WIDTH}
    assert dict(store["vision"].sizes) == states, "the picture comes first: no knockout moves it"
    assert dict(store["language"].sizes) == states | {"condition": len(CONDITIONS)}
    assert store["question"].values.tolist() == asked["question"].tolist()
    assert store["answer"].values.tolist() == asked["answer"].tolist()
    assert set(store["image_id"].values) == set(asked["image_id"])
    said = {name: store.attrs[name] for name in ("model", "dtype", "prompt", "tasks")}
    assert said == {"model": weights.name, "dtype": "float16", "prompt": PROMPTS["vicuna-v1-short"], "tasks": [task]}
    vision, language = store["vision"].values, store["language"].values
    assert np.isfinite(vision).all() and np.isfinite(language).all() and language.std() > 0
    assert (language[:, :, 0] == language[:, :1, 0]).all() and (language[:, 1, -1] != language[:, 0, -1]).any()
    moved = pd.read_parquet(folder / "pixel_dependence.parquet").groupby("condition")["question_moved"].max()
    assert moved["strict"] == 0 < moved["paper"] and moved["baseline"] > 0


def check_table(path: Path, weights: Path, task: str) -> None:
    atoms = pd.read_parquet(path)
    assert set(atoms["condition"]) == {"baseline", "paper", "strict"} and set(atoms["layer"]) == set(range(LAYERS + 1))
    assert set(atoms["model"]) == {weights.name} and set(atoms["task"]) == {task}
    assert np.isfinite(atoms["bits"]).all()
    # No knockout reaches the embeddings: about a kept target nothing may change there, the components counted alike.
    compared = atoms.query("mode == 'marginal' and target == 'prediction_hidden' and layer == 0")
    untouched = compared[compared["condition"] == "baseline"].set_index("quantity")["bits"]
    for _, kept in compared[compared["target_from"] == "baseline"].groupby("condition"):
        pd.testing.assert_series_equal(kept.set_index("quantity")["bits"], untouched)
    assert compared.query("target_from == 'baseline'")["condition"].nunique() == 2
    assert (compared.groupby("condition")[["d_vision", "d_language", "d_target"]].nunique() == 1).all(axis=None)


def page(checkout: Checkout, name: str) -> tuple[nbformat.NotebookNode, str]:
    notebook = nbformat.read(checkout.root / "book" / "pages" / f"{name}.ipynb", as_version=4)
    return notebook, json.dumps(notebook)


def glued(results: Path, name: str) -> dict[str, str]:
    numbers = json.loads((results / "numbers" / f"{name}.json").read_text(encoding="utf-8"))["numbers"]
    return {key: entry["text"] for key, entry in numbers.items()}


def check_setup(checkout: Checkout, results: Path, name: str, kind: str) -> None:
    said = glued(results, "setup")
    assert said["model"] == name
    assert (
        said["class"]
        == {"llava": "LlavaForConditionalGeneration", "llava_next": "LlavaNextForConditionalGeneration"}[kind]
    )
    assert "commonest answer" in said["rival"] and "nothing here was trained" in said["origin"]
    assert "MiniGQA" not in " ".join(said.values()) and "blind twin" not in " ".join(said.values())
    notebook, text = page(checkout, "setup")
    assert "image/png;base64" in text.replace("\\", "") or "data:image" in text
    provenance = notebook.metadata["provenance"]["parameters"]
    assert provenance["profile"] == name


def check_banner(repository: Path, checkout: Checkout, pages: tuple[str, ...]) -> None:
    """The book marks pages of the embedded models; these are none."""
    sys.path.insert(0, str(repository / "book" / "_ext"))
    from companion import stamp

    for name in pages:
        assert stamp.banner_html(stamp.notebook_run(checkout.root / "book" / "pages" / f"{name}.ipynb")) == ""


@pytest.mark.slow
def test_from_questions_to_pages_with_llava(
    repository: Path, checkout: Checkout, gqa: Path, weights: dict[str, Path]
) -> None:
    name, task, model = "llava-1.5-7b", TASKS[0], weights["llava"]
    results = run(checkout, name, gqa, model, (task,), PAGES, **CHEAP)
    check_store(results / "activations" / name / task, gqa, task, model)
    check_table(results / "atoms" / name / f"{task}.parquet", model, task)
    check_setup(checkout, results, name, "llava")
    check_banner(repository, checkout, PAGES)
    extracted = nbformat.read(checkout.root / "logs" / name / "extract" / name / f"{task}.ipynb", as_version=4)
    settings = extracted.metadata["provenance"]["parameters"]
    assert (
        settings["source"] == settings["model"] == "(outside the repository)" and settings["n_questions"] == N_QUESTIONS
    )


@pytest.mark.slow
def test_every_page_about_the_model_with_llava_next(
    repository: Path, checkout: Checkout, gqa: Path, weights: dict[str, Path]
) -> None:
    name, model = "llava-1.6-vicuna-7b", weights["llava_next"]
    results = run(checkout, name, gqa, model, TASKS, ALL_OF_THE_MODEL)
    for task in TASKS:
        check_store(results / "activations" / name / task, gqa, task, model)
        check_table(results / "atoms" / name / f"{task}.parquet", model, task)
    check_setup(checkout, results, name, "llava_next")
    check_banner(repository, checkout, ALL_OF_THE_MODEL)
    assert glued(results, "introduction")["model"] == name
    assert name in glued(results, "making_of")["trained"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "make book PROFILE=llava-1.5-7b GQA=/folder, a folder with GQA's val_balanced_questions.json"),
        ({"gqa": "nowhere"}, r"GQA=nowhere lacks \*_questions.json or images/"),
        ({"gqa": "{gqa}", "model_path": "nowhere"}, "MODEL_PATH=nowhere has no config.json"),
        ({"gqa": "{gqa}", "sources": "{{llava-1.5: x}}"}, r"sources for \['llava-1.5'\]; its models are"),
        ({"gqa": "{gqa}", "profile": "mini"}, "profile mini reads minigqa; GQA=.* is for profiles with `source: "),
    ],
)  # fmt: skip
def test_what_is_missing_or_has_no_place_is_said(
    checkout: Checkout, gqa: Path, config: dict[str, str], message: str
) -> None:
    told = {"profile": "llava-1.5-7b"} | {name: value.format(gqa=gqa) for name, value in config.items()}
    done = checkout.snakemake("pages", "--dry-run", **told)
    assert done.returncode != 0
    assert re.search(message, done.stderr + done.stdout), done.stderr + done.stdout


def test_another_seed_is_asked_untouched_only(checkout: Checkout) -> None:
    content = yaml.safe_load((checkout.root / "workflow" / "profiles" / "mini.yaml").read_text())
    content |= {"models": {"here": "a/folder"}, "sources": {"here": "minigqa-fine"}, "tasks": ["QueryAttr"]}
    path = checkout.root / "seeds.yaml"
    path.write_text(yaml.safe_dump(content | {"seeds": {"here-seed-3": "a/seed"}}))
    done = checkout.snakemake("pages", "--dry-run", "--printshellcmds", profile="seeds.yaml")
    assert done.returncode == 0, done.stderr + done.stdout
    lines = done.stdout.splitlines()
    (mine,) = [line for line in lines if "-p model a/folder " in line]
    (other,) = [line for line in lines if "-p model a/seed " in line]
    assert "-p source minigqa-fine " in mine and "-p source minigqa-fine " in other
    assert "strict" in mine and "strict" not in other and """-p conditions '["baseline"]'""" in other
    stored = "-p output results/seeds/seeds/activations/here-seed-3/QueryAttr"
    assert stored in other and any(
        "-p store results/seeds/seeds/activations/here-seed-3/QueryAttr" in one for one in lines
    )
    path.write_text(yaml.safe_dump(content | {"seeds": {"there-seed-3": "a/seed"}}))
    refused = checkout.snakemake("pages", "--dry-run", profile="seeds.yaml")
    assert (
        refused.returncode != 0
        and "seeds ['there-seed-3'] of models that it does not run" in refused.stderr + refused.stdout
    )


def test_a_model_can_have_a_source_of_its_own(checkout: Checkout, gqa: Path) -> None:
    content = yaml.safe_load((checkout.root / "workflow" / "profiles" / "mini.yaml").read_text())
    content |= {
        "models": {"here": "a/folder", "there": "another/model"},
        "sources": {"there": str(gqa)},
        "seeds": {},
        "tasks": ["QueryAttr"],
    }
    (checkout.root / "two.yaml").write_text(yaml.safe_dump(content))
    done = checkout.snakemake("pages", "--dry-run", "--printshellcmds", profile="two.yaml")
    assert done.returncode == 0, done.stderr + done.stdout
    commands = {
        m: line for m in ("a/folder", "another/model") for line in done.stdout.splitlines() if f"-p model {m} " in line
    }
    assert f"-p source {gqa} " in commands["another/model"] and "-p source minigqa " in commands["a/folder"]
