"""A run killed by SIGKILL and resumed leaves, byte for byte, what an uninterrupted run leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis_lib.activations import open_activations
from tests.unit.activations.folders import contents
from tests.unit.models.tiny import questions_table, save_tiny

SCRIPT = Path(__file__).with_name("killing.py")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork, such as Linux or macOS")


def kill(repository: Path, *arguments: str) -> dict[str, Any]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **one_thread, "PYTHONPATH": str(repository), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert "failed" not in report, f"{report}\n{done.stderr}"
    return report


def assert_all_equal_the_straight_run(root: Path) -> None:
    straight = contents(root / "straight")
    victims = sorted(path for path in root.iterdir() if path.name != "straight")
    assert victims and all(path.name.startswith("victim") for path in victims), "nothing is left beside the stores"
    for victim in victims:
        assert contents(victim) == straight, victim.name


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_file_operation_is_survived(repository: Path, tmp_path: Path, stride: int) -> None:
    report = kill(repository, "operations", str(tmp_path), str(stride))
    assert report["kills"] > 70 / stride and report["resumed_kills"] > 35 / stride
    assert_all_equal_the_straight_run(tmp_path)


def test_an_extraction_killed_at_random_moments_is_survived(repository: Path, tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "llava")
    questions = tmp_path / "questions.parquet"
    questions_table(tmp_path / "pictures", 11).to_parquet(questions)
    (tmp_path / "stores").mkdir()
    report = kill(repository, "moments", str(tmp_path / "stores"), str(model), str(questions))
    assert report["kills"] >= 3
    assert_all_equal_the_straight_run(tmp_path / "stores")
    assert open_activations(tmp_path / "stores" / "victim").sizes["sample"] == 11
