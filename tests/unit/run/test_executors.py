"""Executors that cannot be used are refused before anything runs, with what to do."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from analysis_lib.reading import read_yaml

IMAGE = "container-image: companion:cuda"
VOLUME = 'kubernetes-shared-persistent-volumes: ["shared-claim:{shared}"]'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("slurn", "has no options in workflow/executors; there is kubernetes, local, slurm"),
        ("../profiles/default", "has no options in workflow/executors"),
        ("slurm", "snakemake-executor-plugin-slurm: .venv/bin/python -m pip install -e '.[slurm]'"),
        ("kubernetes", "snakemake-executor-plugin-kubernetes: .venv/bin/python -m pip install -e '.[kubernetes]'"),
    ],
)
def test_what_is_not_there_is_said_with_the_cure(repository, name, expected):
    asked = [repository / "workflow" / "executors" / "can_submit.py", name]
    command = [sys.executable, "-S", *map(str, asked)]  # without packages
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and expected in done.stderr and done.stderr.count("\n") == 1


def test_jobs_of_this_machine_need_nothing(can_submit):
    assert can_submit.problem("local") is None


@pytest.fixture
def can_submit(repository, tmp_path, monkeypatch):
    """The check with options of its own, where every plugin is installed and a cluster is configured."""
    found = importlib.util.spec_from_file_location("can_submit", repository / "workflow/executors/can_submit.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    for name in ("kubernetes", "local"):
        (tmp_path / name).mkdir()
        text = (repository / "workflow/executors" / name / "profile.yaml").read_text()
        (tmp_path / name / "profile.yaml").write_text(text)
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name)
    (tmp_path / "config").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return module


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "names no container-image: build one by Containerfile, push it, and name it there"),
        (["container-image: "], "names no container-image"),
        (["container-image: [companion]"], "names no container-image"),
        ([IMAGE], "no volume holds {here} (mounted: none); name the claim"),
        ([IMAGE, VOLUME.replace("{shared}", "/elsewhere")], "no volume holds {here} (mounted: /elsewhere)"),
        ([IMAGE, VOLUME.replace("{shared}", "{here}er")], "no volume holds {here} (mounted: {here}er)"),
        ([IMAGE, "kubernetes-shared-persistent-volumes: shared"], "'shared' is no volume; write CLAIM:/PATH"),
        ([IMAGE, "kubernetes-shared-persistent-volumes: 5"], "5 is no volume; write CLAIM:/PATH"),
        ([IMAGE, "jobs: [1"], "is no YAML: "),
    ],
)
def test_what_pods_lack_is_said_with_the_cure(can_submit, tmp_path, lines, expected):
    with (tmp_path / "kubernetes" / "profile.yaml").open("a") as profile:
        profile.write("\n".join(lines).replace("{here}", str(tmp_path)))
    assert expected.replace("{here}", str(tmp_path)) in can_submit.problem("kubernetes")


def test_pods_with_all_they_need_are_let_through_and_a_copy_of_the_options_has_its_own_name(
    can_submit, tmp_path, monkeypatch
):
    written = (tmp_path / "kubernetes" / "profile.yaml").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "profile.yaml").write_text(f"{written}{IMAGE}\n{VOLUME}\n".replace("{shared}", str(tmp_path)))
    assert can_submit.problem("mine") is None
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    assert f"{tmp_path}/gone is not there; set KUBECONFIG" in can_submit.problem("mine")
    (tmp_path / "mine" / "profile.yaml").write_text("jobs: 3\n")
    assert "mine/profile.yaml names no executor" in can_submit.problem("mine")
    (tmp_path / "mine" / "profile.yaml").write_text("executor: slurm\n")
    monkeypatch.setenv("PATH", "")
    assert "needs sbatch" in can_submit.problem("mine")


def test_an_executor_keeps_what_every_run_here_relies_on(repository):
    everywhere = read_yaml(repository / "workflow" / "profiles" / "default" / "profile.yaml", typed=True)
    options = list((repository / "workflow" / "executors").glob("*/profile.yaml"))
    assert {path.parent.name for path in options} == {"kubernetes", "local", "slurm"}
    for path in options:
        own = read_yaml(path, typed=True)
        assert {name: own[name] for name in everywhere if name != "cores"} == {
            name: value for name, value in everywhere.items() if name != "cores"
        }
        assert own["retries"] >= 1
        assert own["executor"] in (path.parent.name, f"{path.parent.name}-shared")
        assert own["executor"] == path.parent.name or plugin_beside(path, own["executor"]).is_file()


def plugin_beside(options: Path, executor: str) -> Path:
    return options.parent / f"snakemake_executor_plugin_{executor.replace('-', '_')}" / "__init__.py"
