"""With `shards` in a profile's `extract`, so many jobs share the questions of a model and task, and one merges them."""

import re

import pytest

THREE = ("--config", "profile=tiny", "extract={n_questions: 5, shards: 3}")


def test_every_shard_is_a_job_and_without_shards_there_is_none(miniature):
    done = miniature.snakemake("--dry-run", "--printshellcmds", *THREE)
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    jobs = {
        rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", told.partition("Reasons")[0], re.MULTILINE)
    }
    assert jobs == {"extract_shard": 6, "extract": 2, "decompose": 2, "page": 1, "book": 1, "all": 1, "total": 13}
    commands = re.findall(r"notebooks/extract_shard\.md .*", told)
    assert sorted(re.search(r"-p task (\w+) .*-p shard (\d)", command).groups() for command in commands) == [
        (task, str(number)) for task in ("ChooseAttr", "ChooseCat") for number in (1, 2, 3)
    ]
    assert all(" -p shards 3 " in command for command in commands)


@pytest.mark.slow
def test_a_shard_that_failed_is_run_again_alone_and_a_merged_store_needs_none(miniature):
    (miniature.root / "out-of-memory").touch()
    assert miniature.snakemake(*THREE, "--", "pages").returncode != 0
    assert miniature.ran() == [
        f"shard {number} of 3 of {task}" for number in (1, 3) for task in ("ChooseAttr", "ChooseCat")
    ]
    (miniature.root / "out-of-memory").unlink()
    store = "results/tiny/activations/model/ChooseAttr/manifest.json"
    done = miniature.snakemake(*THREE, "--", store)
    assert done.returncode == 0, done.stderr
    assert miniature.ran() == ["extract ChooseAttr", "shard 2 of 3 of ChooseAttr"]
    assert not list(miniature.root.rglob("ChooseAttr.shards/*.done"))
    assert "Nothing to be done" in (done := miniature.snakemake(*THREE, "--", store)).stdout + done.stderr
