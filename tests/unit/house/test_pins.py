"""One truth about dependencies: pyproject.toml has ranges, two locks pin within them, conda installs a reader's."""

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / ".ci"))
import lock as locking

ON_REQUEST = {"kubernetes", "lab", "peers", "slurm"}
"""Extras of a reader's own desk: no command of this repository installs them, and nothing here runs on them."""
IMPORT = re.compile(r"^(?:import (?=\w+$|\w+ as )|from (?=\S+ import ))([A-Za-z]\w*)", re.MULTILINE)


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def extras(project) -> list[str]:
    """What the extras that are pinned ask for."""
    found = project["optional-dependencies"]
    return sum((lines for name, lines in found.items() if name not in ON_REQUEST), [])


@pytest.fixture(scope="module")
def locks(repository: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What a reader installs, and what is installed beside it to test, measure and print."""
    return pins(repository / "requirements.lock"), pins(repository / "requirements-dev.lock")


def pins(lock: Path) -> dict[str, str]:
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines), "exact versions only: no build, no address"
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def ranges(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def test_every_declared_dependency_is_pinned_within_its_range(project, extras, locks):
    reader, developer = locks
    for lines, lock in (
        (project["dependencies"], reader),
        (extras, reader | developer),
    ):
        outside = {name: lock.get(name) for name, r in ranges(lines).items() if lock.get(name, "0") not in r.specifier}
        assert not outside, f"not pinned, or pinned out of range: {outside}; run `make lock`"


def test_what_is_installed_on_request_alone_has_ranges_and_no_pins(project, locks):
    for name in ON_REQUEST:
        for package, wanted in ranges(project["optional-dependencies"][name]).items():
            assert {bound.operator for bound in wanted.specifier} == {">=", "<"}, f"{wanted} has no two ends"
            assert package not in locks[0] | locks[1]


def test_the_pins_are_complete_and_a_reader_gets_no_more(project, extras, locks):
    """Nothing that the dependencies need is left to be chosen at installation; no tool of developers comes along."""
    reader, developer = locks
    needed = locking.closure(project["dependencies"])
    accelerators = {name for name in needed if locking.ACCELERATOR.match(name)}
    assert needed - accelerators | locking.BUILDS == reader.keys(), "run `make lock`"
    assert not reader.keys() & developer.keys()
    everything = locking.closure(project["dependencies"] + extras)
    assert everything - accelerators <= reader.keys() | developer.keys(), "run `make lock`"
    assert {"nnsight", "pytest", "mypy", "ruff", "hypothesis", "playwright", "accelerate"} <= developer.keys()


def test_a_reader_runs_nothing_that_is_not_installed(repository, locks):
    """Modules that the library, the pages and the workflow import by name come with what a reader installs."""
    provided = metadata.packages_distributions()
    known = {*sys.stdlib_module_names, "analysis_lib", "companion", "tests"}
    sources = [*(repository / "analysis_lib").rglob("*.py"), *(repository / "notebooks").glob("*.md")]
    sources += [*(repository / "workflow").rglob("*.smk"), repository / "workflow" / "Snakefile"]
    sources += [path for path in (repository / "book" / "_ext").rglob("*.py") if path.name != "pdf.py"]  # says so
    for source in sources:
        found = IMPORT.findall(source.read_text(encoding="utf-8"))
        for module in set(found) - known:
            names = {canonicalize_name(name) for name in provided.get(module, [module])}
            assert names & locks[0].keys(), f"{source} imports {module}, which requirements.lock does not bring"


def test_what_is_installed_here_is_what_is_pinned(project, extras, locks):
    """The tests would otherwise vouch for versions that nobody installs."""
    declared = ranges(project["dependencies"] + extras)
    found = {name: metadata.version(name).split("+")[0] for name in declared}
    assert found == {name: (locks[0] | locks[1])[name] for name in declared}, "run `make test`"


def test_the_pins_that_the_book_speaks_of_are_pinned_so(repository, locks):
    rows = re.findall(r"^\| (`[^|]+) \|", (repository / "book" / "dependencies.md").read_text(), re.MULTILINE)
    spoken = [part.strip("`").split() for row in rows for part in row.split(", ")]
    assert len(spoken) > 10
    for name, *version in spoken:
        pinned = locks[0][canonicalize_name(name)]
        assert pinned.split(".")[: len(version[0].split("."))] == version[0].split(".") if version else pinned, name


def test_conda_installs_the_same_pins_and_python(repository, project):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements.lock", "-e ."]
    assert f"python{project['requires-python']}" in conda
    assert "pip" in conda
