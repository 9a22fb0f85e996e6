"""Jobs wait for main memory and GPUs as they wait for a core."""

import os
import re
import time

import pytest

from analysis_lib.locks import LOCK

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("megabytes", ["4000", "1000"])
def test_jobs_that_would_not_fit_beside_each_other_run_one_by_one(miniature, megabytes):
    """A machine that has too little even for one runs it alone: what is reckoned is more than it takes."""
    (miniature.root / "hold").touch()
    run = miniature.start("--cores", "2", "--resources", f"mem_mb={megabytes}", "--forceall", "pages")
    while not list((miniature.root / "logs").rglob(LOCK)):
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    time.sleep(6)  # with memory for both, the other begins within a second
    assert len(list((miniature.root / "logs").rglob(LOCK))) == 1
    (miniature.root / "hold").unlink()
    said = run.communicate(timeout=300)
    assert run.returncode == 0, said
    assert miniature.ran()[-1] == "page overview"
    for lock in (miniature.root / "logs").rglob(LOCK):
        lock.unlink()


def test_a_job_that_takes_a_gpu_has_one_of_its_own(miniature, tmp_path, monkeypatch):
    """Every machine has one for this test; two extractions pass one after the other."""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho GPU-1234\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpus = ("--resources", "gpu=1", "--set-resources", "extract:gpu=1")
    done = miniature.snakemake("--cores", "2", *gpus, "--forcerun", "extract", "--printshellcmds", "pages")
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"-m analysis_lib.run notebooks/(\w+)\.md .*?(?:--gpus (\d))? +-o ", done.stdout + done.stderr)
    assert {("extract", "1"), ("decompose", ""), ("overview", "")} <= set(shown) and ("extract", "") not in shown
    for task in ("ChooseAttr", "ChooseCat"):
        manifest = miniature.root / f"results/tiny/activations/model/{task}/manifest.json"
        assert '"gpus": "GPU-1234"' in manifest.read_text()
    assert set(miniature.would_run()) <= {"all", "book"}, "which GPU it was makes no other result"
