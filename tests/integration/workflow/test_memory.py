"""Jobs wait for main memory as they wait for a core."""

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
