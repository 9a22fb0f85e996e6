"""A checkout that has the real profiles, cut down to a few questions and draws, and a way to run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.real_profiles.standin import lay_out_gqa, save_random_model

N_QUESTIONS = 50
TASKS = ("ChooseAttr", "QueryAttr")
DRAWS = {"max_components": 3, "bootstrap": 10, "nulls": 2, "matched": 0, "flow_seeds": 1, "samples": "all"}
CHEAP = {"targets": ["prediction_hidden"], "definitions": [], "probe_every": 0, "paper_recipe": False}


@dataclass(frozen=True)
class Checkout:
    """The workflow, the library and the notebooks, without the embedded models."""

    root: Path

    def snakemake(self, *options: str, **config: str | Path) -> subprocess.CompletedProcess[str]:
        """Call snakemake as ``make book`` does."""
        told = [f"{name}={value}" for name, value in config.items()]
        command = [sys.executable, "-m", "snakemake", *options, "--cores", "1", "--config", *told]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=550, check=False
        )

    def cut_down(self, name: str, tasks: tuple[str, ...], pages: tuple[str, ...], **decompose: Any) -> None:
        """Keep everything that a profile says but its counts."""
        path = self.root / "workflow" / "profiles" / f"{name}.yaml"
        profile = yaml.safe_load(path.read_text())
        profile["tasks"] = list(tasks)
        profile["extract"] |= {"n_questions": N_QUESTIONS, "window_width": 1}
        profile["decompose"] |= DRAWS | decompose
        profile["pages"] = dict.fromkeys(pages)
        path.write_text(yaml.safe_dump(profile))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Checkout:
    root = tmp_path_factory.mktemp("checkout")
    unneeded = shutil.ignore_patterns("__pycache__", "checkpoints", ".snakemake")
    for folder in ("analysis_lib", "workflow", "notebooks"):
        shutil.copytree(repository / folder, root / folder, ignore=unneeded)
    shutil.copy(repository / "pyproject.toml", root)
    (root / "book").mkdir()
    for facts in (repository / "book").glob("*.yml"):
        shutil.copy(facts, root / "book")
    return Checkout(root)


@pytest.fixture(scope="module")
def texts(shared_gqa: Path) -> list[str]:
    records = json.loads(shared_gqa.read_text(encoding="utf-8")).values()
    return [f"{record['question']} {record['answer']}" for record in records]


@pytest.fixture(scope="module")
def gqa(tmp_path_factory: pytest.TempPathFactory, shared_gqa: Path) -> Path:
    return lay_out_gqa(tmp_path_factory.mktemp("data") / "gqa", shared_gqa, TASKS, N_QUESTIONS, seed=0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    return {kind: save_random_model(folder / f"{kind}-random", kind, texts) for kind in ("llava", "llava_next")}
