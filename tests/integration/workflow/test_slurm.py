"""The same run, each of its jobs as a job of a real SLURM: one node, started here where that can be done."""

import importlib.util
import re
import subprocess
import time

import pytest

from analysis_lib.locks import LOCK
from tests.integration.workflow.one_node import lacking, one_node

PLUGIN = "snakemake_executor_plugin_slurm"
# One node needs no long waits, and has no accounts.
HERE = ("--slurm-status-command", "squeue", "--slurm-no-account", "--latency-wait", "5",
        "--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2")  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(importlib.util.find_spec(PLUGIN) is None, reason="pip install -e '.[slurm]'"),
    pytest.mark.skipif(lacking() is not None, reason=str(lacking())),
]


def running() -> list[str]:
    """Numbers of the jobs that run now."""
    said = subprocess.run(["squeue", "-h", "-t", "R", "-o", "%i"], capture_output=True, text=True, check=True)
    return said.stdout.split()


def test_a_run_passes_through_slurm_and_a_killed_job_is_run_again(miniature, tmp_path):
    (miniature.root / "hold").touch()
    with one_node(tmp_path):
        run = miniature.start("--workflow-profile", "workflow/executors/slurm", *HERE, "pages")
        while len(running()) < 2 or len(list((miniature.root / "logs").rglob(LOCK))) < 2:
            assert run.poll() is None, run.communicate()
            time.sleep(0.5)
        subprocess.run(["scancel", running()[0]], check=True)
        (miniature.root / "hold").unlink()
        said = "".join(run.communicate(timeout=300))
        assert run.returncode == 0, said
        assert running() == []
    assert re.search(r"Trying to restart job", said), said
    ran = miniature.ran()
    assert ran[-1] == "page overview" and ran.count("decompose ChooseAttr") == ran.count("decompose ChooseCat") == 1
    assert set(miniature.would_run()) <= {"all", "book"}
