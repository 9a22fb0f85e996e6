"""The graph of notebooks resumes after a failure, and runs again exactly what a change touches."""

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from analysis_lib.locks import LOCK
from analysis_lib.records import read_record


@pytest.fixture(scope="module")
def after_kill(miniature):
    """A first call, killed while it extracts and what it has begun left running, and what one beside it was told."""
    (miniature.root / "hold").touch()
    killed = miniature.start()
    while len(list((miniature.root / "logs").rglob(LOCK))) < 2:
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    beside = miniature.snakemake()
    killed.kill()
    killed.wait()
    return beside


@pytest.fixture(scope="module")
def after_failure(miniature, after_kill):
    """The call after it, which waits for them, and in which decomposing one of two tasks runs out of memory."""
    (miniature.root / "out-of-memory").touch()
    following = miniature.start()
    told = ""
    while "waiting for process" not in told:
        assert (line := following.stderr.readline()), told
        told += line
    assert not (miniature.root / "ran.txt").exists(), "it waits"
    (miniature.root / "hold").unlink()
    stdout, stderr = following.communicate(timeout=300)
    done = subprocess.CompletedProcess(following.args, following.returncode, stdout, told + stderr)
    return done, miniature.ran()


@pytest.fixture(scope="module")
def finished(miniature, after_failure):
    """The next call, with the trouble out of the way."""
    (miniature.root / "out-of-memory").unlink()
    return miniature.snakemake(), miniature.ran()


def test_a_second_run_beside_the_first_is_refused(after_kill):
    assert after_kill.returncode != 0
    assert "another run works in this folder" in after_kill.stderr + after_kill.stdout
    assert re.search(r"wait until it is done, or stop it \(kill \d+\)", after_kill.stderr + after_kill.stdout)


def test_what_a_killed_run_left_is_waited_for_and_after_a_failure_the_rest_is_finished(after_failure):
    done, ran = after_failure
    assert done.returncode != 0
    assert re.search(r"waiting for process \d+, which an earlier run has left .*; to stop it: kill \d+", done.stderr)
    assert set(ran) == {f"{stage} {task}" for stage in ("extract", "decompose") for task in ("ChooseAttr", "ChooseCat")}


def test_a_failure_names_the_cell_and_keeps_the_notebook_as_far_as_it_came(miniature, after_failure):
    done, _ = after_failure
    assert "failed in code cell 3 of 3" in done.stderr + done.stdout
    assert not (miniature.root / "logs/tiny/decompose/model/ChooseCat.ipynb").exists()
    kept = miniature.root / "logs/tiny/decompose/model/ChooseCat.failed.ipynb"
    outputs = [output for cell in nbformat.read(kept, as_version=4).cells for output in cell.get("outputs", [])]
    assert any("got as far as here" in output.get("text", "") for output in outputs)
    assert any(output.output_type == "error" and output.ename == "MemoryError" for output in outputs)


def test_the_next_call_runs_only_what_is_missing(miniature, finished):
    done, ran = finished
    assert done.returncode == 0, done.stderr
    assert ran == ["decompose ChooseCat", "page overview"]
    assert not (miniature.root / "logs/tiny/decompose/model/ChooseCat.failed.ipynb").exists()
    assert "ChooseAttr" in (miniature.root / "_build/html/book/pages/overview.html").read_text()


def test_the_results_say_whose_they_are(miniature, finished):
    """So that pages leave alone what an earlier version of the profile left behind."""
    listed = read_record(miniature.root / "results/tiny/contents.json", cure="", of="")
    assert listed == {"models": ["model"], "tasks": ["ChooseAttr", "ChooseCat"]}
    assert read_record(miniature.root / "results/tiny/seeds/contents.json", cure="")["models"] == []


def test_a_job_has_one_thread(miniature, finished):
    manifest = miniature.root / "results/tiny/activations/model/ChooseAttr/manifest.json"
    assert '"threads": "1"' in manifest.read_text()


def test_with_nothing_changed_but_times_nothing_runs(miniature, finished):
    for path in miniature.root.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            path.touch()
    assert miniature.would_run() == []


def test_what_is_damaged_is_made_again(miniature, finished):
    table = miniature.root / "results/tiny/atoms/model/ChooseCat.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[:50] + b"~" + whole[51:])
    said = miniature.snakemake("--dry-run")
    assert "ChooseCat.parquet does not match its checksum" in said.stderr
    assert table.read_bytes() != whole and table.exists(), "a dry run only says so"
    miniature.ran()
    done = miniature.snakemake("--", str(table.relative_to(miniature.root)))
    assert done.returncode == 0, done.stderr
    assert "made again: results/tiny/atoms/model/ChooseCat.parquet does not match its checksum" in done.stderr
    assert table.read_bytes() == whole and miniature.ran() == ["decompose ChooseCat"]


