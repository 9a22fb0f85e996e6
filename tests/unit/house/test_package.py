"""What a stranger gets: a package that imports at once and ships its models, targets that explain themselves."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

import analysis_lib


def test_importing_the_package_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import analysis_lib; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["analysis_lib"]


def test_refusing_a_parameter_needs_no_heavy_library():
    """A misspelt name is told within a second, not after the models' libraries have loaded."""
    code = "import sys, analysis_lib.run.__main__, analysis_lib.run.preflight; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "pandas", "altair", "papermill"} & set(done.stdout.split())


def test_what_pip_installs_contains_the_checkpoints(repository: Path, tmp_path: Path):
    list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    list_files += ["analysis_lib", "pyproject.toml", "LICENSE"]
    tracked = subprocess.run(list_files, cwd=repository, capture_output=True, text=True, check=True).stdout.split("\0")
    source = tmp_path / "source"
    for name in filter(None, tracked):
        if (repository / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((repository / name).read_bytes())
    (source / "README.md").write_text("")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run(build, check=True, capture_output=True, timeout=240)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {path for path in tracked if path.startswith("analysis_lib/")} <= inside


def test_every_target_of_the_makefile_has_a_line_of_help(repository: Path):
    makefile = (repository / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    help_text = subprocess.run(["make", "help"], cwd=repository, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in help_text.splitlines() if re.match(r"  [a-z]", line)} == set(phony)


def test_citation_names_this_version_and_the_paper(repository: Path):
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert citation["version"] == analysis_lib.__version__
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Wu", "Zhang", "Zhou"]
    assert paper["identifiers"][0]["value"] == "arXiv:2602.15580"
