"""Tasks and definitions of other packages are found by their entry points, and a bad one says whose it is."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from analysis_lib.pid.definitions import DEFINITIONS
from analysis_lib.registered import Registry, registered
from analysis_lib.run.kinds import check_kind
from analysis_lib.tasks import TASKS
from analysis_lib.tasks.registry import OWN_TASKS
from tests.unit.registered.installed import ENTRIES, install


@dataclass(frozen=True)
class Named:
    name: str


OWN = {"first": Named("first"), "second": Named("second")}
GROUP = "analysis_lib.examples"
SOURCE = """
from tests.unit.registered.test_registered import Named
THIRD = Named("third")
OTHER = Named("other")
NOT_ONE = 3
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python looks into, in this test alone."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    importlib.invalidate_caches()
    return tmp_path


def bring(site: Path, brought: dict[str, str], name: str = "their-package", source: str = SOURCE) -> Registry[Named]:
    install(site, {GROUP: brought}, name, source=source)
    return Registry(OWN, GROUP, Named)


def test_what_a_package_brings_stands_behind_the_librarys_own(site: Path):
    found = bring(site, {"third": "THIRD"})
    assert list(found) == ["first", "second", "third"] and len(found) == 3 and "third" in found
    assert found["third"].name == "third" and found["first"] is OWN["first"]
    assert (found.origin("third"), found.origin("first")) == ("their-package 1.0", "")


def test_nothing_is_imported_before_it_is_asked_for(site: Path):
    found = bring(site, {"third": "THIRD"}, source="raise RuntimeError('imported')")
    assert "third" in found and list(found)[-1] == "third" and found["second"].name == "second"
    with pytest.raises(ValueError, match=r"their-package 1\.0 brings as 'third'.*RuntimeError: imported.*uninstall"):
        found["third"]


@pytest.mark.parametrize(
    ("attribute", "complaint"),
    [
        ("OTHER", "calls itself 'other'; both names must be the same"),
        ("NOT_ONE", "is a int, and no Named"),
        ("MISSING", "cannot be imported .AttributeError"),
    ],
)
def test_what_is_not_what_it_is_said_to_be_is_refused_with_whose_it_is(site: Path, attribute: str, complaint: str):
    found = bring(site, {"third": attribute})
    with pytest.raises(ValueError, match=rf"their-package 1\.0.*{complaint}"):
        found["third"]


def test_a_name_of_the_librarys_own_is_nobody_elses(site: Path):
    found = bring(site, {"second": "OTHER"})
    assert found["second"] is OWN["second"]
    with pytest.raises(ValueError, match=r"their-package 1\.0 brings 'second'.*a name that analysis_lib has itself"):
        list(found)


def test_two_packages_that_bring_one_name_are_both_named(site: Path):
    bring(site, {"third": "THIRD"})
    found = bring(site, {"third": "THIRD"}, name="another-package")
    with pytest.raises(ValueError, match=r"another-package 1\.0 and their-package 1\.0 both bring 'third'"):
        found["third"]


@pytest.mark.parametrize("name", ["fourth", "", None, 3])
def test_an_unknown_name_is_a_key_that_is_not_there(site: Path, name: object):
    found = bring(site, {"third": "THIRD"})
    assert name not in found
    with pytest.raises(KeyError):
        found[name]


def test_a_definition_that_is_brought_can_be_asked_for_before_anything_is_loaded(site: Path):
    with pytest.raises(ValueError, match="unknown definition 'least'"):
        check_kind("definition", "least", site)
    install(site)
    check_kind("definition", "least", site)
    with pytest.raises(ValueError, match="choose one of .*least"):
        check_kind("definition", "most", site)


def test_nothing_is_brought_here():
    """Else the other tests would vouch for a library that nobody has."""
    assert not registered("analysis_lib.tasks") and not registered("analysis_lib.definitions")
    assert set(TASKS) == set(OWN_TASKS) and "broja" in DEFINITIONS


def test_an_installed_package_s_task_is_asked_and_its_definition_decomposes(site: Path, repository: Path):
    """As a whole, in a process of its own: the module imports the library that imports the module."""
    install(site, ENTRIES)
    code = """
import sys
import numpy as np
from analysis_lib.tasks import TASKS, get_task
from analysis_lib.pid import DEFINITIONS, gaussian_pid
from analysis_lib.decompose.parts import Part
from analysis_lib.decompose.settings import Settings
assert get_task("VerifyAttr").matches({"structural": "verify", "semantic": "attr", "detailed": "verifyAttr"})
assert list(TASKS)[-1] == "VerifyAttr" and list(DEFINITIONS)[-1] == "least"
cross = np.sqrt(0.75) * np.eye(2)
atoms = gaussian_pid(np.block([[np.eye(2), cross], [cross.T, np.eye(2)]]), (2, 1, 1), "least")
assert abs(atoms.redundancy) < 1e-9 and abs(atoms.unique_vision - 1) < 1e-9, atoms
part, settings = Part("baseline", "prediction_hidden", "recomputed", "cartesian", "least", {}), Settings()
before = part.digest(settings)
DEFINITIONS.origin = lambda name: "their-package 1.1"
assert part.digest(settings) != before, "a part kept from another version of the package would be read"
assert "transformers.modeling_utils" not in sys.modules, "the classes of models take seconds to load, for models alone"
"""
    path = os.pathsep.join([str(site), str(repository)])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
