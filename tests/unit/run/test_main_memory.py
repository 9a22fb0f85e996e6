"""Main memory is the machine's, or the part of it that a container may use."""

import subprocess
import sys

import pytest

from analysis_lib import main_memory


@pytest.mark.parametrize(("limit", "expected"), [("1048576\n", 2**20), ("max\n", None), ("", None)])
def test_a_limit_counts_where_there_is_one(tmp_path, monkeypatch, limit, expected):
    monkeypatch.setattr(main_memory, "LIMIT", tmp_path / "memory.max")
    whole = main_memory.main_memory()
    main_memory.LIMIT.write_text(limit)
    assert main_memory.main_memory() == (expected or whole) and whole > 2**28


def test_the_workflow_is_told_a_whole_number_of_megabytes():
    done = subprocess.run(
        [sys.executable, "-m", "analysis_lib.main_memory"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == round(main_memory.main_memory() / 2**20)
