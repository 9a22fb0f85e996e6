"""What a parameter may name is known without loading what it names."""

from pathlib import Path

import pytest

from analysis_lib.pid import DEFINITIONS
from analysis_lib.run.kinds import check_kind


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_definition_of_the_registry_can_be_asked_for_by_its_modules_name(name: str):
    check_kind("definition", name, Path())


@pytest.mark.parametrize("name", ["shapley", "base", "__init__", "broja.py", ""])
def test_what_is_no_definition_is_refused_with_those_that_there_are(name: str):
    with pytest.raises(ValueError, match=f"choose one of {', '.join(sorted(DEFINITIONS))}"):
        check_kind("definition", name, Path())
