"""The profiles of the real models go all the way with stand-ins of their class and GQA's own questions."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis_lib.activations import open_activations
from analysis_lib.models import PROMPTS
from tests.integration.real_profiles.conftest import N_QUESTIONS, TASKS, Checkout
from tests.integration.real_profiles.standin import WIDTH, Taught
from tests.unit.models.tiny import LAYERS

BOTH = {"llava-1.5-7b": "llava", "llava-1.6-vicuna-7b": "llava_next"}
CLASSES = {"llava": "LlavaForConditionalGeneration", "llava_next": "LlavaNextForConditionalGeneration"}
CONDITIONS = ["baseline", "paper", "strict", *(f"paper@{layer}" for layer in range(LAYERS))]
PAGES = ("setup", "knockouts")
# Without fingerprints: of so few questions no task's total is known well enough for shares of it.
ALL_OF_THE_MODELS = (
    "introduction",
    "setup",
    "method",
    "trajectories",
    "stability",
    "knockouts",
    "knockouts_information",
    "claims",
    "inconsistencies",
    "rehearsal",
    "making_of",
)
CHEAP = {"targets": ["prediction_hidden"], "definitions": [], "probe_every": 0, "paper_recipe": False}


def check_store(folder: Path, task: str, taught: Taught) -> None:
    store = open_activations(folder)
    known = taught.of(task).loc[store["question_id"].values]
    assert dict(store.sizes)["sample"] == N_QUESTIONS and store["condition"].values.tolist() == CONDITIONS
    states = {"sample": N_QUESTIONS, "layer": LAYERS + 1, "hidden": WIDTH}
    assert dict(store["vision"].sizes) == states, "the picture comes first: no knockout moves it"
    assert store["kept"].values.tolist() == CONDITIONS[:3], "windows tell how answers change, and that alone"
    assert dict(store["language"].sizes) == states | {"kept": 3}
    for column in ("question", "answer", "image_id"):
        assert store[column].values.tolist() == known[column].tolist()
    said = {name: store.attrs[name] for name in ("model", "dtype", "prompt", "tasks")}
    assert said == {
        "model": taught.folder.name,
        "dtype": "float16",
        "prompt": PROMPTS["vicuna-v1-short"],
        "tasks": [task],
    }
    assert store["said"].values.tolist() == known["says"].tolist()
    untouched = store.sel(condition="baseline")
    assert untouched["correct"].values.tolist() == known["right"].tolist()
    assert untouched["correct_first_token"].values.tolist() == known["begins_right"].tolist()
    assert store.attrs["accuracy"] == pytest.approx(
        {"generation": known["right"].mean(), "first-token": known["begins_right"].mean()}
    )
    vision, language = store["vision"].values, store["language"].values
    assert np.isfinite(vision).all() and np.isfinite(language).all() and language.std() > 0
    assert (language[:, :, 0] == language[:, :1, 0]).all() and (language[:, 1, -1] != language[:, 0, -1]).any()
    moved = pd.read_parquet(folder / "pixel_dependence.parquet").groupby("condition")["question_moved"].max()
    assert moved["strict"] == 0 < moved["paper"] and moved["baseline"] > 0


def check_table(path: Path, task: str, taught: Taught) -> None:
    atoms = pd.read_parquet(path)
    # The second estimator asks about answers that are given often enough; all others about every right one.
    counted = atoms.loc[atoms["mode"] != "probe", "n_samples"].unique().tolist()
    assert counted == [int(taught.of(task)["right"].sum())]
    assert set(atoms["condition"]) == {"baseline", "paper", "strict"} and set(atoms["layer"]) == set(range(LAYERS + 1))
    assert set(atoms["model"]) == {taught.folder.name} and set(atoms["task"]) == {task}
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


def check_setup(checkout: Checkout, profile: str, taught: Mapping[str, Taught], tasks: tuple[str, ...]) -> None:
    said = glued(checkout.root / "results" / profile, "setup")
    first = next(iter(taught))
    assert said["model"] == first and said["class"] == CLASSES[BOTH[first]]
    assert "commonest answer" in said["rival"] and "nothing here was trained" in said["origin"]
    assert "MiniGQA" not in " ".join(said.values()) and "blind twin" not in " ".join(said.values())
    worst = min(one.of(task)["right"].mean() for one in taught.values() for task in tasks)
    assert float(said["worst_accuracy"].split("%")[0]) == pytest.approx(100 * worst, abs=0.5)
    notebook, text = page(checkout, "setup")
    assert "image/png;base64" in text.replace("\\", "") or "data:image" in text
    assert notebook.metadata["provenance"]["parameters"]["profile"] == profile


def check_banner(repository: Path, checkout: Checkout, pages: tuple[str, ...]) -> None:
    """The book marks pages of the embedded models; these are none."""
    sys.path.insert(0, str(repository / "book" / "_ext"))
    from companion import stamp

    for name in pages:
        assert stamp.banner_html(stamp.notebook_run(checkout.root / "book" / "pages" / f"{name}.ipynb")) == ""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_from_questions_to_pages_with_one_llava_and_one_task(
    repository: Path, checkout: Checkout, gqa: Path, taught: dict[str, Taught]
) -> None:
    name, task, model = "llava-1.5-7b", TASKS[0], taught["llava"]
    checkout.cut_down(name, (task,), PAGES, decompose=CHEAP)
    table = f"results/{name}/atoms/{name}/{task}.parquet"
    done = checkout.snakemake("pages", table, profile=name, gqa=gqa, model_path=model.folder)
    assert done.returncode == 0, done.stderr + done.stdout
    results = checkout.root / "results" / name
    check_store(results / "activations" / name / task, task, model)
    check_table(checkout.root / table, task, model)
    check_setup(checkout, name, {name: model}, (task,))
    check_banner(repository, checkout, PAGES)
    extracted = nbformat.read(checkout.root / "logs" / name / "extract" / name / f"{task}.ipynb", as_version=4)
    settings = extracted.metadata["provenance"]["parameters"]
    assert (
        settings["source"] == settings["model"] == "(outside the repository)" and settings["n_questions"] == N_QUESTIONS
    )


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_every_page_about_both_llavas_and_their_book(
    repository: Path, checkout: Checkout, gqa: Path, taught: dict[str, Taught]
) -> None:
    name = "llava-7b"
    models = {model: taught[kind] for model, kind in BOTH.items()}
    folders = {model: str(one.folder) for model, one in models.items()}
    checkout.cut_down(
        name, TASKS, ALL_OF_THE_MODELS, models=folders, pages={"method": {"layer": LAYERS, "max_components": 3}}
    )
    done = checkout.snakemake(profile=name, gqa=gqa, only=" ".join(ALL_OF_THE_MODELS))
    assert done.returncode == 0, done.stderr + done.stdout
    results = checkout.root / "results" / name
    for model, one in models.items():
        for task in TASKS:
            check_store(results / "activations" / model / task, task, one)
            check_table(results / "atoms" / model / f"{task}.parquet", task, one)
    check_setup(checkout, name, models, TASKS)
    check_banner(repository, checkout, tuple(page for page in ALL_OF_THE_MODELS if page != "rehearsal"))  # no model's
    assert glued(results, "introduction")["model"] == "llava-1.5-7b"
    assert all(model in glued(results, "making_of")["trained"] for model in models)
    assert (checkout.root / "_build/chosen/_build/html/book/pages/method.html").is_file()


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
    content |= {"models": {"here": "a/folder"}, "sources": {"here": "minigqa-fine"}, "tasks": list(TASKS)}
    path = checkout.root / "seeds.yaml"
    path.write_text(yaml.safe_dump(content | {"seeds": {"here-seed-3": "a/seed"}}))
    done = checkout.snakemake("pages", "--dry-run", "--printshellcmds", profile="seeds.yaml")
    assert done.returncode == 0, done.stderr + done.stdout
    lines = done.stdout.splitlines()
    (mine,) = [line for line in lines if "-p model a/folder " in line and "-p task QueryAttr " in line]
    (other,) = [line for line in lines if "-p model a/seed " in line and "-p task QueryAttr " in line]
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
        "tasks": list(TASKS),
    }
    (checkout.root / "two.yaml").write_text(yaml.safe_dump(content))
    done = checkout.snakemake("pages", "--dry-run", "--printshellcmds", profile="two.yaml")
    assert done.returncode == 0, done.stderr + done.stdout
    commands = {
        m: line for m in ("a/folder", "another/model") for line in done.stdout.splitlines() if f"-p model {m} " in line
    }
    assert f"-p source {gqa} " in commands["another/model"] and "-p source minigqa " in commands["a/folder"]
