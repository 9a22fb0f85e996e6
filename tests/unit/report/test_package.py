"""The package is cheap to import and says what it has."""

import subprocess
import sys

import pytest

from analysis_lib import report


def test_provenance_needs_neither_charts_nor_tables():
    code = "import sys, analysis_lib.report.provenance; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"altair", "pandas", "torch", "PIL", "scipy"} & set(loaded)


@pytest.mark.parametrize("name", report.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(report, name) is not None


def test_an_unknown_name_lists_the_known():
    with pytest.raises(AttributeError, match="question_grid"):
        _ = report.surprise
