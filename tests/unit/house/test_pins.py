"""One truth about dependencies: pyproject.toml has ranges, requirements.lock pins within them, conda installs these."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# torch's builds for other accelerators bring these themselves; the lock serves every build.
ACCELERATOR = re.compile(r"^(nvidia|cuda|triton)")


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def ranges(project: dict) -> dict[str, Requirement]:
    lines = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


@pytest.fixture(scope="module")
def pins(repository: Path) -> dict[str, str]:
    lines = (repository / "requirements.lock").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines), "exact versions only: no build, no address"
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_every_declared_dependency_is_pinned_within_its_range(ranges, pins):
    outside = {name: pins.get(name) for name, r in ranges.items() if pins.get(name, "0") not in r.specifier}
    assert not outside, f"not pinned, or pinned out of range: {outside}; run `make lock`"


def test_the_pins_are_complete(ranges, pins):
    """Nothing that the dependencies need is left to be chosen at installation."""
    seen: set[tuple[str, str]] = set()
    waiting = [(name, "") for name in ranges]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or ACCELERATOR.match(name):
            continue
        seen.add((name, extra))
        assert name in pins, f"{name} is needed but not pinned; run `make lock`"
        for line in metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(needed.name), wanted) for wanted in ("", *needed.extras)]


def test_what_is_installed_here_is_what_is_pinned(ranges, pins):
    """The tests would otherwise vouch for versions that nobody installs."""
    found = {name: metadata.version(name).split("+")[0] for name in ranges}
    assert found == {name: pins[name] for name in ranges}, "run `make install`"


def test_conda_installs_the_same_pins_and_python(repository, project):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements.lock", "-e ."]
    assert f"python{project['requires-python']}" in conda
    assert "pip" in conda