def append(line: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(path.read_text() + line)


def replace(old: str, new: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return edit


PROFILE = "workflow/profiles/tiny.yaml"
DOWN_FROM = {
    "extract": ["book", "decompose", "decompose", "extract", "extract", "page"],
    "decompose": ["book", "decompose", "decompose", "page"],
    "page": ["book", "page"],
    "book": ["book"],
    "nothing": [],
}


@pytest.mark.parametrize(
    ("changed", "edit", "first"),
    [
        ("analysis_lib/models/loading.py", append("# another model\n"), "extract"),
        ("analysis_lib/pid/gaussian.py", append("# another formula\n"), "decompose"),
        ("analysis_lib/report/theme.py", append("# another colour\n"), "page"),
        ("analysis_lib/worlds/mini/training/recipe.py", append("# another recipe\n"), "nothing"),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (
                (PROFILE, replace("n_questions: 5", "n_questions: 6"), "extract"),
                ("book/intro.md", append("And more.\n"), "book"),
                ("analysis_lib/tasks/registry.py", append("# another task\n"), "extract"),
                ("analysis_lib/worlds/mini/questions.py", append("# another wording\n"), "extract"),
                ("notebooks/extract.md", append("And more.\n"), "extract"),
                ("some/folder/model.safetensors", append("other weights"), "extract"),
                (PROFILE, replace("mode: joint", "mode: cartesian"), "decompose"),
                ("notebooks/overview.md", append("And more.\n"), "page"),
                ("book/claims.yml", append("# another claim\n"), "page"),
                ("tests/benchmarks/cases.py", append("# another case\n"), "page"),
                ("book/gqa_answers.yml", append("# another answer\n"), "book"),
                ("_config.yml", replace("Miniature", "Renamed"), "book"),
                ("analysis_lib/run/parameters.py", append("# another table\n"), "book"),
            )
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_change_runs_again_its_stage_and_what_follows(miniature, finished, changed, edit, first):
    path = miniature.root / changed
    before = path.read_text()
    try:
        edit(path)
        assert miniature.would_run() == DOWN_FROM[first]
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mode: joint", "mod: joint", "did you mean `mode`"),
        pytest.param(
            *("mode: joint", "mode: both", "expected str {joint, cartesian}, got 'both'"), marks=pytest.mark.slow
        ),
    ],
)
def test_a_refused_parameter_stops_the_run_before_anything_is_lost(miniature, finished, old, new, message):
    profile = miniature.root / PROFILE
    before = profile.read_text()
    try:
        replace(old, new)(profile)
        done = miniature.snakemake()
        assert done.returncode != 0
        assert message in done.stderr + done.stdout
        assert miniature.ran() == []
        assert (miniature.root / "results/tiny/atoms/model/ChooseAttr.parquet").exists()
    finally:
        profile.write_text(before)


def test_a_page_that_does_not_say_what_it_needs_is_refused(miniature, finished):
    page = miniature.root / "notebooks" / "overview.md"
    kept = page.read_text()
    try:
        replace("needs: [stores, atoms, claims, benchmarks]\n", "")(page)
        done = miniature.snakemake("--dry-run")
    finally:
        page.write_text(kept)
    assert done.returncode != 0 and "overview.md does not say what it needs" in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("only=klaims", "there is no page klaims"),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (("profile=minni", "give one of"), ("taskss=[ChooseAttr]", "taskss"))
        ),
    ],
)
def test_an_unknown_profile_or_key_is_refused(miniature, option, message):
    done = miniature.snakemake("--dry-run", "--config", *([] if "profile" in option else ["profile=tiny"]), option)
    assert done.returncode != 0
    assert message in done.stderr + done.stdout


@pytest.mark.parametrize("name", ['Anna\'s {x}: "real" $HOME disk #1', pytest.param("2024_11", marks=pytest.mark.slow)])
def test_the_folder_of_photographs_may_be_called_anything(miniature, finished, name):
    folder, profile = miniature.root / name, miniature.root / PROFILE
    (folder / "images").mkdir(parents=True)
    (folder / "val_balanced_questions.json").write_text("{}")
    before = profile.read_text()
    try:
        replace("extract: {", "extract: {source: $GQA, ")(profile)
        done = miniature.snakemake("--dry-run", "--printshellcmds", "--config", "profile=tiny", f"gqa={name}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"-p source {shlex.quote(name)} " in done.stdout + done.stderr
    finally:
        profile.write_text(before)
        shutil.rmtree(folder)
