"""The package is cheap to import and says what it has."""

import pytest

from analysis_lib import report


@pytest.mark.parametrize("name", report.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(report, name) is not None


def test_an_unknown_name_lists_the_known():
    with pytest.raises(AttributeError, match="question_grid"):
        _ = report.surprise
