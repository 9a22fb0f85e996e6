"""A checkout that has the real profiles, cut down to a few questions and draws, and a way to run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.integration.real_profiles.standin import Taught, lay_out_gqa, save_taught, texts_of

N_QUESTIONS = 72
TASKS = ("ChooseAttr", "QueryAttr")
DRAWS = {"max_components": 3, "bootstrap": 10, "nulls": 2, "matched": 0, "flow_seeds": 1}


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
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=1100, check=False
        )

    def cut_down(
        self, name: str, tasks: tuple[str, ...], pages: tuple[str, ...], /, **others: Mapping[str, Any]
    ) -> None:
        """Keep everything that a profile says but its counts, and sections that are given."""
        path = self.root / "workflow" / "profiles" / f"{name}.yaml"
        profile = yaml.safe_load(path.read_text())
        profile["tasks"] = list(tasks)
        profile["extract"] |= {"n_questions": N_QUESTIONS, "window_width": 1}
        profile["decompose"] |= DRAWS
        profile["pages"] = dict.fromkeys(pages)
        for section, content in others.items():
            profile[section] |= content
        path.write_text(yaml.safe_dump(profile))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Checkout:
    root = tmp_path_factory.mktemp("checkout")
    unneeded = shutil.ignore_patterns("checkpoints", ".snakemake", "pages", "_build")
    for folder in ("analysis_lib", "workflow", "notebooks", "book"):
        shutil.copytree(repository / folder, root / folder, ignore=unneeded)
    for file in ("pyproject.toml", "_config.yml", "_toc.yml", "CONTRIBUTING.md"):
        shutil.copy(repository / file, root)
    return Checkout(root)


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory, shared_gqa: Path) -> pd.DataFrame:
    return lay_out_gqa(tmp_path_factory.mktemp("data") / "gqa", shared_gqa, TASKS, N_QUESTIONS)


@pytest.fixture(scope="module")
def gqa(questions: pd.DataFrame) -> Path:
    return Path(questions["image"].iloc[0]).parents[1]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, shared_gqa: Path, questions: pd.DataFrame) -> dict[str, Taught]:
    folder, texts = tmp_path_factory.mktemp("weights"), texts_of(shared_gqa)
    return {
        kind: save_taught(folder / f"{kind}-taught", kind, questions, texts, prompt="vicuna-v1-short")
        for kind in ("llava", "llava_next")
    }
